import * as z from 'zod';
import { lazily } from '../../src/platform/lazily.ts';
import { commandPattern, digits, hex, hexOf, pan, tagMap } from './fields.ts';

/** What every card file says about itself. */
const about = lazily(() => ({
  description: z.string().optional(),
  scheme: z.enum(['visa', 'mastercard', 'unionpay', 'other']).optional(),
  /** What a run with this card shows, in one line. */
  proves: z.string().optional(),
}));

/** How cryptograms are made: scheme and cryptogram version number (decimal, as the schemes' books name it). */
const cryptogram = lazily(() =>
  z.enum(['visa-cvn10', 'visa-cvn18', 'mchip-cvn16', 'mchip-cvn20', 'unionpay-cvn01']),
);
export type CryptogramName = z.infer<ReturnType<typeof cryptogram>>;

/** Published test keys only: either in the file itself or by the name of a set in a key file. */
const issuer = lazily(() =>
  z
    .strictObject({
      keyFile: z.string().optional(),
      keySet: z.string().optional(),
      imkAc: hexOf(16).optional(),
      imkSmi: hexOf(16).optional(),
      imkSmc: hexOf(16).optional(),
      masterKeyOption: z.enum(['A', 'B']).default('A'),
      /** The PIN that the issuer's host knows (a test value). */
      pin: digits(4, 12).optional(),
      /** For replay cards, whose application data do not say it. */
      cryptogram: cryptogram().optional(),
    })
    .refine(
      (value) => value.imkAc !== undefined || (value.keyFile !== undefined && value.keySet !== undefined),
      {
        message: 'expected imkAc, or keyFile and keySet',
      },
    ),
);

const stripe = lazily(() =>
  z
    .strictObject({
      track1: z.string().max(76).optional(),
      track2: z.string().max(37).optional(),
      track3: z.string().max(104).optional(),
    })
    .refine((tracks) => Object.values(tracks).some((track) => track !== undefined), {
      message: 'expected at least one track',
    }),
);

const amount = lazily(() => z.number().int().nonnegative());

/** When the card wants to go online although the terminal would not; absent means no limit. */
const limits = lazily(() =>
  z.strictObject({
    /** ISO 4217 numeric of the amounts below; transactions in other currencies go online. */
    currency: digits(3, 4).transform((text) => text.padStart(4, '0')),
    /** Largest amount of one offline approval, minor units. */
    offlineAmount: amount().optional(),
    /** Largest sum of offline approvals since the last online one, minor units. */
    cumulativeAmount: amount().optional(),
    /** Offline approvals in a row before the card asks to go online. */
    consecutive: z.number().int().min(0).max(255).optional(),
    /** Offline approvals in a row after which it declines when the terminal cannot go online. */
    consecutiveUpper: z.number().int().min(0).max(255).optional(),
  }),
);

const record = lazily(() =>
  z.strictObject({
    sfi: z.number().int().min(1).max(30),
    record: z.number().int().min(1).max(255),
    /** Part of the data that SDA, DDA and CDA protect. */
    signed: z.boolean().default(false),
    data: tagMap(),
  }),
);

const application = lazily(() =>
  z.strictObject({
    aid: hexOf(5, 16),
    label: z.string().min(1).max(16),
    /** Tag 87, low nibble; 1 is best. */
    priority: z.number().int().min(0).max(15).default(1),
    /** Tag 87, high bit: the cardholder confirms the choice. */
    confirm: z.boolean().default(false),
    /** Tag 9F2A of the PPSE entry. */
    kernel: hexOf(1, 3).optional(),
    pdol: hex().optional(),
    /** More objects of the FCI proprietary template (5F2D, 9F11, 9F12). */
    proprietary: tagMap().optional(),
    /** Objects of the FCI issuer discretionary data, BF0C. */
    discretionary: tagMap().optional(),
    /** `emv` asks for GENERATE AC, `qvsdc` answers GET PROCESSING OPTIONS with the cryptogram. */
    profile: z.enum(['emv', 'qvsdc']).default('emv'),
    aip: hexOf(2),
    records: z.array(record()).default([]),
    cryptogram: cryptogram(),
    /** Format of the answers to GET PROCESSING OPTIONS, INTERNAL AUTHENTICATE and GENERATE AC. */
    responseFormat: z.union([z.literal(1), z.literal(2)]).default(2),
    limits: limits().optional(),
    /** What the card does with an approval that no issuer authentication came with. */
    issuerAuthentication: z.enum(['mandatory', 'optional']).default('optional'),
    /** Card transaction qualifiers before the card sets the bits of the CVM (qvsdc). */
    ctq: hexOf(2).optional(),
    /** Form factor indicator, tag 9F6E (qvsdc). */
    formFactor: hexOf(4).optional(),
    /** What GET DATA reads, besides the counters that the card keeps itself. */
    data: tagMap().optional(),
    blocked: z.boolean().default(false),
    /** Transaction counter before the first transaction. */
    atc: z.number().int().min(0).max(65535).default(0),
    lastOnlineAtc: z.number().int().min(0).max(65535).default(0),
  }),
);

