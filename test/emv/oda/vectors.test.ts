import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rsaPublic } from '../../../src/crypto/rsa.ts';
import { type CaKey, caKeyChecksum } from '../../../src/emv/oda/ca-keys.ts';
import {
  checkIcc,
  checkIssuer,
  readIccCertificate,
  recoverIccKey,
  recoverIssuerKey,
  recoverSigned,
} from '../../../src/emv/oda/certificates.ts';
import {
  iccDynamicNumber,
  readCdaDynamicData,
  verifySdad,
  verifySsad,
} from '../../../src/emv/oda/signatures.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';

type Vector = Record<string, string> & {
  readonly staticDataNotAvailable?: boolean;
  readonly issuer: Record<string, string | number>;
  readonly icc?: Record<string, string | number>;
  readonly sda?: Record<string, string>;
  readonly dda?: Record<string, string>;
  readonly cda?: Record<string, string>;
};

const file = JSON.parse(readFileSync('test/vectors/emv-oda.json', 'utf8')) as { vectors: Vector[] };
const of = (op: string) => file.vectors.filter((v) => v.op === op).map((v) => [v.name, v] as const);
const bytes = (text: string | undefined) => fromHex(text ?? '');

function caKey(v: Vector): CaKey {
  return {
    rid: bytes(v.rid),
    index: Number.parseInt(v.capkIndex ?? '', 16),
    modulus: bytes(v.caModulus),
    exponent: bytes(v.caExponent),
  };
}

function issuerInput(v: Vector) {
  return {
    certificate: bytes(v.issuerCertificate),
    remainder: bytes(v.issuerRemainder),
    exponent: bytes(v.issuerExponent),
  };
}

function iccInput(v: Vector) {
  return {
    certificate: bytes(v.iccCertificate),
    remainder: bytes(v.iccRemainder),
    exponent: bytes(v.iccExponent),
  };
}

/** The first step of a chain that fails, or `none`. */
function failingStep(v: Vector): string {
  const date = '000101';
  const issuer = recoverIssuerKey(caKey(v), issuerInput(v));
  if (!issuer.ok) return 'ISSUER_CERTIFICATE';
  if (!checkIssuer(issuer.value, v.pan ?? '', date).ok) return 'ISSUER_CERTIFICATE';
  const statics = bytes(v.staticDataToBeAuthenticated);
  if (v.signedStaticApplicationData !== undefined && v.iccCertificate === undefined) {
    if (!verifySsad(issuer.value, bytes(v.signedStaticApplicationData), statics).ok) return 'SSAD';
    return 'none';
  }
  const icc = recoverIccKey(issuer.value, iccInput(v), statics);
  if (!icc.ok) return 'ICC_CERTIFICATE';
  if (!checkIcc(icc.value, v.pan ?? '', date).ok) return 'ICC_CERTIFICATE';
  const sdad = verifySdad(icc.value, bytes(v.signedDynamicApplicationData), bytes(v.dynamicDataToBeHashed));
  return sdad.ok ? 'none' : 'SDAD';
}

describe('certificate chains', () => {
  it.each(of('chain'))('%s', (_, v) => {
    const issuer = recoverIssuerKey(caKey(v), issuerInput(v));
    if (!issuer.ok) throw new Error(issuer.reason);
    expect(toHex(issuer.value.modulus)).toBe(v.issuer.modulus);
    expect(issuer.value.identifier).toBe(v.issuer.issuerIdentifier);
    expect(issuer.value.expiryMmyy).toBe(v.issuer.certificateExpiry);
    const statics = bytes(v.staticDataToBeAuthenticated);
    if (v.sda !== undefined && v.staticDataNotAvailable !== true) {
      const sda = verifySsad(issuer.value, bytes(v.signedStaticApplicationData), statics);
      expect(sda.ok && toHex(sda.value.dataAuthenticationCode)).toBe(v.sda.dataAuthenticationCode);
    }
    if (v.icc === undefined) return;
    let icc = recoverIccKey(issuer.value, iccInput(v), statics);
    if (v.staticDataNotAvailable === true) {
      expect(icc).toMatchObject({ ok: false, code: 'HASH' });
      const open = recoverSigned(issuer.value, iccInput(v).certificate, 0x04, 'certificate');
      icc = open.ok ? readIccCertificate(open.value, iccInput(v)) : open;
    }
    if (!icc.ok) throw new Error(icc.reason);
    expect(toHex(icc.value.modulus)).toBe(v.icc.modulus);
    expect(icc.value.pan.padEnd(20, 'F')).toBe(v.icc.applicationPan);
    const dynamic = verifySdad(
      icc.value,
      bytes(v.signedDynamicApplicationData),
      bytes(v.dynamicDataToBeHashed),
    );
    if (!dynamic.ok) throw new Error(dynamic.reason);
    expect(toHex(dynamic.value)).toBe((v.dda ?? v.cda)?.iccDynamicData);
    const number = iccDynamicNumber(dynamic.value);
    expect(number.ok && toHex(number.value)).toBe((v.dda ?? v.cda)?.iccDynamicNumber);
    if (v.cda === undefined) return;
    const cda = readCdaDynamicData(dynamic.value);
    expect(cda.ok && toHex(cda.value.transactionDataHash)).toBe(v.cda.transactionDataHash);
    expect(cda.ok && toHex(cda.value.cryptogram)).toBe(v.cda.applicationCryptogram);
  });

  it.each(of('reject'))('refuse %s', (_, v) => expect(failingStep(v)).toBe(v.step));

  it('refuse an expired certificate from the first day of the next month', () => {
    const v = of('chain')[1]?.[1] as Vector;
    const issuer = recoverIssuerKey(caKey(v), issuerInput(v));
    if (!issuer.ok) throw new Error(issuer.reason);
    expect(checkIssuer(issuer.value, v.pan ?? '', '141231').ok).toBe(true);
    expect(checkIssuer(issuer.value, v.pan ?? '', '150101')).toMatchObject({ code: 'EXPIRED' });
  });

  it.each([
    ['exponent 1', { exponent: fromHex('01') }],
    ['no exponent', { exponent: new Uint8Array(0) }],
    ['an even modulus', { modulus: new Uint8Array(128) }],
    ['an empty modulus', { modulus: new Uint8Array(0) }],
    ['a short modulus', { modulus: fromHex('C5') }],
  ])('refuse a CA key with %s without throwing', (_, change) => {
    const v = of('chain')[0]?.[1] as Vector;
    expect(recoverIssuerKey({ ...caKey(v), ...change }, issuerInput(v)).ok).toBe(false);
  });
});

describe('CA key checksums', () => {
  it.each(of('capk-checksum'))('%s', (_, v) => {
    expect(toHex(caKeyChecksum(caKey(v)))).toBe(v.checksumSha1);
  });
});

describe('offline enciphered PIN', () => {
  it.each(of('pin-encipherment'))('%s', (_, v) => {
    const block = `7F${v.pinBlock}${v.iccUnpredictableNumber}${v.randomPadding}`;
    const enciphered = rsaPublic(bytes(v.iccModulus), bytes(v.iccExponent), bytes(block));
    expect(toHex(enciphered)).toBe(v.encipheredPinData);
  });
});
