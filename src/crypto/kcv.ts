import { PossumError } from '../platform/errors.ts';
import { tdesEncrypt } from './des.ts';

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

/** A copy of the key in which every byte has an odd number of one bits. */
export function oddParity(key: Uint8Array): Uint8Array {
  return key.map((byte) => {
    let bits = byte ^ (byte >> 4);
    bits ^= bits >> 2;
    bits ^= bits >> 1;
    return byte ^ (bits & 1 ? 0 : 1);
  });
}
