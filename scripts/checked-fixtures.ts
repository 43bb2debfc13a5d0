import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ZodType } from 'zod';
import { cardFile, issuerKeyFile } from '../devices/cards/schema.ts';
import { caKeyFileSchema } from '../src/emv/ca-key-file.ts';
import { hostFileSchema } from '../src/host/config.ts';
import { profileSchema } from '../src/iso8583/profile.ts';
import { checkedName } from '../src/platform/checked-at-build.ts';
import { parseConfig } from '../src/platform/config.ts';
import { publishedKeysSchema } from '../src/secure/published-keys.ts';
import { terminalFileSchema } from '../src/terminal/config.ts';

/** Where which kind of file lies, and how its text says that it is another kind. */
const KINDS: readonly { folder: string; kind: string; schema: () => ZodType; unless?: RegExp }[] = [
  { folder: 'cards', kind: 'card', schema: cardFile },
  { folder: 'cards/keys', kind: 'issuer-keys', schema: issuerKeyFile },
  { folder: 'capk', kind: 'ca-keys', schema: caKeyFileSchema, unless: /^authorities:/m },
  { folder: 'hosts', kind: 'host', schema: hostFileSchema, unless: /^kind: profile/m },
  { folder: 'hosts', kind: 'profile', schema: profileSchema, unless: /^kind: host/m },
  { folder: 'keys', kind: 'published-keys', schema: publishedKeysSchema },
  { folder: 'terminals', kind: 'terminal', schema: terminalFileSchema },
];

/** What the schemas make of the shipped files, under the names that a start looks for. */
export function checkedFixtures(
  fixtures: string,
): { file: string; kind: string; name: string; value: unknown }[] {
  return KINDS.flatMap(({ folder, kind, schema, unless }) =>
    readdirSync(join(fixtures, folder))
      .filter((file) => file.endsWith('.yaml') || file.endsWith('.json'))
      .map((file) => join(fixtures, folder, file))
      .map((file) => ({ file, text: readFileSync(file, 'utf8') }))
      .filter(({ text }) => unless?.test(text) !== true)
      .map(({ file, text }) => ({
        file,
        kind,
        name: checkedName(text, kind),
        value: parseConfig(text, file, schema),
      })),
  );
}