const contact = lazily(() =>
  z.strictObject({
    atr: hexOf(2, 33),
    /** Whether the card has a payment system environment with a directory. */
    pse: z.boolean().default(true),
    applications: z.array(application()).min(1),
  }),
);

const contactless = lazily(() =>
  z.strictObject({ ats: hexOf(1, 32), applications: z.array(application()).min(1) }),
);

const rsaKey = lazily(() => z.strictObject({ exponent: hexOf(1, 4), primeP: hex(), primeQ: hex() }));

export const iccFile = lazily(() =>
  z
    .strictObject({
      kind: z.literal('icc'),
      ...about(),
      pan: pan(),
      psn: digits(2).default('00'),
      /** The reference PIN in the card, for offline verification. */
      pin: z
        .strictObject({
          value: digits(4, 12),
          tries: z.number().int().min(1).max(15).default(3),
          /** Tries that are left at the beginning; 0 is a blocked PIN. */
          triesLeft: z.number().int().min(0).max(15).optional(),
        })
        .optional(),
      issuer: issuer(),
      /** The card's RSA key, test keys only. */
      rsa: rsaKey().optional(),
      /** The key that PINs are enciphered under (9F2D); the card's RSA key when absent. */
      pinRsa: rsaKey().optional(),
      cardBlocked: z.boolean().default(false),
      stripe: stripe().optional(),
      contact: contact().optional(),
      contactless: contactless().optional(),
    })
    .refine((file) => file.contact !== undefined || file.contactless !== undefined, {
      message: 'expected a contact() or a contactless() part',
    }),
);

export const magstripeFile = lazily(() =>
  z.strictObject({
    kind: z.literal('magstripe'),
    ...about(),
    issuer: issuer().optional(),
    stripe: stripe(),
  }),
);

const exchange = lazily(() =>
  z.strictObject({
    command: commandPattern(),
    /** Any bytes; fewer than two are a communication error. */
    response: hex(),
    /** Skipped when another command comes. */
    optional: z.boolean().default(false),
    /** Outside the order: answers whenever the command matches and nothing in order does. */
    any: z.boolean().default(false),
  }),
);

export const replayFile = lazily(() =>
  z
    .strictObject({
      kind: z.literal('replay'),
      ...about(),
      interface: z.enum(['contact', 'contactless']),
      atr: hexOf(0, 64).optional(),
      ats: hexOf(0, 64).optional(),
      exchanges: z.array(exchange()),
      /** The answer to anything else, or `fail`: no answer at all. */
      unmatched: z
        .union([z.literal('fail'), hex()], { error: 'expected an answer in hex(), or fail' })
        .default(Uint8Array.of(0x6d, 0x00)),
      /** A recording in which digits of a real card were replaced: data authentication fails. */
      masked: z.boolean().optional(),
      issuer: issuer().optional(),
    })
    .refine((file) => file.atr === undefined || file.ats === undefined, {
      message: 'a card has an atr or an ats, not both',
    }),
);

export const cardFile = lazily(() =>
  z.discriminatedUnion('kind', [iccFile(), magstripeFile(), replayFile()]),
);

/** Sets of issuer master keys by name. */
export const issuerKeyFile = lazily(() =>
  z.strictObject({
    kind: z.literal('issuer-keys'),
    description: z.string().optional(),
    sets: z.record(
      z.string(),
      z.strictObject({ imkAc: hexOf(16), imkSmi: hexOf(16).optional(), imkSmc: hexOf(16).optional() }),
    ),
  }),
);

export type IccFile = z.output<ReturnType<typeof iccFile>>;
export type MagstripeFile = z.output<ReturnType<typeof magstripeFile>>;
export type ReplayFile = z.output<ReturnType<typeof replayFile>>;
export type ApplicationFile = z.output<ReturnType<typeof application>>;
export type IssuerPart = z.output<ReturnType<typeof issuer>>;
export type CardFile = IccFile | MagstripeFile | ReplayFile;

/** JSON Schema of card files, for editors and other tools. */
export function cardJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(cardFile(), { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>;
}
