import { createCipheriv } from 'node:crypto';
import forge from 'node-forge';
import { describe, expect, it } from 'vitest';
import { tdesCbcDecrypt, tdesCbcEncrypt, tdesDecrypt, tdesEncrypt } from '../../src/crypto/des.ts';
import { retailMac } from '../../src/crypto/mac.ts';
import { encodePinBlock, pinFromText } from '../../src/crypto/pin-block.ts';
import { encipherOfflinePin } from '../../src/crypto/pin-encipher.ts';
import { generateRsaKey, rsaKeyFromPrimes, rsaPrivate, rsaPublic } from '../../src/crypto/rsa.ts';
import { concat, fromLatin1, latin1, toHex } from '../../src/platform/bytes.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { bytes, rounds, vectors } from './vectors.ts';

/** Triple DES of node-forge, ECB or CBC, over whole blocks. */
function forgeTdes(mode: 'ECB' | 'CBC', key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  const full =
    key.length === 8 ? concat(key, key, key) : key.length === 16 ? concat(key, key.slice(0, 8)) : key;
  const cipher = forge.cipher.createCipher(`3DES-${mode}`, fromLatin1(full));
  cipher.start({ iv: fromLatin1(iv) });
  cipher.update(forge.util.createBuffer(fromLatin1(data)));
  const length = data.length;
  cipher.finish();
  return latin1(cipher.output.getBytes(length));
}

/** Retail MAC composed of single DES steps by node-forge. */
function forgeRetailMac(key: Uint8Array, data: Uint8Array): Uint8Array {
  const zero = new Uint8Array(8);
  const left = key.slice(0, 8);
  const last = forgeTdes('CBC', left, zero, data).slice(-8);
  const decipher = forge.cipher.createDecipher('DES-ECB', fromLatin1(key.slice(8)));
  decipher.start({ iv: '' });
  decipher.update(forge.util.createBuffer(fromLatin1(last)));
  // The padding of a lone block is nobody's: the typings leave out the argument that keeps it.
  (decipher.finish as (unpad: () => boolean) => boolean).call(decipher, () => true);
  return forgeTdes('ECB', left, zero, latin1(decipher.output.getBytes(8)));
}

describe('DES and triple DES', () => {
  const random = seededRandom('des');

  it('agrees with a second implementation', () => {
    for (let i = 0; i < rounds(500); i++) {
      const key = random.bytes([8, 16, 24][i % 3] as number);
      const data = random.bytes(8 * (1 + random.below(6)));
      const iv = random.bytes(8);
      expect(toHex(tdesEncrypt(key, data))).toBe(toHex(forgeTdes('ECB', key, iv, data)));
      expect(toHex(tdesCbcEncrypt(key, data, iv))).toBe(toHex(forgeTdes('CBC', key, iv, data)));
    }
  });

  it('agrees with the platform', () => {
    for (let i = 0; i < rounds(500); i++) {
      const key = random.bytes(24);
      const data = random.bytes(8 * (1 + random.below(4)));
      const cipher = createCipheriv('des-ede3-ecb', key, null).setAutoPadding(false);
      expect(toHex(tdesEncrypt(key, data))).toBe(cipher.update(data).toString('hex').toUpperCase());
    }
  });

  it('deciphers what it enciphered', () => {
    for (let i = 0; i < 200; i++) {
      const key = random.bytes([8, 16, 24][i % 3] as number);
      const data = random.bytes(8 * random.below(6));
      const iv = random.bytes(8);
      expect(tdesDecrypt(key, tdesEncrypt(key, data))).toEqual(data);
      expect(tdesCbcDecrypt(key, tdesCbcEncrypt(key, data, iv), iv)).toEqual(data);
    }
  });

  it('computes retail MACs as a second implementation does', () => {
    for (let i = 0; i < rounds(500); i++) {
      const key = random.bytes(16);
      const data = random.bytes(8 * (1 + random.below(8)));
      expect(toHex(retailMac(key, data))).toBe(toHex(forgeRetailMac(key, data)));
    }
  });

  it('refuses wrong lengths', () => {
    expect(() => tdesEncrypt(new Uint8Array(16), new Uint8Array(7))).toThrow(
      expect.objectContaining({ code: 'FORMAT' }),
    );
    expect(() => tdesEncrypt(new Uint8Array(15), new Uint8Array(8))).toThrow(
      expect.objectContaining({ code: 'KEY' }),
    );
    expect(() => tdesCbcEncrypt(new Uint8Array(16), new Uint8Array(8), new Uint8Array(4))).toThrow();
  });
});

