import * as z from 'zod';
import { loadConfig } from '../platform/config.ts';
import { lazily } from '../platform/lazily.ts';
import { messageSpecSchema } from './spec.ts';

/**
 * A host profile file (`emv-fixtures/hosts/*.yaml`, `kind: profile`): all that one bank or network may state
 * differently from another. Both ends of the line read it; neither names a profile in its code.
 */

const digits = (count: number) =>
  z.string().regex(new RegExp(`^\\d{${count}}$`), `${count} digits, in quotes`);
const tagHex = lazily(() => z.string().regex(/^([0-9A-F]{2}){1,4}$/, 'a tag in upper-case hex'));

const framing = lazily(() =>
  z.strictObject({
    /** Two bytes big-endian, four packed digits, or four characters. */
    lengthPrefix: z.enum(['bin2', 'bcd2', 'ascii4']),
    /** True when the length counts its own bytes. */
    includesSelf: z.boolean(),
    /** Longest body that is accepted, in bytes after the prefix. */
    maxLength: z.int().min(32).max(65535),
  }),
);

/** `60`, destination and source of two packed bytes each. */
const tpdu = lazily(() =>
  z.strictObject({
    destination: digits(4),
    source: digits(4),
    /** Refuse answers whose addresses are not swapped; otherwise they are only reported. */
    strict: z.boolean(),
  }),
);

const header = lazily(() =>
  z.strictObject({ digits: z.string().regex(/^(\d\d)+$/, 'an even number of digits') }),
);

const transaction = lazily(() =>
  z.strictObject({
    mti: digits(4),
    processingCode: digits(6),
    condition: digits(2).optional(),
    /** A missing answer must be followed by a reversal. */
    reversible: z.boolean().optional(),
    /** Where its amount stands in the batch totals; absent: nowhere. */
    totals: z.enum(['sales', 'refunds', 'takes-out', 'replaces']).optional(),
  }),
);

const totals = lazily(() =>
  z.strictObject({
    field: z.int().min(2).max(128),
    /** `net`: a voided transaction and its void are both out of the totals. */
    rule: z.enum(['net', 'gross']),
    countDigits: z.int().min(1).max(10),
    amountDigits: z.int().min(1).max(16),
    pairs: z.array(z.enum(['sales', 'refunds'])).min(1),
    /** Filled with zeros on the right up to this many characters. */
    length: z.int().min(1).max(999),
  }),
);

const responseCode = lazily(() =>
  z.strictObject({
    /** A approved, B may be tried again, C declined, D operator has something to do, E system trouble. */
    class: z.enum(['A', 'B', 'C', 'D', 'E']),
    en: z.string(),
    zh: z.string(),
    action: z
      .enum([
        'finish',
        'partial',
        'refer',
        'call-acquirer',
        'keep-card',
        'sign-on',
        'insert-chip',
        'enter-pin-again',
        'reverse-if-late',
        'upload-offline',
        'upload',
        'wait',
        'fail-over',
        'duplicate',
        'log-frame',
      ])
      .optional(),
  }),
);

export const profileSchema = lazily(() =>
  z.strictObject({
    kind: z.literal('profile'),
    name: z.string().regex(/^[a-z0-9-]+$/),
    framing: framing(),
    tpdu: tpdu().optional(),
    /** Follows the TPDU, packed. */
    header: header().optional(),
    /** Field 24. */
    nii: digits(3).optional(),
    /** The line stays connected between dialogues; otherwise each has a connection of its own. */
    keepAlive: z.boolean().optional(),
    message: messageSpecSchema(),
    mac: z
      .strictObject({
        /** X9.19 under the DUKPT MAC request key; answers under the response key of the same KSN. */
        algorithm: z.enum(['dukpt-x9.19']),
        /** Requests that carry one; their answers do too. */
        mtis: z.array(digits(4)),
      })
      .optional(),
    pin: z.strictObject({ field: z.int(), format: z.union([z.literal(0)]) }).optional(),
    ksn: z.strictObject({ field: z.int(), encoding: z.enum(['bin10', 'hex20']) }).optional(),
    transactions: z.record(z.string(), transaction()).optional(),
    reversalMti: digits(4).optional(),
    batchUploadMti: digits(4).optional(),
    /** Answers to a reversal after which it is done. */
    reversalDoneCodes: z.array(z.string().length(2)).optional(),
    /** Tags of field 55 in the order in which they are sent. */
    chipTags: z.array(tagHex()).optional(),
    /** Tags that are sent as this many zero bytes when they are missing. */
    zeroWhenMissing: z.record(tagHex(), z.int().min(1).max(255)).optional(),
    totals: totals().optional(),
    responseCodes: z.record(z.string().length(2), responseCode()),
  }),
);

export type HostProfile = z.infer<ReturnType<typeof profileSchema>>;
export type FramingSpec = HostProfile['framing'];
export type ProfileTransaction = z.infer<ReturnType<typeof transaction>>;
export type ResponseCodeEntry = z.infer<ReturnType<typeof responseCode>>;

/** JSON Schema of profile files, for editors and other tools. */
export function profileJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(profileSchema(), { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>;
}

/** Reads a profile file. @throws PossumError `CONFIG` with file, line and field */
export function loadProfile(path: string): HostProfile {
  return loadConfig(path, profileSchema, 'profile');
}
