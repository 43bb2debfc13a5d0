import * as z from 'zod';
import type { LineSettings } from '../transport/line-settings.ts';
import type { Target } from '../transport/spec.ts';
import type { EscposSettings } from './settings.ts';

/** What most printers are delivered with; switches on the device change it. */
export const ESCPOS_LINE: LineSettings = {
  baud: 9600,
  dataBits: 8,
  parity: 'none',
  stopBits: 1,
  flow: 'none',
};

const MAX_MS = 600_000;

/** Text of a whole number within bounds. */
function wholeNumber(least: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/, 'is no whole number')
    .transform(Number)
    .refine((value) => value >= least && value <= most, `is not from ${least} to ${most}`);
}

const yesOrNo = () => z.enum(['true', 'false']).transform((value) => value === 'true');

/** The driver's own keys in a device specification; values are text, keys that are absent keep their defaults. */
export function escposOptions(): z.ZodType<Partial<EscposSettings>> {
  const schema = z.strictObject({
    columns: wholeNumber(16, 128).optional(),
    codePage: z.enum(['437', '858', '1252']).optional(),
    chinese: z.enum(['auto', 'always', 'never']).optional(),
    cut: z.enum(['partial', 'full', 'none']).optional(),
    cutFeed: wholeNumber(0, 255).optional(),
    answers: yesOrNo().optional(),
    busy: z.enum(['auto', 'dsr', 'cts', 'none']).optional(),
    clears: yesOrNo().optional(),
    drawerPin: z
      .enum(['0', '1'])
      .transform((value) => (value === '0' ? 0 : 1))
      .optional(),
    drawerOnMs: wholeNumber(2, 510).optional(),
    drawerOffMs: wholeNumber(2, 510).optional(),
    qrModule: wholeNumber(1, 16).optional(),
    qrCorrection: z.enum(['L', 'M', 'Q', 'H']).optional(),
    chunkBytes: wholeNumber(1, 4096).optional(),
    answerMs: wholeNumber(10, MAX_MS).optional(),
    statusMs: wholeNumber(10, MAX_MS).optional(),
    jobMs: wholeNumber(10, MAX_MS).optional(),
    heartbeatMs: wholeNumber(100, MAX_MS).optional(),
  });
  return schema as unknown as z.ZodType<Partial<EscposSettings>>;
}

/** A device file carries bytes one way: nothing is asked there. */
export function forTarget(target: Target, own: Partial<EscposSettings>): Partial<EscposSettings> {
  return target.kind === 'file' ? { ...own, answers: false } : own;
}
