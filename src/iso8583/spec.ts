import * as z from 'zod';
import { lazily } from '../platform/lazily.ts';

/**
 * What a message looks like, as data: ISO 8583:1987 leaves the encoding of digits, lengths and bitmap to the
 * network, so that each host profile states its own.
 */

/**
 * Data formats: `n` digits, `xn` C or D and digits, `a` letters, `an` letters and digits, `anp` these and spaces,
 * `ans` printable ASCII, `z` track data, `b` bytes.
 */
const format = lazily(() => z.enum(['n', 'xn', 'a', 'an', 'anp', 'ans', 'z', 'b']));

const part = lazily(() =>
  z.strictObject({
    name: z.string(),
    length: z.int().min(1).max(999),
  }),
);

/** Fixed parts one after the other; the last ones may be missing from the right when `cut` is true. */
const layout = lazily(() =>
  z.strictObject({
    parts: z.array(part()).min(1),
    cut: z.boolean().optional(),
  }),
);

export const fieldSpecSchema = lazily(() =>
  z
    .strictObject({
      name: z.string(),
      format: format(),
      /** Fixed length in digits, characters or bytes. */
      length: z.int().min(1).max(999).optional(),
      /** Digits of the length prefix of a variable field: 2 for LL, 3 for LLL. */
      prefix: z.union([z.literal(2), z.literal(3)]).optional(),
      min: z.int().min(0).max(999).optional(),
      max: z.int().min(1).max(999).optional(),
      /** Packed digits of an odd count: the side of the zero nibble. Fixed `n` left, variable right, unless stated. */
      pad: z.enum(['left', 'right']).optional(),
      /** Overrides the message's way of writing digits. */
      digits: z.enum(['bcd', 'ascii']).optional(),
      /** `any`: characters of all 256 codes, one per byte (texts in another code page, binary values). */
      charset: z.literal('any').optional(),
      /** Names of the fixed parts that the value is made of, for each use of the field. */
      layouts: z.record(z.string(), layout()).optional(),
    })
    .refine((field) => (field.length === undefined) !== (field.prefix === undefined), {
      message: 'a field has either a fixed `length` or a `prefix` with `max`',
    })
    .refine((field) => field.prefix === undefined || field.max !== undefined, {
      message: 'a variable field needs `max`',
    })
    .refine((field) => field.prefix === undefined || (field.max ?? 0) < 10 ** field.prefix, {
      message: '`max` does not fit in the length prefix',
    }),
);

export const messageSpecSchema = lazily(() =>
  z.strictObject({
    /** How the MTI, `n` and `z` fields and length prefixes are written: packed two per byte, or as characters. */
    digits: z.enum(['bcd', 'ascii']),
    bitmap: z.strictObject({
      encoding: z.enum(['binary', 'hex']),
      /** 64: field 1 is refused. 128: a second bitmap is written when it is needed, or always. */
      bits: z.union([z.literal(64), z.literal(128)]),
      secondary: z.enum(['when-needed', 'always']).optional(),
    }),
    /** The field that holds the MAC; it is the last of a message that has one. */
    macField: z.int().min(2).max(128).optional(),
    fields: z.record(
      z.string().regex(/^([2-9]|[1-9]\d|1[01]\d|12[0-8])$/, 'field numbers are 2 to 128'),
      fieldSpecSchema(),
    ),
  }),
);

export type FieldSpec = z.infer<ReturnType<typeof fieldSpecSchema>>;
export type FieldLayout = z.infer<ReturnType<typeof layout>>;
export type MessageSpec = z.infer<ReturnType<typeof messageSpecSchema>>;
