import * as z from 'zod';
import { fromHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';

/** Hex digits; YAML reads a value of digits only as a number, which is taken back as it was written. */
export const hex = (bytes?: number) =>
  z.union([
    z.string().regex(bytes === undefined ? /^([0-9A-Fa-f]{2})*$/ : hexOf(bytes), {
      error: bytes === undefined ? 'must be hex' : `must be ${bytes} bytes in hex`,
    }),
    z.number().int().nonnegative(),
  ]);

function hexOf(bytes: number): RegExp {
  return new RegExp(`^([0-9A-Fa-f]{2}){${bytes}}$`);
}

/**
 * The bytes of a hex field of `min` to `max` bytes.
 * @throws PossumError `CONFIG` naming file and field
 */
export function bytesOf(
  value: string | number,
  file: string,
  field: string,
  min: number,
  max: number,
): Uint8Array {
  const text = String(value);
  // A value of digits only loses its leading zeros to YAML; its length tells how many there were.
  const digits = typeof value === 'number' && min === max ? text.padStart(2 * min, '0') : text;
  if (digits.length % 2 !== 0 || digits.length < 2 * min || digits.length > 2 * max) {
    const wanted = min === max ? `${min}` : `${min} to ${max}`;
    throw new PossumError('CONFIG', `${field}: must be ${wanted} bytes in hex`, {
      where: file,
      remedy: 'Quote values that consist of digits only.',
    });
  }
  return fromHex(digits);
}
