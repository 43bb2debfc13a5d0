import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { loadConfig } from '../platform/config.ts';
import { lazily } from '../platform/lazily.ts';
import { bytesOf, hex } from './hex-field.ts';
import type { CaKey } from './oda/ca-keys.ts';

/** CA keys as a terminal file states them, or the file that it names. */

/** One CA key. */
export const caKeySchema = lazily(() =>
  z.strictObject({
    rid: hex(5),
    index: hex(1),
    modulus: hex(),
    exponent: hex(),
    expiry: z
      .string()
      .regex(/^\d{4}-\d\d-\d\d$/, { error: 'must be YYYY-MM-DD' })
      .optional(),
    sha1: hex(20).optional(),
    scheme: z.string().optional(),
    env: z.enum(['test', 'production', 'unknown']).optional(),
  }),
);

/** A CA-key file: `keys`, and what they are. */
export const caKeyFileSchema = lazily(() =>
  z.strictObject({ about: z.string().optional(), keys: z.array(caKeySchema()) }),
);

export type CaKeyInput = z.input<ReturnType<typeof caKeySchema>>;

/**
 * Keys that stand in the terminal file, or those of the file that it names, relative to itself.
 * @throws PossumError `CONFIG` naming file and field
 */
export function readCaKeys(input: readonly CaKeyInput[] | string, file: string): readonly CaKey[] {
  if (typeof input !== 'string') return input.map((key, i) => buildCaKey(key, file, `caKeys.${i}`));
  const path = resolve(dirname(file), input);
  const { keys } = loadConfig(path, caKeyFileSchema, 'ca-keys');
  return keys.map((key, i) => buildCaKey(key, path, `keys.${i}`));
}

function buildCaKey(input: CaKeyInput, file: string, field: string): CaKey {
  return {
    rid: bytesOf(input.rid, file, `${field}.rid`, 5, 5),
    index: bytesOf(input.index, file, `${field}.index`, 1, 1)[0] as number,
    modulus: bytesOf(input.modulus, file, `${field}.modulus`, 0, 512),
    exponent: bytesOf(input.exponent, file, `${field}.exponent`, 0, 512),
    ...(input.expiry === undefined ? {} : { expiryYymmdd: input.expiry.slice(2).replaceAll('-', '') }),
    ...(input.sha1 === undefined ? {} : { sha1: bytesOf(input.sha1, file, `${field}.sha1`, 20, 20) }),
  };
}