describe('raw RSA', () => {
  const random = seededRandom('rsa');

  const keys = vectors('emv-oda', 'chain')
    .filter((v) => v.iccPrimeP !== undefined)
    .map((v) => rsaKeyFromPrimes(bytes(v.iccPrimeP), bytes(v.iccPrimeQ), bytes(v.iccExponent)));

  it.each(keys.map((key) => [key.modulus.length * 8, toHex(key.exponent), key] as const))(
    'of %i bits with exponent %s agrees with a second implementation',
    (bits, _, key) => {
      const Big = forge.jsbn.BigInteger;
      const big = (value: Uint8Array) => new Big(toHex(value), 16);
      for (let i = 0; i < rounds(1000) / keys.length; i++) {
        const data = random.bytes(bits / 8);
        data[0] = 0x6a;
        const expected = big(data).modPow(big(key.exponent), big(key.modulus)).toString(16).toUpperCase();
        const enciphered = rsaPublic(key.modulus, key.exponent, data);
        expect(toHex(enciphered)).toBe(expected.padStart(bits / 4, '0'));
        if ((data[0] as number) < (key.modulus[0] as number)) {
          expect(toHex(rsaPrivate(key, enciphered))).toBe(toHex(data));
        }
      }
    },
  );

  it('generates keys that can be completed from their primes', () => {
    const key = generateRsaKey(512, 3);
    const rebuilt = rsaKeyFromPrimes(key.primeP, key.primeQ, key.exponent);
    const data = new Uint8Array(64).fill(0x6a);
    expect(toHex(rebuilt.modulus)).toBe(toHex(key.modulus));
    expect(toHex(rsaPrivate(rebuilt, data))).toBe(toHex(rsaPrivate(key, data)));
  });

  it('enciphers the PIN blocks of the vectors', () => {
    for (const v of vectors('emv-oda', 'pin-encipherment')) {
      const card = { modulus: bytes(v.iccModulus), exponent: bytes(v.iccExponent) };
      const block = encodePinBlock({ format: 2, pin: pinFromText(v.pin) });
      expect(toHex(block)).toBe(v.pinBlock);
      const [challenge, padding] = [bytes(v.iccUnpredictableNumber), bytes(v.randomPadding)];
      expect(toHex(encipherOfflinePin(card, block, challenge, padding))).toBe(v.encipheredPinData);
      const refused = (code: string) => expect.objectContaining({ code });
      expect(() => encipherOfflinePin(card, block, challenge, padding.subarray(1))).toThrow(
        refused('FORMAT'),
      );
      expect(() => encipherOfflinePin(card, block.subarray(1), challenge, padding)).toThrow(
        refused('FORMAT'),
      );
      const broken = { ...card, modulus: new Uint8Array(card.modulus.length) };
      expect(() => encipherOfflinePin(broken, block, challenge, padding)).toThrow(refused('KEY'));
    }
  });

  it('survives keys that are none', () => {
    const data = new Uint8Array(64).fill(1);
    expect(toHex(rsaPublic(new Uint8Array(64).fill(255), Uint8Array.of(1), data))).toBe(toHex(data));
    const refused = expect.objectContaining({ code: 'FORMAT' });
    expect(() => rsaPublic(new Uint8Array(64), Uint8Array.of(3), data)).toThrow(refused);
    expect(() => rsaPublic(new Uint8Array(63).fill(255), Uint8Array.of(3), data)).toThrow(refused);
    expect(() => rsaPublic(new Uint8Array(64).fill(255), new Uint8Array(9).fill(255), data)).toThrow(refused);
    const [key] = keys;
    if (key === undefined) throw new Error('no key');
    expect(() => rsaPrivate(key, new Uint8Array(key.modulus.length).fill(255))).toThrow(refused);
    expect(() => rsaPrivate(key, data)).toThrow(refused);
    expect(() => rsaKeyFromPrimes(bytes('0D'), bytes('13'), bytes('03'))).toThrow(
      expect.objectContaining({ code: 'KEY' }),
    );
  });
});
