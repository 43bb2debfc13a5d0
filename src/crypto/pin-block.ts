import { fromHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import type { Random } from '../platform/random.ts';
import { secretBytes, secretCopy } from '../platform/secret-memory.ts';

/**
 * Clear PIN blocks of ISO 9564-1, formats 0 to 4. A PIN is an array of digit values (0 to 9), not text, so that its
 * holder can overwrite it.
 */

export type PinBlockFormat = 0 | 1 | 2 | 3 | 4;

/**
 * What a block is made of. `fill` holds nibbles, any for format 1, A to F for format 3; for format 4 it holds eight
 * random bytes. The PAN of format 4 enters when the block is enciphered, and is checked here when it is given.
 */
export type PinBlockInput =
  | { readonly format: 0; readonly pin: Uint8Array; readonly pan: string }
  | { readonly format: 1; readonly pin: Uint8Array; readonly fill: Uint8Array }
  | { readonly format: 2; readonly pin: Uint8Array }
  | { readonly format: 3; readonly pin: Uint8Array; readonly pan: string; readonly fill: Uint8Array }
  | { readonly format: 4; readonly pin: Uint8Array; readonly pan?: string; readonly fill: Uint8Array };

export type PinBlockFault =
  | 'BLOCK_LENGTH'
  | 'CONTROL_FIELD'
  | 'PIN_LENGTH'
  | 'PIN_DIGITS'
  | 'FILL'
  | 'PAN_LENGTH';

export type DecodedPinBlock =
  | { readonly kind: 'pin'; readonly pin: Uint8Array }
  | { readonly kind: 'invalid'; readonly reason: PinBlockFault };

const NIBBLES = 16;
/** Bytes of a clear block, and of the field of format 4. */
const SHORT_BLOCK = 8;
const LONG_BLOCK = 16;
const FORMAT_4_FILL = 10;
const NO_ACCOUNT = new Uint8Array(0);
/** What a nibble behind the PIN may be. */
const FILL_RANGE: Readonly<Record<PinBlockFormat, readonly [lowest: number, highest: number]>> = {
  0: [15, 15],
  1: [0, 15],
  2: [15, 15],
  3: [10, 15],
  4: [FORMAT_4_FILL, FORMAT_4_FILL],
};

/** Digit values of a PIN given as text: for tools and tests; a terminal collects digits one by one. */
export function pinFromText(text: string): Uint8Array {
  if (!/^\d*$/.test(text)) throw new PossumError('FORMAT', 'a PIN consists of digits');
  return Uint8Array.from(text, Number);
}

/** The PIN as text: for tools and tests. */
export function pinToText(pin: Uint8Array): string {
  return pin.join('');
}

/**
 * The clear PIN block, 8 bytes, or the PIN field of format 4, 16 bytes; the caller wipes it.
 * @throws PossumError `FORMAT` when the PIN has not 4 to 12 digits, the PAN fewer than 13 (format 4: 1) or more than
 *   19, or the fill is too short or of wrong digits
 */
export function encodePinBlock(input: PinBlockInput): Uint8Array {
  const { format, pin } = input;
  requireFormat(format);
  if (pin.length < 4 || pin.length > 12) throw new PossumError('FORMAT', 'a PIN has 4 to 12 digits');
  if (pin.some((digit) => digit > 9)) throw new PossumError('FORMAT', 'a PIN consists of digits');
  if (format === 4 && input.pan !== undefined) panField4(input.pan);
  const fill = fillOf(input);
  const account = format === 0 || format === 3 ? panField(input.pan) : NO_ACCOUNT;
  if (account === undefined) throw new PossumError('FORMAT', 'a PIN block needs a PAN of 13 to 19 digits');
  const block = secretBytes(format === 4 ? LONG_BLOCK : SHORT_BLOCK);
  for (let i = 0; i < NIBBLES; i++) {
    const nibble =
      i === 0 ? format : i === 1 ? pin.length : i < pin.length + 2 ? pin[i - 2] : fill[i - 2 - pin.length];
    block[i >> 1] = ((block[i >> 1] as number) << 4) | (nibble as number);
  }
  if (format === 4) block.set(input.fill.subarray(0, SHORT_BLOCK), SHORT_BLOCK);
  xorInto(block, account);
  return block;
}

/** The nibbles behind the PIN. */
function fillOf(input: PinBlockInput): Uint8Array {
  const length = NIBBLES - 2 - input.pin.length;
  if (input.format === 0 || input.format === 2) return new Uint8Array(length).fill(15);
  if (input.format === 4) {
    if (input.fill.length === SHORT_BLOCK) return new Uint8Array(length).fill(FORMAT_4_FILL);
    throw new PossumError('FORMAT', `format 4 needs 8 random bytes, not ${input.fill.length}`);
  }
  const lowest = input.format === 3 ? 10 : 0;
  const fill = input.fill.subarray(0, length);
  if (fill.length < length || fill.some((nibble) => nibble < lowest || nibble > 15)) {
    throw new PossumError('FORMAT', `format ${input.format} needs ${length} fill digits`);
  }
  return fill;
}

/**
 * Fresh fill for a block, as {@link encodePinBlock} takes it.
 * @param pinLength number of digits
 */
export function pinBlockFill(format: PinBlockFormat, pinLength: number, random: Random): Uint8Array {
  if (format === 0 || format === 2) return new Uint8Array(0);
  if (format === 4) return random.bytes(SHORT_BLOCK);
  const length = Math.max(0, NIBBLES - 2 - pinLength);
  return Uint8Array.from({ length }, () => (format === 1 ? random.below(16) : 10 + random.below(6)));
}

/**
 * The PIN in a clear block, or why there is none.
 * @param request.pan needed by formats 0 and 3
 * @param request.block 8 bytes, 16 for format 4
 */
export function decodePinBlock(request: {
  readonly format: PinBlockFormat;
  readonly block: Uint8Array;
  readonly pan?: string;
}): DecodedPinBlock {
  const { format, block, pan } = request;
  requireFormat(format);
  if (block.length !== (format === 4 ? LONG_BLOCK : SHORT_BLOCK)) return invalid('BLOCK_LENGTH');
  if ((block[0] as number) >> 4 !== format) return invalid('CONTROL_FIELD');
  const length = (block[0] as number) & 15;
  if (length < 4 || length > 12) return invalid('PIN_LENGTH');
  const clear = secretCopy(block.subarray(0, SHORT_BLOCK));
  if (format === 0 || format === 3) {
    const account = panField(pan ?? '');
    if (account === undefined) return invalid('PAN_LENGTH');
    xorInto(clear, account);
  }
  const nibbles = secretBytes(NIBBLES);
  for (let i = 0; i < NIBBLES; i++) {
    nibbles[i] = i % 2 === 0 ? (clear[i >> 1] as number) >> 4 : (clear[i >> 1] as number) & 15;
  }
  clear.fill(0);
  const result = checkNibbles(format, length, nibbles);
  nibbles.fill(0);
  return result;
}

function requireFormat(format: PinBlockFormat): void {
  if (!Object.hasOwn(FILL_RANGE, format)) {
    throw new PossumError('FORMAT', `ISO 9564-1 has no PIN block format ${format}`);
  }
}

function checkNibbles(format: PinBlockFormat, length: number, nibbles: Uint8Array): DecodedPinBlock {
  const [lowest, highest] = FILL_RANGE[format];
  for (let i = 2; i < length + 2; i++) if ((nibbles[i] as number) > 9) return invalid('PIN_DIGITS');
  for (let i = length + 2; i < NIBBLES; i++) {
    if ((nibbles[i] as number) < lowest || (nibbles[i] as number) > highest) return invalid('FILL');
  }
  return { kind: 'pin', pin: secretCopy(nibbles.subarray(2, length + 2)) };
}

/** Four zero digits and the twelve rightmost digits of the PAN without its check digit. */
function panField(pan: string): Uint8Array | undefined {
  if (!/^\d{13,19}$/.test(pan)) return undefined;
  return fromHex(`0000${pan.slice(-13, -1)}`);
}

/**
 * The PAN field of format 4 (ISO 9564-1:2017, 9.4.2.4): how many digits it has above twelve, the digits with zeros
 * in front up to twelve, zeros behind.
 * @throws PossumError `FORMAT` on a PAN that has not 1 to 19 digits
 */
export function panField4(pan: string): Uint8Array {
  if (!/^\d{1,19}$/.test(pan)) throw new PossumError('FORMAT', 'a PAN field needs a PAN of 1 to 19 digits');
  const digits = pan.padStart(12, '0');
  return fromHex(`${digits.length - 12}${digits}`.padEnd(2 * LONG_BLOCK, '0'));
}

function xorInto(target: Uint8Array, other: Uint8Array): void {
  for (let i = 0; i < other.length; i++) target[i] = (target[i] as number) ^ (other[i] as number);
}

function invalid(reason: PinBlockFault): DecodedPinBlock {
  return { kind: 'invalid', reason };
}
