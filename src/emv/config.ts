import * as z from 'zod';
import { PossumError } from '../platform/errors.ts';
import { lazily } from '../platform/lazily.ts';
import { tagFromHex, tagHex } from '../tlv/ber.ts';
import { lookupTag } from '../tlv/dictionary.ts';
import { caKeySchema, readCaKeys } from './ca-key-file.ts';
import { bytesOf, hex } from './hex-field.ts';
import { IssuerKeyCache } from './oda/issuer-key-cache.ts';
import {
  type AidConfig,
  type ContactlessConfig,
  defaultKernel,
  type EmvConfig,
  type ReaderLimits,
} from './parameters.ts';

/** The EMV part of a terminal file. */

export type { ActionCodes, AidConfig, ContactlessConfig, EmvConfig, ReaderLimits } from './parameters.ts';

const minor = lazily(() => z.number().int().min(0).max(999_999_999_999));
const percent = lazily(() => z.number().int().min(0).max(99));
const objects = lazily(() =>
  z.record(z.string().regex(/^([0-9A-Fa-f]{2}){1,4}$/, { error: 'must be a tag in hex' }), hex()),
);

const limitsShape = lazily(() => ({
  transactionLimit: minor().optional(),
  floorLimit: minor().optional(),
  cvmLimit: minor().optional(),
  statusCheck: z.boolean().optional(),
  zeroAmountAllowed: z.boolean().optional(),
}));

const contactlessSchema = lazily(() =>
  z.strictObject({
    kernel: z.number().int().min(1).max(255).optional(),
    ttq: hex(4).optional(),
    ...limitsShape(),
    extendedSelection: z.boolean().optional(),
    usageControlCheck: z.boolean().optional(),
    onlineOdaFailure: z.enum(['online', 'decline']).optional(),
    dynamicLimits: z.array(z.strictObject({ programId: hex(), ...limitsShape() })).optional(),
  }),
);

const aidSchema = lazily(() =>
  z.strictObject({
    aid: hex(),
    match: z.enum(['exact', 'partial']).optional(),
    label: z.string().optional(),
    version: hex(2).optional(),
    floorLimit: minor().optional(),
    randomSelection: z
      .strictObject({
        threshold: minor().optional(),
        target: percent().optional(),
        maxTarget: percent().optional(),
      })
      .optional(),
    tac: z
      .strictObject({ default: hex(5).optional(), denial: hex(5).optional(), online: hex(5).optional() })
      .optional(),
    defaultDdol: hex().optional(),
    defaultTdol: hex().optional(),
    contact: z.boolean().optional(),
    contactless: contactlessSchema().optional(),
    data: objects().optional(),
  }),
);

/** The keys of a terminal file that this part owns; the terminal's schema spreads them into its own. */
export const emvConfigShape = lazily(() => ({
  data: objects(),
  aids: z.array(aidSchema()).min(1),
  caKeys: z.union([z.array(caKeySchema()), z.string()]).optional(),
  selection: z
    .strictObject({ pse: z.boolean().optional(), cardholderChoice: z.boolean().optional() })
    .optional(),
}));

const emvConfigSchema = lazily(() => z.object(emvConfigShape()));
export type EmvConfigInput = z.input<ReturnType<typeof emvConfigSchema>>;
type AidInput = z.input<ReturnType<typeof aidSchema>>;

/** Objects without which no kernel can run (Book 4, annex A). */
const REQUIRED: readonly number[] = [0x9f1a, 0x5f2a, 0x5f36, 0x9f33, 0x9f35, 0x9f40];

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
  input: z.input<ReturnType<typeof contactlessSchema>>,
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
    onlineOdaFailure: input.onlineOdaFailure ?? 'online',
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
