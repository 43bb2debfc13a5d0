import { createCipheriv, createDecipheriv, createHash, getCiphers, getHashes } from 'node:crypto';
import { PossumError } from '../platform/errors.ts';

/**
 * SM3 (GB/T 32905) and SM4 (GB/T 32907), where the platform's library was built with them: some distributions leave
 * them out.
 */

/** Whether this platform has both. */
export function hasSm(): boolean {
  return getHashes().includes('sm3') && getCiphers().includes('sm4-ecb') && getCiphers().includes('sm4-cbc');
}

/**
 * The SM3 digest.
 * @returns 32 bytes
 * @throws PossumError `UNAVAILABLE` where the platform has no SM3
 */
export function sm3(data: Uint8Array): Uint8Array {
  return onPlatform('SM3', () => new Uint8Array(createHash('sm3').update(data).digest()));
}

/**
 * SM4 in ECB mode over whole blocks, or in CBC mode with an initial vector.
 * @param key 16 bytes
 * @param iv 16 bytes
 * @throws PossumError `KEY` or `FORMAT` on wrong lengths, `UNAVAILABLE` where the platform has no SM4
 */
export function sm4Encrypt(key: Uint8Array, data: Uint8Array, iv?: Uint8Array): Uint8Array {
  requireLengths(key, data, iv);
  return onPlatform('SM4', () => {
    const cipher = createCipheriv(iv === undefined ? 'sm4-ecb' : 'sm4-cbc', key, iv ?? null);
    return new Uint8Array(cipher.setAutoPadding(false).update(data));
  });
}

/** The inverse of {@link sm4Encrypt}. */
export function sm4Decrypt(key: Uint8Array, data: Uint8Array, iv?: Uint8Array): Uint8Array {
  requireLengths(key, data, iv);
  return onPlatform('SM4', () => {
    const cipher = createDecipheriv(iv === undefined ? 'sm4-ecb' : 'sm4-cbc', key, iv ?? null);
    return new Uint8Array(cipher.setAutoPadding(false).update(data));
  });
}

function onPlatform(name: string, work: () => Uint8Array): Uint8Array {
  try {
    return work();
  } catch (cause) {
    throw new PossumError('UNAVAILABLE', `this build of Node has no ${name}`, { cause });
  }
}

function requireLengths(key: Uint8Array, data: Uint8Array, iv: Uint8Array | undefined): void {
  if (key.length !== 16) throw new PossumError('KEY', `an SM4 key has 16 bytes, not ${key.length}`);
  if (data.length % 16 !== 0) {
    throw new PossumError('FORMAT', `SM4 works on blocks of 16 bytes; ${data.length} bytes given`);
  }
  if (iv !== undefined && iv.length !== 16) {
    throw new PossumError('FORMAT', `the initial vector has 16 bytes, not ${iv.length}`);
  }
}
