import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { type HostProfile, loadProfile } from '../iso8583/profile.ts';
import { fromHex, isHex } from '../platform/bytes.ts';
import { loadConfig } from '../platform/config.ts';
import { lazily } from '../platform/lazily.ts';
import { luhnValid } from '../platform/secret.ts';

/** A host file (`kind: host`): the acquirer and the issuer that a terminal talks to. */

/** Digits are often written without quotes. */
const written = lazily(() => z.union([z.string(), z.number()]).transform(String));
const digits = (least: number, most = least) =>
  written().pipe(
    z.string().regex(new RegExp(`^\\d{${least},${most}}$`), least === most ? `${least} digits` : 'digits'),
  );
const tid = lazily(() => written().pipe(z.string().length(8)));
const minor = lazily(() => z.int().min(0));

const hexBytes = (length: number) =>
  z
    .string()
    .transform((text) => text.replace(/\s+/g, ''))
    .refine((text) => isHex(text) && text.length === 2 * length, { message: `${length} bytes in hex` })
    .transform(fromHex);

/** How a card makes its cryptograms: scheme and cryptogram version number. */
const cryptogram = lazily(() =>
  z.enum(['visa-cvn10', 'visa-cvn18', 'mchip-cvn16', 'mchip-cvn20', 'unionpay-cvn01']),
);

const issuerKeys = lazily(() =>
  z.strictObject({
    imkAc: hexBytes(16),
    imkSmi: hexBytes(16).optional(),
    imkSmc: hexBytes(16).optional(),
  }),
);

const card = lazily(() =>
  z.strictObject({
    pan: digits(8, 19).refine(luhnValid, { message: 'the Luhn check digit is wrong' }),
    psn: digits(2).default('00'),
    /** YYMM; absent: the terminal's word is taken. */
    expiry: digits(4).optional(),
    status: z.enum(['active', 'blocked', 'lost', 'stolen', 'restricted']).default('active'),
    /** Name of a set in `issuerKeys`; needed for chip cards. */
    keys: z.string().optional(),
    cryptogram: cryptogram().optional(),
    masterKeyOption: z.enum(['A', 'B']).default('A'),
    /** A published test value. */
    pin: digits(4, 12).optional(),
    /** What the customer can spend, minor units; absent: no limit. */
    funds: minor().optional(),
    /** Largest single amount, minor units. */
    limit: minor().optional(),
    /** Three digits of the stripe; a swipe that states others is refused. */
    serviceCode: digits(3).optional(),
    /** The whole track 2 of the stripe; a swipe that differs is refused. */
    track2: z.string().max(37).optional(),
  }),
);

const terminal = lazily(() =>
  z.strictObject({
    tid: tid(),
    /** Merchant number, 15 characters. */
    merchant: written().pipe(z.string().length(15)).optional(),
  }),
);

/** When an answer rule applies; all that is stated must fit. */
const match = lazily(() =>
  z.strictObject({
    mti: digits(4).optional(),
    processingCode: digits(6).optional(),
    pan: digits(8, 19).optional(),
    amountMinor: minor().optional(),
    tid: tid().optional(),
    stan: digits(6).optional(),
  }),
);

export const answerRuleSchema = lazily(() =>
  z.strictObject({
    when: match().optional(),
    /** How often it applies before it is used up; absent: always in a file, once when set at run time. */
    times: z.int().min(1).optional(),
    /** Field 39 instead of the host's own decision. */
    code: written().pipe(z.string().length(2)).optional(),
    /** The request is lost: neither processed nor answered. */
    ignore: z.boolean().optional(),
    /** The request is processed and the answer is lost. */
    silence: z.boolean().optional(),
    delayMs: z.int().min(0).optional(),
    wrongMac: z.boolean().optional(),
    /** The connection is closed instead of an answer; the request was processed. */
    dropConnection: z.boolean().optional(),
    /** Only this many bytes of the answer frame are sent, then the connection is closed. */
    cutAfter: z.int().min(0).optional(),
    /** The answer is sent this many times. */
    copies: z.int().min(1).max(5).optional(),
    /** Fields of the answer to overwrite (text; hex for binary fields) or to leave out (null); MAC made afterwards. */
    fields: z.record(z.string().regex(/^\d+$/), z.string().nullable()).optional(),
    /** Issuer scripts in field 55: values of tags 71 and 72, hex. */
    scripts: z
      .array(
        z.strictObject({ tag: z.enum(['71', '72']), value: z.string().refine(isHex, { message: 'hex' }) }),
      )
      .optional(),
  }),
);

export const hostFileSchema = lazily(() =>
  z.strictObject({
    kind: z.literal('host'),
    /** File of the host profile, relative to this file. */
    profile: z.string(),
    /** HOST:PORT for `possum host`; port 0 takes a free one. */
    listen: z.string().default('127.0.0.1:0'),
    /** ISO 4217 numeric and its exponent. */
    currency: digits(3),
    exponent: z.int().min(0).max(4).default(2),
    /** Base derivation keys by the first digits of the KSN (key-set id), published test values only. */
    bdks: z.record(
      z.string().regex(/^[0-9A-F]{6,16}$/, 'the first 6 to 16 hex digits of the KSN'),
      hexBytes(16),
    ),
    issuerKeys: z.record(z.string(), issuerKeys()).default({}),
    cards: z.array(card()).default([]),
    /** Known terminals; none: any terminal is served. */
    terminals: z.array(terminal()).default([]),
    /** Wrong PINs in a row after which a card is refused. */
    pinTries: z.int().min(1).max(15).default(3),
    /** How long an unfinished frame may take, milliseconds. */
    frameTimeoutMs: z.int().min(100).default(30_000),
    answers: z.array(answerRuleSchema()).default([]),
  }),
);

export type AnswerRule = z.output<ReturnType<typeof answerRuleSchema>>;
export type IssuerCard = z.output<ReturnType<typeof card>>;
export type CryptogramName = z.infer<ReturnType<typeof cryptogram>>;
export type HostFile = z.output<ReturnType<typeof hostFileSchema>>;

/** A host file with its profile. */
export interface HostConfig extends Omit<HostFile, 'profile' | 'kind'> {
  readonly profile: HostProfile;
}

/** Reads a host file and the profile that it names. @throws PossumError `CONFIG` with file, line and field */
export function loadHost(path: string): HostConfig {
  const { profile, kind: _, ...file } = loadConfig(path, hostFileSchema, 'host');
  return { ...file, profile: loadProfile(resolve(dirname(path), profile)) };
}

/** JSON Schema of host files, for editors and other tools. */
export function hostJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(hostFileSchema(), { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>;
}
