import { dirname, isAbsolute, resolve } from 'node:path';
import * as z from 'zod';
import { buildEmvConfig, type EmvConfig, emvConfigShape } from '../emv/config.ts';
import { fromHex, toHex } from '../platform/bytes.ts';
import { loadConfig } from '../platform/config.ts';
import { PossumError } from '../platform/errors.ts';
import { lazily } from '../platform/lazily.ts';
import { Secret } from '../platform/secret.ts';
import type { PinLimit } from '../secure/pin-rate.ts';

const text = lazily(() => z.union([z.string(), z.int().nonnegative()]).transform(String));
const hexOf = (...lengths: readonly number[]) =>
  z
    .union([z.string(), z.int().nonnegative()])
    .transform(String)
    .refine((value) => /^[0-9A-Fa-f]*$/.test(value) && lengths.includes(value.length / 2), {
      error: `must be ${lengths.join(' or ')} bytes in hex`,
    });

/** A terminal file. The kernels need `data` and `aids`; the rest makes a terminal out of them. */
export const terminalFileSchema = lazily(() =>
  z.strictObject({
    kind: z.literal('terminal').optional(),
    description: z.string().optional(),
    tid: text()
      .refine((value) => /^[\x20-\x7e]{1,8}$/.test(value), { error: 'must be 1 to 8 characters' })
      .optional(),
    merchant: z
      .strictObject({
        id: text().refine((value) => /^[\x20-\x7e]{1,15}$/.test(value), {
          error: 'must be 1 to 15 characters',
        }),
        name: z.string().min(1).max(40),
        address: z.array(z.string().max(40)).max(4).optional(),
      })
      .optional(),
    language: z.enum(['en', 'zh']).optional(),
    ...emvConfigShape(),
    /**
     * DUKPT initial key and its KSN: published test values, or a key block under the public test KBPK that carries
     * the KSN in its optional block KS (TDES) or IK (AES).
     */
    keys: z
      .union([
        z.strictObject({ initialKey: hexOf(16, 24, 32), ksn: hexOf(10, 12) }),
        z.strictObject({ block: z.string().min(16).max(9999) }),
      ])
      .optional(),
    /** PINs that are enciphered: so many in a row, and one in so many seconds over time. */
    pinLimit: z
      .strictObject({ burst: z.int().min(1).max(100_000), everySeconds: z.int().min(0).max(86_400) })
      .optional(),
    host: z
      .strictObject({
        /** Path of a profile file, relative to this file; `nac` when absent. */
        profile: z.string().optional(),
        /** `host:port`; absent: the embedded host. */
        address: z.string().optional(),
        nii: text()
          .refine((value) => /^\d{3}$/.test(value), { error: 'must be three digits' })
          .optional(),
        /** Stays connected between dialogues; as the profile says when absent. */
        keepAlive: z.boolean().optional(),
        connectTimeoutMs: z.int().min(100).max(120_000).optional(),
        answerTimeoutMs: z.int().min(100).max(300_000).optional(),
        repeats: z.int().min(1).max(10).optional(),
      })
      .optional(),
  }),
);

/** JSON Schema of terminal files, for editors and other tools. */
export function terminalJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(terminalFileSchema(), { io: 'input', unrepresentable: 'any' }) as Record<
    string,
    unknown
  >;
}

/** What a terminal is made of, checked and ready to use. */
export interface TerminalSettings {
  readonly file: string;
  readonly tid: string;
  readonly merchant: { readonly id: string; readonly name: string; readonly address: readonly string[] };
  readonly language: 'en' | 'zh';
  readonly emv: EmvConfig;
  readonly currency: Currency;
  /** The DUKPT initial key in the clear. */
  readonly keys?: { readonly initialKey: Secret; readonly ksn: Uint8Array };
  /** The DUKPT initial key as a key block. */
  readonly keyBlock?: string;
  /** Somebody said for this run that the keys are test keys; no file can say so. */
  readonly keysMarked?: boolean;
  /** That of the PCI when absent. */
  readonly pinLimit?: PinLimit;
  readonly host: {
    readonly profile?: string;
    readonly address?: string;
    readonly nii?: string;
    readonly keepAlive?: boolean;
    readonly connectTimeoutMs: number;
    readonly answerTimeoutMs: number;
    readonly repeats: number;
  };
}

/** The currency in which the terminal trades. */
export interface Currency {
  /** ISO 4217 numeric, three digits. */
  readonly code: string;
  /** Digits behind the decimal point. */
  readonly exponent: number;
}

/** Reads only what the kernels need. @throws PossumError `CONFIG` */
export function loadEmvConfig(file: string): { readonly emv: EmvConfig; readonly currency: Currency } {
  const input = loadConfig(file, terminalFileSchema, 'terminal');
  const emv = buildEmvConfig(input, file);
  return { emv, currency: currencyOf(emv) };
}

/**
 * Reads a terminal file for a terminal that trades.
 * @throws PossumError `CONFIG` with file, line and field, also when `tid` or `merchant` is missing
 */
export function loadTerminalSettings(file: string): TerminalSettings {
  const input = loadConfig(file, terminalFileSchema, 'terminal');
  const { tid, merchant, keys, pinLimit, host = {} } = input;
  if (tid === undefined || merchant === undefined) {
    throw new PossumError('CONFIG', `\`${tid === undefined ? 'tid' : 'merchant'}\` is missing`, {
      where: file,
      remedy: 'A terminal that trades needs both; `possum emv` does without.',
    });
  }
  const emv = buildEmvConfig(input, file);
  return {
    file,
    tid,
    merchant: { id: merchant.id, name: merchant.name, address: merchant.address ?? [] },
    language: input.language ?? 'en',
    emv,
    currency: currencyOf(emv),
    ...keysOf(keys),
    ...(pinLimit === undefined
      ? {}
      : { pinLimit: { burst: pinLimit.burst, everyMs: 1000 * pinLimit.everySeconds } }),
    host: {
      ...(host.profile === undefined ? {} : { profile: fromFile(file, host.profile) }),
      ...(host.address === undefined ? {} : { address: host.address }),
      ...(host.nii === undefined ? {} : { nii: host.nii }),
      ...(host.keepAlive === undefined ? {} : { keepAlive: host.keepAlive }),
      connectTimeoutMs: host.connectTimeoutMs ?? 10_000,
      answerTimeoutMs: host.answerTimeoutMs ?? 30_000,
      repeats: host.repeats ?? 3,
    },
  };
}

function keysOf(
  keys: z.output<ReturnType<typeof terminalFileSchema>>['keys'],
): Pick<TerminalSettings, 'keys' | 'keyBlock'> {
  if (keys === undefined) return {};
  if ('block' in keys) return { keyBlock: keys.block };
  return {
    keys: { initialKey: new Secret(fromHex(keys.initialKey), 'initial key'), ksn: fromHex(keys.ksn) },
  };
}

function fromFile(file: string, path: string): string {
  return isAbsolute(path) ? path : resolve(dirname(file), path);
}

function currencyOf(emv: EmvConfig): Currency {
  const code = toHex(emv.data.get(0x5f2a) ?? Uint8Array.of(0, 0)).slice(1);
  return { code, exponent: emv.data.get(0x5f36)?.[0] ?? 2 };
}
