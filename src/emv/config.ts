import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { fromHex, toHex } from '../platform/bytes.ts';
import { loadConfig } from '../platform/config.ts';
import { PossumError } from '../platform/errors.ts';
import { tagFromHex, tagHex } from '../tlv/ber.ts';
import { lookupTag } from '../tlv/dictionary.ts';
import type { CaKey } from './oda/ca-keys.ts';
import { IssuerKeyCache } from './oda/issuer-key-cache.ts';

/** The EMV part of a terminal file: data objects, applications, CA keys. */

/** Reader parameters of one application for contactless (Book A, section 5.8). Absent differs from zero. */
export interface ContactlessConfig {
  readonly kernel: number;
  readonly ttq?: Uint8Array;
  readonly limits: ReaderLimits;
  /** Append the extended selection value of the directory to SELECT. */
  readonly extendedSelection: boolean;
  /** Refuse cash and cashback that the application usage control does not allow. */
  readonly usageControlCheck: boolean;
  /** Dynamic reader limits, keyed by the beginning of tag 9F5A. */
  readonly dynamicLimits: readonly (ReaderLimits & { readonly programId: Uint8Array })[];
}

/** All in minor units; absent means that the check is off. */
export interface ReaderLimits {
  readonly transactionLimitMinor?: number;
  readonly floorLimitMinor?: number;
  readonly cvmLimitMinor?: number;
  readonly statusCheck?: boolean;
  readonly zeroAmountAllowed?: boolean;
}

export interface ActionCodes {
  readonly default: Uint8Array;
  readonly denial: Uint8Array;
  readonly online: Uint8Array;
}

/** One application that the terminal supports. */
export interface AidConfig {
  readonly aid: Uint8Array;
  readonly match: 'exact' | 'partial';
  readonly label?: string;
  /** Tag 9F09. */
  readonly version: Uint8Array;
  readonly floorLimitMinor: number;
  readonly randomSelection: {
    readonly thresholdMinor: number;
    readonly targetPercent: number;
    readonly maxTargetPercent: number;
  };
  readonly tac: ActionCodes;
  readonly defaultDdol?: Uint8Array;
  readonly defaultTdol?: Uint8Array;
  readonly contact: boolean;
  readonly contactless?: ContactlessConfig;
  /** Terminal objects that differ for this application. */
  readonly data: ReadonlyMap<number, Uint8Array>;
}

export interface EmvConfig {
  /** Terminal objects by tag. */
  readonly data: ReadonlyMap<number, Uint8Array>;
  readonly aids: readonly AidConfig[];
  readonly caKeys: readonly CaKey[];
  /** Try the payment system environment before the list of AIDs. */
  readonly pse: boolean;
  /** Several candidates are offered to the cardholder; otherwise the best one is taken. */
  readonly cardholderChoice: boolean;
  /** Keys that certificates gave before; lives as long as the configuration. */
  readonly issuerKeys: IssuerKeyCache;
}

/** Hex digits; YAML reads a value of digits only as a number, which is taken back as it was written. */
const hex = (bytes?: number) =>
  z.union([
    z.string().regex(bytes === undefined ? /^([0-9A-Fa-f]{2})*$/ : hexOf(bytes), {
      error: bytes === undefined ? 'must be hex' : `must be ${bytes} bytes in hex`,
    }),
    z.number().int().nonnegative(),
  ]);

function hexOf(bytes: number): RegExp {
  return new RegExp(`^([0-9A-Fa-f]{2}){${bytes}}$`);
}

const minor = z.number().int().min(0).max(999_999_999_999);
const percent = z.number().int().min(0).max(99);
const objects = z.record(
  z.string().regex(/^([0-9A-Fa-f]{2}){1,4}$/, { error: 'must be a tag in hex' }),
  hex(),
);

const limitsShape = {
  transactionLimit: minor.optional(),
  floorLimit: minor.optional(),
  cvmLimit: minor.optional(),
  statusCheck: z.boolean().optional(),
  zeroAmountAllowed: z.boolean().optional(),
};

const contactlessSchema = z.strictObject({
  kernel: z.number().int().min(1).max(255).optional(),
  ttq: hex(4).optional(),
  ...limitsShape,
  extendedSelection: z.boolean().optional(),
  usageControlCheck: z.boolean().optional(),
  dynamicLimits: z.array(z.strictObject({ programId: hex(), ...limitsShape })).optional(),
});

