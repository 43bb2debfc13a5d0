import { describe, expect, it } from 'vitest';
import * as certificates from '../../src/crypto/certificates.ts';
import { rsaPublic } from '../../src/crypto/rsa.ts';
import { toHex } from '../../src/platform/bytes.ts';
import { bytes, type Vector, vectors } from './vectors.ts';

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** A signer that has the private exponent only, as the vectors do. */
function signer(modulus: string, exponent: string): certificates.Signer {
  return {
    length: modulus.length / 2,
    sign(block) {
      const value = power(BigInt(`0x${toHex(block)}`), BigInt(`0x${exponent}`), BigInt(`0x${modulus}`));
      return bytes(value.toString(16).padStart(modulus.length, '0'));
    },
  };
}

const generated = vectors('emv-oda', 'chain').filter((v) => v.caPrivateExponent !== undefined);

const keyOf = (v: Vector, which: 'issuer' | 'icc') => ({
  modulus: bytes(v[which].modulus),
  exponent: bytes(v[`${which}Exponent`]),
  expiry: v[which].certificateExpiry,
  serial: bytes(v[which].certificateSerial),
});

describe('certificates', () => {
  it.each(generated.map((v) => [v.name, v] as const))('signs the issuer key: %s', (_, v) => {
    const made = certificates.issuerCertificate(
      signer(v.caModulus, v.caPrivateExponent),
      v.issuer.issuerIdentifier.replace(/F+$/, ''),
      keyOf(v, 'issuer'),
    );
    expect(toHex(made.certificate)).toBe(v.issuerCertificate);
    expect(toHex(made.remainder)).toBe(v.issuerRemainder ?? '');
  });

  it.each(generated.filter((v) => v.icc).map((v) => [v.name, v] as const))(
    'signs the card key: %s',
    (_, v) => {
      const made = certificates.iccCertificate(
        signer(v.issuer.modulus, v.issuerPrivateExponent),
        v.pan,
        keyOf(v, 'icc'),
        bytes(v.staticDataToBeAuthenticated),
      );
      expect(toHex(made.certificate)).toBe(v.iccCertificate);
      expect(toHex(made.remainder)).toBe(v.iccRemainder ?? '');
    },
  );

  it.each(generated.filter((v) => v.sda).map((v) => [v.name, v] as const))(
    'signs static data: %s',
    (_, v) => {
      const made = certificates.signStaticData(
        signer(v.issuer.modulus, v.issuerPrivateExponent),
        bytes(v.sda.dataAuthenticationCode),
        bytes(v.staticDataToBeAuthenticated),
      );
      expect(toHex(made)).toBe(v.signedStaticApplicationData);
    },
  );

  it.each(generated.filter((v) => v.dda ?? v.cda).map((v) => [v.name, v] as const))(
    'signs dynamic data: %s',
    (_, v) => {
      const dynamic = v.cda
        ? certificates.cdaDynamicData(
            bytes(v.cda.iccDynamicNumber),
            Number.parseInt(v.cda.cryptogramInformationData, 16),
            bytes(v.cda.applicationCryptogram),
            bytes(v.transactionDataHashInput),
          )
        : bytes(v.dda.iccDynamicData);
      const card = signer(v.icc.modulus, v.iccPrivateExponent);
      const made = certificates.signDynamicData(card, dynamic, bytes(v.dynamicDataToBeHashed));
      expect(toHex(rsaPublic(bytes(v.icc.modulus), bytes(v.iccExponent), made))).toBe(
        (v.cda ?? v.dda).recovered,
      );
      expect(toHex(made)).toBe(v.signedDynamicApplicationData);
    },
  );

  it.each(vectors('emv-oda', 'capk-checksum').map((v) => [v.name, v] as const))('%s', (_, v) => {
    const sum = certificates.caKeyChecksum(
      bytes(v.rid),
      Number.parseInt(v.capkIndex, 16),
      bytes(v.caModulus),
      bytes(v.caExponent),
    );
    expect(toHex(sum)).toBe(v.checksumSha1);
  });

  it('refuses what does not fit', () => {
    const small: certificates.Signer = { length: 64, sign: (block) => block };
    expect(() => certificates.signDynamicData(small, new Uint8Array(40), new Uint8Array(4))).toThrow(
      expect.objectContaining({ code: 'FORMAT' }),
    );
    const key = { modulus: new Uint8Array(64), exponent: bytes('03'), expiry: '12', serial: bytes('000001') };
    expect(() => certificates.issuerCertificate(small, '476173', key)).toThrow();
    expect(() => certificates.issuerCertificate(small, '47', key)).toThrow();
  });
});
