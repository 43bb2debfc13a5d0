import * as z from 'zod';
import { fromHex, isHex } from '../../src/platform/bytes.ts';
import { lazily } from '../../src/platform/lazily.ts';
import { luhnValid } from '../../src/platform/secret.ts';
import { tagFromHex } from '../../src/tlv/ber.ts';

/** Building blocks of card files. YAML reads `9000` as a number: hex fields take both. */

const HEX_TEXT = /^([0-9A-Fa-f]|\s)*$/;

const asText = (text: z.ZodString, error: string) =>
  z.union([text, z.number().int().nonnegative()], { error }).transform((value) => String(value));

/** Bytes in hex, white space allowed. */
export const hex = lazily(() =>
  asText(z.string().regex(HEX_TEXT), 'expected bytes in hex').transform((text, context) => {
    if (isHex(text.replace(/\s+/g, ''))) return fromHex(text);
    context.addIssue({ code: 'custom', message: 'expected whole bytes in hex' });
    return z.NEVER;
  }),
);

/** Bytes in hex, of a length between `least` and `most`. */
export function hexOf(least: number, most = least) {
  return hex().refine(({ length }) => length >= least && length <= most, {
    message: least === most ? `expected ${least} bytes in hex` : `expected ${least} to ${most} bytes in hex`,
  });
}

/** Decimal digits as text; quote them in YAML. */
export function digits(least: number, most = least) {
  const error = least === most ? `expected ${least} digits` : `expected ${least} to ${most} digits`;
  return asText(z.string().regex(new RegExp(`^\\d{${least},${most}}$`)), error).refine(
    ({ length }) => length >= least && length <= most,
    { message: error },
  );
}

export const pan = lazily(() =>
  digits(8, 19).refine(luhnValid, { message: 'the Luhn check digit is wrong' }),
);

/** Data objects by tag. */
export type TagMap = ReadonlyMap<number, Uint8Array>;

/** A mapping from tags in hex to values in hex; the order of the file is kept where it can be. */
export const tagMap = lazily(() =>
  z.record(z.string(), hex()).transform((entries, context) => {
    const map = new Map<number, Uint8Array>();
    for (const [name, value] of Object.entries(entries)) {
      try {
        map.set(tagFromHex(name), value);
      } catch {
        context.addIssue({ code: 'custom', message: `"${name}" is no BER tag`, path: [name] });
      }
    }
    return map as TagMap;
  }),
);

const PATTERN_WANTED = 'expected hex bytes, ?? for one byte, ** at the end for the rest';

/** A command pattern of replay cards: hex, `??` for one byte, a final `**` for the rest. */
export const commandPattern = lazily(() =>
  asText(z.string(), PATTERN_WANTED)
    .transform((text) => text.replace(/\s+/g, '').toUpperCase())
    .refine((text) => /^([0-9A-F]{2}|\?\?)*(\*\*)?$/.test(text), { message: PATTERN_WANTED }),
);