const aidSchema = z.strictObject({
  aid: hex(),
  match: z.enum(['exact', 'partial']).optional(),
  label: z.string().optional(),
  version: hex(2).optional(),
  floorLimit: minor.optional(),
  randomSelection: z
    .strictObject({ threshold: minor.optional(), target: percent.optional(), maxTarget: percent.optional() })
    .optional(),
  tac: z
    .strictObject({ default: hex(5).optional(), denial: hex(5).optional(), online: hex(5).optional() })
    .optional(),
  defaultDdol: hex().optional(),
  defaultTdol: hex().optional(),
  contact: z.boolean().optional(),
  contactless: contactlessSchema.optional(),
  data: objects.optional(),
});

const caKeySchema = z.strictObject({
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
});

/** A CA-key file: `keys`, and what they are. */
export const caKeyFileSchema = z.strictObject({ about: z.string().optional(), keys: z.array(caKeySchema) });

/** The keys of a terminal file that this part owns; the terminal's schema spreads them into its own. */
export const emvConfigShape = {
  data: objects,
  aids: z.array(aidSchema).min(1),
  caKeys: z.union([z.array(caKeySchema), z.string()]).optional(),
  selection: z
    .strictObject({ pse: z.boolean().optional(), cardholderChoice: z.boolean().optional() })
    .optional(),
};

const emvConfigSchema = z.object(emvConfigShape);
export type EmvConfigInput = z.input<typeof emvConfigSchema>;
type AidInput = z.input<typeof aidSchema>;
type CaKeyInput = z.input<typeof caKeySchema>;

/** Objects without which no kernel can run (Book 4, annex A). */
const REQUIRED: readonly number[] = [0x9f1a, 0x5f2a, 0x5f36, 0x9f33, 0x9f35, 0x9f40];

/** Default kernel by RID, for applications that name none (Book B, table 3-6). */
const KERNEL_BY_RID: Readonly<Record<string, number>> = {
  A000000004: 2,
  A000000003: 3,
  A000000025: 4,
  A000000065: 5,
  A000000152: 6,
  A000000324: 6,
  A000000333: 7,
};

/** The kernel of Book B that is used when neither card nor terminal names one; 0 when there is none. */
export function defaultKernel(aid: Uint8Array): number {
  return KERNEL_BY_RID[toHex(aid.subarray(0, 5))] ?? 0;
}

/**
 * Turns the checked text of a terminal file into what the kernels use.
 * @param file the terminal file, for errors and for the path of a CA-key file relative to it
 * @throws PossumError `CONFIG` naming the field
 */
export function buildEmvConfig(input: EmvConfigInput, file: string): EmvConfig {
  const data = readObjects(input.data, file, 'data');
  const missing = REQUIRED.filter((tag) => !data.has(tag)).map(tagHex);
  if (missing.length > 0) {
    throw new PossumError('CONFIG', `data: ${missing.join(', ')} must be given`, { where: file });
  }
  return {
    data,
    aids: input.aids.map((aid, i) => buildAid(aid, file, `aids.${i}`)),
    caKeys: readCaKeys(input.caKeys ?? [], file),
    pse: input.selection?.pse ?? true,
    cardholderChoice: input.selection?.cardholderChoice ?? true,
    issuerKeys: new IssuerKeyCache(),
  };
}

function buildAid(input: AidInput, file: string, field: string): AidConfig {
  const aid = bytesOf(input.aid, file, `${field}.aid`, 5, 16);
  const code = (value: AidInput['version'], name: string) =>
    value === undefined ? new Uint8Array(5) : bytesOf(value, file, `${field}.tac.${name}`, 5, 5);
  const random = input.randomSelection;
  return {
    aid,
    match: input.match ?? 'partial',
    ...(input.label === undefined ? {} : { label: input.label }),
    version: bytesOf(input.version ?? '0000', file, `${field}.version`, 2, 2),
    floorLimitMinor: input.floorLimit ?? 0,
    randomSelection: {
      thresholdMinor: random?.threshold ?? 0,
      targetPercent: random?.target ?? 0,
      maxTargetPercent: random?.maxTarget ?? random?.target ?? 0,
    },
    tac: {
      default: code(input.tac?.default, 'default'),
      denial: code(input.tac?.denial, 'denial'),
      online: code(input.tac?.online, 'online'),
    },
    ...optionalBytes('defaultDdol', input.defaultDdol, file, field),
    ...optionalBytes('defaultTdol', input.defaultTdol, file, field),
    contact: input.contact ?? true,
    ...(input.contactless === undefined
      ? {}
      : { contactless: buildContactless(input.contactless, aid, file, `${field}.contactless`) }),
    data: readObjects(input.data ?? {}, file, `${field}.data`),
  };
}

