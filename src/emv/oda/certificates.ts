import { createHash } from 'node:crypto';
import { rsaPublic } from '../../crypto/rsa.ts';
import { equalBytes, toHex } from '../../platform/bytes.ts';
import { type CaKey, isEmvExponent, laterDate } from './ca-keys.ts';

/** Public key certificates (EMV Book 2, sections 5.3, 6.3 and 6.4). */

export type OdaFailureCode =
  | 'KEY' // a modulus or exponent that EMV does not know
  | 'LENGTH' // not as long as the key that made it
  | 'HEADER'
  | 'FORMAT'
  | 'TRAILER'
  | 'ALGORITHM'
  | 'KEY_LENGTH' // remainder and certificate do not add up to the key
  | 'HASH'
  | 'ISSUER_IDENTIFIER'
  | 'PAN'
  | 'EXPIRED'
  | 'DYNAMIC_DATA';

export type OdaResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: OdaFailureCode; readonly reason: string };

export interface PublicKey {
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

export interface IssuerCertificate extends PublicKey {
  /** Leftmost PAN digits, padded with F. */
  readonly identifier: string;
  readonly expiryMmyy: string;
  readonly serial: Uint8Array;
}

export interface IccCertificate extends PublicKey {
  readonly pan: string;
  readonly expiryMmyy: string;
  readonly serial: Uint8Array;
}

export function odaFailure(
  code: OdaFailureCode,
  reason: string,
): { readonly ok: false; readonly code: OdaFailureCode; readonly reason: string } {
  return { ok: false, code, reason };
}

const HEADER = 0x6a;
const TRAILER = 0xbc;

/** Recovers signed data and checks what all kinds have in common: length, header, format byte, trailer. */
export function recoverSigned(
  key: PublicKey,
  signed: Uint8Array,
  format: number,
  what: string,
): OdaResult<Uint8Array> {
  if (!isEmvExponent(key.exponent)) return odaFailure('KEY', `exponent ${toHex(key.exponent)}`);
  if (key.modulus.length < 44 || ((key.modulus.at(-1) as number) & 1) === 0) {
    return odaFailure('KEY', `a modulus of ${key.modulus.length} bytes that is no RSA modulus`);
  }
  if (signed.length !== key.modulus.length) {
    return odaFailure('LENGTH', `${what} has ${signed.length} bytes, the key ${key.modulus.length}`);
  }
  const data = rsaPublic(key.modulus, key.exponent, signed);
  if (data[0] !== HEADER) return odaFailure('HEADER', `recovered ${what} does not begin with 6A`);
  if (data[1] !== format) {
    return odaFailure('FORMAT', `recovered ${what} is of format ${toHex(data.subarray(1, 2))}`);
  }
  if (data.at(-1) !== TRAILER) return odaFailure('TRAILER', `recovered ${what} does not end with BC`);
  return { ok: true, value: data };
}

/** SHA-1 over a recovered block from its format byte to its hash, then over `appended`; compared with its hash. */
export function hashHolds(recovered: Uint8Array, appended: readonly Uint8Array[]): boolean {
  const hash = createHash('sha1').update(recovered.subarray(1, -21));
  for (const part of appended) hash.update(part);
  return equalBytes(hash.digest(), recovered.subarray(-21, -1));
}

/** Fields that issuer and ICC certificates share, `at` being where the expiry date begins. */
interface CertificateBody {
  readonly expiryMmyy: string;
  readonly serial: Uint8Array;
  readonly modulus: Uint8Array;
}

function readBody(
  data: Uint8Array,
  at: number,
  exponent: Uint8Array,
  remainder: Uint8Array,
): OdaResult<CertificateBody> {
  const [hashAlgorithm, keyAlgorithm, modulusLength, exponentLength] = data.subarray(at + 5, at + 9);
  if (hashAlgorithm !== 1 || keyAlgorithm !== 1) {
    return odaFailure('ALGORITHM', `hash algorithm ${hashAlgorithm}, key algorithm ${keyAlgorithm}`);
  }
  const left = data.subarray(at + 9, -21);
  const length = modulusLength as number;
  const missing = Math.max(length - left.length, 0);
  if (remainder.length !== missing) {
    return odaFailure('KEY_LENGTH', `a remainder of ${remainder.length} bytes where ${missing} are missing`);
  }
  if (exponent.length !== exponentLength) {
    return odaFailure(
      'KEY_LENGTH',
      `an exponent of ${exponent.length} bytes where ${exponentLength} are named`,
    );
  }
  const modulus = new Uint8Array(length);
  modulus.set(left.subarray(0, Math.min(length, left.length)));
  modulus.set(remainder, length - missing);
  const expiryMmyy = toHex(data.subarray(at, at + 2));
  return { ok: true, value: { expiryMmyy, serial: data.slice(at + 2, at + 5), modulus } };
}

export interface CertificateInput {
  readonly certificate: Uint8Array;
  readonly remainder: Uint8Array;
  readonly exponent: Uint8Array;
}

/**
 * Recovers an issuer key from tags 90, 92 and 9F32 (Book 2, section 5.3 and table 6). Dates and PAN are not
 * looked at here: {@link checkIssuer} does that for each transaction.
 */
export function recoverIssuerKey(ca: CaKey, input: CertificateInput): OdaResult<IssuerCertificate> {
  const recovered = recoverSigned(ca, input.certificate, 0x02, 'issuer certificate');
  if (!recovered.ok) return recovered;
  const data = recovered.value;
  if (!hashHolds(data, [input.remainder, input.exponent])) {
    return odaFailure('HASH', 'the hash of the issuer certificate does not match');
  }
  const body = readBody(data, 6, input.exponent, input.remainder);
  if (!body.ok) return body;
  const identifier = toHex(data.subarray(2, 6));
  return { ok: true, value: { ...body.value, identifier, exponent: input.exponent.slice() } };
}

/**
 * The issuer identifier must be the beginning of the PAN, the certificate must not have expired (section 5.3,
 * steps 8 and 9).
 */
export function checkIssuer(
  issuer: IssuerCertificate,
  pan: string,
  dateYymmdd: string,
): OdaResult<IssuerCertificate> {
  const digits = issuer.identifier.replace(/F+$/, '');
  if (!/^\d{3,8}$/.test(digits) || !pan.startsWith(digits)) {
    return odaFailure('ISSUER_IDENTIFIER', `issuer identifier ${issuer.identifier} does not fit the PAN`);
  }
  return expired(issuer.expiryMmyy, dateYymmdd)
    ? odaFailure('EXPIRED', `the issuer certificate expired in ${issuer.expiryMmyy} (MMYY)`)
    : { ok: true, value: issuer };
}

/**
 * Recovers the card's key from tags 9F46, 9F48 and 9F47 (Book 2, section 6.4 and table 14).
 * @param staticData the signed records, then the AIP when tag 9F4A names it
 */
export function recoverIccKey(
  issuer: PublicKey,
  input: CertificateInput,
  staticData: Uint8Array,
): OdaResult<IccCertificate> {
  const recovered = recoverSigned(issuer, input.certificate, 0x04, 'ICC certificate');
  if (!recovered.ok) return recovered;
  if (!hashHolds(recovered.value, [input.remainder, input.exponent, staticData])) {
    return odaFailure('HASH', 'the hash of the ICC certificate does not match the signed data');
  }
  return readIccCertificate(recovered.value, input);
}

/** The fields of a recovered ICC certificate whose hash was looked at elsewhere. */
export function readIccCertificate(
  recovered: Uint8Array,
  input: Pick<CertificateInput, 'remainder' | 'exponent'>,
): OdaResult<IccCertificate> {
  const body = readBody(recovered, 12, input.exponent, input.remainder);
  if (!body.ok) return body;
  const pan = toHex(recovered.subarray(2, 12)).replace(/F+$/, '');
  return { ok: true, value: { ...body.value, pan, exponent: input.exponent.slice() } };
}

/** The certificate must be for this PAN and must not have expired (section 6.4, steps 8 and 9). */
export function checkIcc(icc: IccCertificate, pan: string, dateYymmdd: string): OdaResult<IccCertificate> {
  if (icc.pan !== pan) return odaFailure('PAN', 'the ICC certificate is for another PAN');
  return expired(icc.expiryMmyy, dateYymmdd)
    ? odaFailure('EXPIRED', `the ICC certificate expired in ${icc.expiryMmyy} (MMYY)`)
    : { ok: true, value: icc };
}

/** A certificate is good to the last day of its month. */
function expired(mmyy: string, dateYymmdd: string): boolean {
  if (!/^(0[1-9]|1[0-2])\d\d$/.test(mmyy)) return true;
  return laterDate(dateYymmdd, `${mmyy.slice(2)}${mmyy.slice(0, 2)}31`);
}
