import * as z from 'zod';
import type { LineSettings } from '../transport/line-settings.ts';
import type { Pn532Settings } from './settings.ts';

/** The chip's line after power-on. */
export const PN532_LINE: LineSettings = {
  baud: 115_200,
  dataBits: 8,
  parity: 'none',
  stopBits: 1,
  flow: 'none',
};

const MAX_MS = 600_000;

const milliseconds = () => wholeNumber(0, MAX_MS);

/** Text of a whole number within bounds. */
function wholeNumber(least: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/, 'is no whole number')
    .transform(Number)
    .refine((value) => value >= least && value <= most, `is not from ${least} to ${most}`);
}

/** The driver's own keys in a device specification; values are text, keys that are absent keep their defaults. */
export function pn532Options(): z.ZodType<Partial<Pn532Settings>> {
  const schema = z.strictObject({
    ackMs: milliseconds().optional(),
    answerMs: milliseconds().optional(),
    listMs: milliseconds().optional(),
    exchangeMs: milliseconds().optional(),
    quietMs: milliseconds().optional(),
    pauseMs: milliseconds().optional(),
    fieldOffMs: milliseconds().optional(),
    fieldOnMs: milliseconds().optional(),
    heartbeatMs: wholeNumber(100, MAX_MS).optional(),
    emptyRounds: wholeNumber(1, 10).optional(),
    maxRetries: wholeNumber(0, 254).optional(),
    maxRtyCom: wholeNumber(0, 254).optional(),
    maxTargetsB: z
      .enum(['1', '2'])
      .transform((value) => (value === '1' ? 1 : 2))
      .optional(),
    postamble: z
      .enum(['true', 'false'])
      .transform((value) => value === 'true')
      .optional(),
  });
  return schema as unknown as z.ZodType<Partial<Pn532Settings>>;
}
