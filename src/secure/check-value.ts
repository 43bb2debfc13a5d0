import { type KeyAlgorithm, keyCheckValue } from '../crypto/kcv.ts';
import { toHex } from '../platform/bytes.ts';

/**
 * The check value by which people recognise a key: three bytes of enciphered zeros for DES and TDES (X9.24-1), five of
 * a CMAC for AES (X9.143).
 * @param algorithm X9.143 letter
 * @returns hex, or an empty text for algorithms that have none
 */
export function checkValueOf(algorithm: string, key: Uint8Array): string {
  if (algorithm === 'A') return cut('AES', key, 5);
  return algorithm === 'T' || algorithm === 'D' ? cut('TDES', key, 3) : '';
}

function cut(algorithm: KeyAlgorithm, key: Uint8Array, bytes: number): string {
  const method = algorithm === 'AES' ? 'CMAC-ZEROS' : 'ENCRYPT-ZEROS';
  return toHex(keyCheckValue(algorithm, method, key).subarray(0, bytes));
}

/**
 * Whether a check value that somebody stated is that of the key: two bytes of it at least, either case. For AES the
 * older way, enciphered zeros, is taken too.
 */
export function confirms(stated: string, algorithm: string, key: Uint8Array): boolean {
  const wanted = stated.replace(/\s+/g, '').toUpperCase();
  if (!/^(?:[0-9A-F]{2}){2,16}$/.test(wanted)) return false;
  const blocks =
    algorithm === 'A'
      ? [keyCheckValue('AES', 'CMAC-ZEROS', key), keyCheckValue('AES', 'ENCRYPT-ZEROS', key)]
      : [keyCheckValue('TDES', 'ENCRYPT-ZEROS', key)];
  return blocks.some((block) => toHex(block).startsWith(wanted));
}