function buildContactless(
  input: z.input<typeof contactlessSchema>,
  aid: Uint8Array,
  file: string,
  field: string,
): ContactlessConfig {
  return {
    kernel: input.kernel ?? defaultKernel(aid),
    ...(input.ttq === undefined ? {} : { ttq: bytesOf(input.ttq, file, `${field}.ttq`, 4, 4) }),
    limits: buildLimits(input),
    extendedSelection: input.extendedSelection ?? false,
    usageControlCheck: input.usageControlCheck ?? false,
    dynamicLimits: (input.dynamicLimits ?? []).map((set, i) => ({
      ...buildLimits(set),
      programId: bytesOf(set.programId, file, `${field}.dynamicLimits.${i}.programId`, 1, 16),
    })),
  };
}

interface LimitsInput {
  readonly transactionLimit?: number | undefined;
  readonly floorLimit?: number | undefined;
  readonly cvmLimit?: number | undefined;
  readonly statusCheck?: boolean | undefined;
  readonly zeroAmountAllowed?: boolean | undefined;
}

function buildLimits(input: LimitsInput): ReaderLimits {
  return {
    ...(input.transactionLimit === undefined ? {} : { transactionLimitMinor: input.transactionLimit }),
    ...(input.floorLimit === undefined ? {} : { floorLimitMinor: input.floorLimit }),
    ...(input.cvmLimit === undefined ? {} : { cvmLimitMinor: input.cvmLimit }),
    ...(input.statusCheck === undefined ? {} : { statusCheck: input.statusCheck }),
    ...(input.zeroAmountAllowed === undefined ? {} : { zeroAmountAllowed: input.zeroAmountAllowed }),
  };
}

function optionalBytes<K extends string>(
  key: K,
  value: string | number | undefined,
  file: string,
  field: string,
): { readonly [P in K]?: Uint8Array } {
  if (value === undefined) return {};
  return { [key]: bytesOf(value, file, `${field}.${key}`, 0, 252) } as { [P in K]: Uint8Array };
}

function readObjects(
  input: Readonly<Record<string, string | number>>,
  file: string,
  field: string,
): ReadonlyMap<number, Uint8Array> {
  const map = new Map<number, Uint8Array>();
  for (const [name, value] of Object.entries(input)) {
    let tag: number;
    try {
      tag = tagFromHex(name);
    } catch (cause) {
      throw new PossumError('CONFIG', `${field}.${name}: not a tag`, { where: file, cause });
    }
    const info = lookupTag(tag);
    map.set(tag, bytesOf(value, file, `${field}.${name}`, info?.min ?? 0, info?.max ?? 252));
  }
  return map;
}

function bytesOf(value: string | number, file: string, field: string, min: number, max: number): Uint8Array {
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

function readCaKeys(input: readonly CaKeyInput[] | string, file: string): readonly CaKey[] {
  if (typeof input !== 'string') return input.map((key, i) => buildCaKey(key, file, `caKeys.${i}`));
  const path = resolve(dirname(file), input);
  const { keys } = readCaKeyFile(path);
  return keys.map((key, i) => buildCaKey(key, path, `keys.${i}`));
}

/** JSON has no comments or aliases to care for: the built-in parser saves most of the time of a long list. */
function readCaKeyFile(path: string): z.input<typeof caKeyFileSchema> {
  if (path.endsWith('.json')) {
    try {
      const parsed = caKeyFileSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
      if (parsed.success) return parsed.data;
    } catch {
      // The loader below says what is wrong and where.
    }
  }
  return loadConfig(path, caKeyFileSchema);
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
