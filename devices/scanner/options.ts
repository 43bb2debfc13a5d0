import * as z from 'zod';
import type { ScannerSettings } from './settings.ts';

const MAX_MS = 600_000;

/** The driver's own keys in a device specification; values are text, keys that are absent keep their defaults. */
export function scannerOptions(): z.ZodType<Partial<ScannerSettings>> {
  const schema = z.strictObject({
    end: z.enum(['either', 'terminator', 'silence']).optional(),
    aimId: z
      .enum(['true', 'false'])
      .transform((value) => value === 'true')
      .optional(),
    silenceMs: milliseconds(1).optional(),
    keepMs: milliseconds(0).optional(),
  });
  return schema as unknown as z.ZodType<Partial<ScannerSettings>>;
}

function milliseconds(least: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/, 'is no whole number')
    .transform(Number)
    .refine((value) => value >= least && value <= MAX_MS, `is not from ${least} to ${MAX_MS}`);
}
