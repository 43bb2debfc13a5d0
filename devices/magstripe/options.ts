import * as z from 'zod';
import type { MagstripeSettings } from './settings.ts';

const MAX_MS = 600_000;

/** The driver's own keys in a device specification; values are text, keys that are absent keep their defaults. */
export function magstripeOptions(): z.ZodType<Partial<MagstripeSettings>> {
  const schema = z.strictObject({
    track2: flag().optional(),
    lrc: z.enum(['auto', 'required', 'never']).optional(),
    etxEnds: flag().optional(),
    dialogue: z.enum(['none', 'idtech']).optional(),
    answerMs: milliseconds(1).optional(),
    silenceMs: milliseconds(1).optional(),
    keepMs: milliseconds(0).optional(),
  });
  return schema as unknown as z.ZodType<Partial<MagstripeSettings>>;
}

function flag() {
  return z.enum(['true', 'false']).transform((value) => value === 'true');
}

function milliseconds(least: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/, 'is no whole number')
    .transform(Number)
    .refine((value) => value >= least && value <= MAX_MS, `is not from ${least} to ${MAX_MS}`);
}
