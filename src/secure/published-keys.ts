import * as z from 'zod';
import { equalBytes, fromHex } from '../platform/bytes.ts';
import { loadConfig } from '../platform/config.ts';
import { fixturePath } from '../platform/fixtures.ts';
import { lazily } from '../platform/lazily.ts';

const value = lazily(() => z.string().regex(/^(?:[0-9A-F]{16}|[0-9A-F]{32}|[0-9A-F]{48}|[0-9A-F]{64})$/));

/** The file of published keys: DES, TDES and AES keys in hex, and where they can be read. */
export const publishedKeysSchema = lazily(() =>
  z.strictObject({
    kind: z.literal('published-keys'),
    keys: z.array(z.strictObject({ source: z.string(), values: z.array(value()).min(1) })),
  }),
);

let known: readonly Uint8Array[] | undefined;

/** Whether the bytes are a key that everybody can read in a standard, a manual or the tests of open software. */
export function isPublishedKey(key: Uint8Array): boolean {
  known ??= loadConfig(
    fixturePath('keys', 'published.yaml'),
    publishedKeysSchema,
    'published-keys',
  ).keys.flatMap(({ values }) => values.map(fromHex));
  return known.some((published) => published.length === key.length && equalBytes(published, key));
}
