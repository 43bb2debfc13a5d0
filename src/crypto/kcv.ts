import { PossumError } from '../platform/errors.ts';
import { aesEncrypt } from './aes.ts';
import { aesCmac, tdesCmac } from './cmac.ts';
import { tdesEncrypt } from './des.ts';

export type KeyAlgorithm = 'TDES' | 'AES';
export type KcvMethod = 'ENCRYPT-ZEROS' | 'CMAC-ZEROS';

/**
 * The whole block that a check value is cut from: a block of zeros enciphered (ANSI X9.24-1), or its CMAC
 * (X9.24-1:2017, annex A). Three bytes of it are shown, five for AES by CMAC.
 * @returns 8 bytes (DES, TDES) or 16 (AES)
 * @throws PossumError `KEY` on a key length that the algorithm does not have
 */
export function keyCheckValue(algorithm: KeyAlgorithm, method: KcvMethod, key: Uint8Array): Uint8Array {
  if (algorithm === 'AES') {
    const zeros = new Uint8Array(16);
    return method === 'CMAC-ZEROS' ? aesCmac(key, zeros) : aesEncrypt(key, zeros);
  }
  const zeros = new Uint8Array(8);
  return method === 'CMAC-ZEROS' ? tdesCmac(key, zeros) : tdesEncrypt(key, zeros);
}

/**
 * Check value of a DES or TDES key: the first 3 bytes of an enciphered block of zeros (ANSI X9.24-1).
 * @throws PossumError `KEY` on a key that has not 8, 16 or 24 bytes
 */
export function kcvZeros(key: Uint8Array): Uint8Array {
  return tdesEncrypt(key, new Uint8Array(8)).slice(0, 3);
}

/**
 * The key that clear components combine to: their exclusive or.
 * @throws PossumError `KEY` without components or when their lengths differ
 */
export function combineComponents(components: readonly Uint8Array[]): Uint8Array {
  const [first] = components;
  if (first === undefined) throw new PossumError('KEY', 'no key components given');
  const key = new Uint8Array(first.length);
  for (const component of components) {
    if (component.length !== key.length) throw new PossumError('KEY', 'key components differ in length');
    for (let i = 0; i < key.length; i++) key[i] = (key[i] as number) ^ (component[i] as number);
  }
  return key;
}

/** Whether every byte has an odd number of one bits, as DES keys should. */
export function hasOddParity(key: Uint8Array): boolean {
  return oddParity(key).every((byte, i) => byte === key[i]);
}

/** A copy of the key in which every byte has an odd number of one bits. */
export function oddParity(key: Uint8Array): Uint8Array {
  return key.map((byte) => {
    let bits = byte ^ (byte >> 4);
    bits ^= bits >> 2;
    bits ^= bits >> 1;
    return byte ^ (bits & 1 ? 0 : 1);
  });
}
