import { pinBlockFill, pinFromText } from '../../crypto/pin-block.ts';
import type { EncipheredPinInput } from '../../crypto/pin-encipher.ts';
import { systemRandom } from '../../platform/random.ts';
import { type Fields, fault } from './fields.ts';

export type PinFormat = 0 | 1 | 2 | 3 | 4;

/** The number of an ISO 9564 format, up to `highest`. */
export function pinFormat(input: Fields, name: string, highest: PinFormat = 4): PinFormat {
  return input.integer(name, 0, highest) as PinFormat;
}

/** Digit values of a PIN of any length: how many a PIN may have is for the format to say. */
export function pinDigits(input: Fields, name = 'pin'): Uint8Array {
  return pinFromText(input.digits(name, 0, 64));
}

/** The fill of a block: from the field `name`, or random. */
export function pinFill(input: Fields, name: string, format: PinFormat, pinLength: number): Uint8Array {
  if (!input.has(name)) return pinBlockFill(format, pinLength, systemRandom());
  if (format === 4) return input.hex(name, 8);
  const fill = input.nibbles(name);
  if (format !== 0 && format !== 2 && fill.length !== 14 - pinLength) {
    throw fault(name, `has ${fill.length} digits where PIN and fill make 14`);
  }
  return fill;
}

/** What a PIN block of `format` is made of, from the fields `pin`, `pan` and `fillName`. */
export function pinBlockInput(input: Fields, format: PinFormat, fillName = 'fill'): EncipheredPinInput {
  const pin = pinDigits(input);
  if (format === 2) return { format, pin };
  if (format === 0) return { format, pin, pan: input.digits('pan', 0, 64) };
  const fill = pinFill(input, fillName, format, pin.length);
  return format === 1 ? { format, pin, fill } : { format, pin, pan: input.digits('pan', 0, 64), fill };
}
