import * as z from 'zod';
import type { LineSettings } from '../transport/line-settings.ts';
import type { Cd5220Settings } from './driver.ts';

/** The line of these displays as they are delivered. */
export const CD5220_LINE: LineSettings = {
  baud: 9600,
  dataBits: 8,
  parity: 'none',
  stopBits: 1,
  flow: 'none',
};

/** The driver's own keys in a device specification; values are text, keys that are absent keep their defaults. */
export function cd5220Options(): z.ZodType<Partial<Cd5220Settings>> {
  const schema = z.strictObject({
    passThrough: z
      .enum(['true', 'false'])
      .transform((value) => value === 'true')
      .optional(),
  });
  return schema as unknown as z.ZodType<Partial<Cd5220Settings>>;
}
