import { existsSync } from 'node:fs';
import * as z from 'zod';
import { type CardFile, issuerOf } from '../../app.ts';
import type { OnlineAnswer, OnlineRequest } from '../../emv/transaction.ts';
import { fromHex, isHex } from '../../platform/bytes.ts';
import { loadConfig } from '../../platform/config.ts';
import { PossumError } from '../../platform/errors.ts';
import { spellingHint } from '../../platform/spelling-hint.ts';
import { encodeTlv, tagFromHex } from '../../tlv/ber.ts';

/** What the issuer says in `possum emv --host`. */
export type HostAnswer = (request: OnlineRequest) => OnlineAnswer;

const hexText = z
  .union([z.string(), z.int().nonnegative()])
  .transform(String)
  .refine(isHex, { error: 'must be hex' });

/** A host answer file: the authorisation response code and issuer data by tag; 71 and 72 may be lists. */
const answerFile = z.strictObject({
  arc: z
    .union([z.string(), z.int()])
    .transform((value) => String(value).padStart(2, '0'))
    .refine((arc) => /^[\x20-\x7e]{2}$/.test(arc), { error: 'must be two characters' }),
  tags: z
    .record(
      z.string().regex(/^([0-9A-Fa-f]{2}){1,4}$/, { error: 'must be a tag in hex' }),
      z.union([hexText, z.array(hexText)]),
    )
    .default({}),
});

const APPROVING: readonly string[] = ['00', '08', '10', '11'];
const REFERRING: readonly string[] = ['01', '02'];
const SCRIPT_TAGS: readonly number[] = [0x71, 0x72];
const ARC = { approve: '00', decline: '05', refer: '01' } as const;

/**
 * @param option `approve`, `decline`, `refer`, `unable`, or a file
 * @throws PossumError `CONFIG` when the file is wrong
 */
export function hostAnswer(option: string, card: CardFile): HostAnswer {
  if (option === 'unable') return () => ({ kind: 'unable' });
  if (option === 'approve' || option === 'decline' || option === 'refer') {
    return (request) => computed(request, ARC[option], card);
  }
  if (/^[\w-]+$/.test(option) && !existsSync(option)) {
    throw new PossumError('USAGE', `--host ${option} is neither an answer nor a file`, {
      remedy: spellingHint(option, ['approve', 'decline', 'refer', 'unable'], 'answers'),
    });
  }
  const { arc, tags } = loadConfig(option, () => answerFile as z.ZodType<z.output<typeof answerFile>>);
  const objects = Object.entries(tags).flatMap(([tag, values]) =>
    [values].flat().map((value) => ({ tag: tagFromHex(tag), value: fromHex(value) })),
  );
  const scripts = objects.filter(({ tag }) => SCRIPT_TAGS.includes(tag));
  return () => ({
    kind: 'answered',
    arc,
    approved: APPROVING.includes(arc),
    ...(REFERRING.includes(arc) ? { referral: true } : {}),
    tags: new Map(
      objects.filter(({ tag }) => !SCRIPT_TAGS.includes(tag)).map(({ tag, value }) => [tag, value]),
    ),
    ...(scripts.length === 0 ? {} : { scripts: scripts.map(({ tag, value }) => encodeTlv(tag, value)) }),
  });
}

/** With the issuer's keys in the card file the answer carries a valid 91, else none. */
function computed(request: OnlineRequest, arc: string, card: CardFile): OnlineAnswer {
  const approved = APPROVING.includes(arc);
  const authentication = issuerOf(card)?.authenticationData((tag) => request.data.get(tag), {
    arc,
    approved,
  });
  return {
    kind: 'answered',
    arc,
    approved,
    ...(REFERRING.includes(arc) ? { referral: true } : {}),
    tags: new Map(authentication === undefined ? [] : [[0x91, authentication]]),
  };
}
