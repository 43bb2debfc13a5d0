import { createHash } from 'node:crypto';
import { bytesToUint, equalBytes, toHex } from '../../platform/bytes.ts';

/** A certification authority's public key (EMV Book 2, section 11.2.1). */
export interface CaKey {
  /** Five bytes. */
  readonly rid: Uint8Array;
  readonly index: number;
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
  /** `YYMMDD`, the last day on which the key may be used. */
  readonly expiryYymmdd?: string;
  /** Checksum that came with the key. */
  readonly sha1?: Uint8Array;
}

/** SHA-1 over RID, index, modulus and exponent (Book 2, annex B2 and table 30). */
export function caKeyChecksum(key: Pick<CaKey, 'rid' | 'index' | 'modulus' | 'exponent'>): Uint8Array {
  const hash = createHash('sha1').update(key.rid).update(Uint8Array.of(key.index));
  return Uint8Array.from(hash.update(key.modulus).update(key.exponent).digest());
}

/** Why a key must not be used, or `undefined` when it may (Book 2, section 11.2.2). */
export function caKeyDefect(key: CaKey, dateYymmdd: string): string | undefined {
  if (key.modulus.length < 8 || key.modulus.length > 248 || ((key.modulus.at(-1) as number) & 1) === 0) {
    return `its modulus of ${key.modulus.length} bytes is no RSA modulus of EMV`;
  }
  if (!isEmvExponent(key.exponent)) return `its exponent ${toHex(key.exponent)} is neither 3 nor 65537`;
  if (key.sha1 !== undefined && !equalBytes(key.sha1, caKeyChecksum(key))) return 'its checksum is wrong';
  if (key.expiryYymmdd !== undefined && laterDate(dateYymmdd, key.expiryYymmdd)) {
    return `it expired on ${key.expiryYymmdd}`;
  }
  return undefined;
}

/** Public exponents of EMV are 3 and 2^16 + 1 (Book 2, annex B2.1). */
export function isEmvExponent(exponent: Uint8Array): boolean {
  if (exponent.length === 0 || exponent.length > 4) return false;
  const value = bytesToUint(exponent);
  return value === 3 || value === 65537;
}

/** True when `a` is later than `b`, both `YYMMDD`; years 50 to 99 are 1950 to 1999 (Book 4, section 6.7.3). */
export function laterDate(a: string, b: string): boolean {
  return fullYear(a) > fullYear(b);
}

function fullYear(yymmdd: string): string {
  return (Number(yymmdd.slice(0, 2)) >= 50 ? '19' : '20') + yymmdd;
}
