/** Byte-string helpers. Everything inside Possum is a `Uint8Array`; hex and text appear at the edges only. */

const HEX_DIGITS = '0123456789ABCDEF';
const HEX_OF_BYTE: readonly string[] = Array.from(
  { length: 256 },
  (_, b) => `${HEX_DIGITS[b >> 4]}${HEX_DIGITS[b & 15]}`,
);

/** Upper-case hex of `bytes`, no separators. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const b of bytes) text += HEX_OF_BYTE[b];
  return text;
}

/**
 * Bytes of a hex string; white space is ignored, either case is accepted.
 * @throws RangeError when a character is no hex digit or the number of digits is odd
 */
export function fromHex(text: string): Uint8Array {
  const digits = /\s/.test(text) ? text.replace(/\s+/g, '') : text;
  if (digits.length % 2 !== 0)
    throw new RangeError(`hex string has an odd number of digits (${digits.length})`);
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = nibble(digits.charCodeAt(2 * i));
    const low = nibble(digits.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) throw new RangeError(`not a hex digit near position ${2 * i}`);
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}

/** True when `text` is a whole number of bytes in hex, without white space. */
export function isHex(text: string): boolean {
  return text.length % 2 === 0 && /^[0-9A-Fa-f]*$/.test(text);
}

function nibble(charCode: number): number {
  if (charCode >= 48 && charCode <= 57) return charCode - 48;
  const lower = charCode | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** One array holding `parts` one after the other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Compares in a time that depends on the lengths only: fit for MACs and check values. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

/** Byte-wise exclusive or of two arrays of one length. */
export function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length !== b.length) throw new RangeError(`xor of ${a.length} and ${b.length} bytes`);
  return a.map((byte, i) => byte ^ (b[i] as number));
}

/** One byte per character; characters above FF are refused. */
export function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) throw new RangeError(`character ${JSON.stringify(text[i])} does not fit in one byte`);
    bytes[i] = code;
  }
  return bytes;
}

/** The text whose character codes are `bytes`. */
export function fromLatin1(bytes: Uint8Array): string {
  let text = '';
  for (const b of bytes) text += String.fromCharCode(b);
  return text;
}

/** A non-negative integer as big-endian bytes of a fixed length. */
export function uintToBytes(value: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let rest = value;
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  if (rest !== 0 || !Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${value} does not fit in ${length} bytes`);
  }
  return bytes;
}

/** Big-endian unsigned integer; at most 6 bytes, so that it is exact. */
export function bytesToUint(bytes: Uint8Array): number {
  if (bytes.length > 6) throw new RangeError(`${bytes.length} bytes do not fit in an exact number`);
  let value = 0;
  for (const b of bytes) value = value * 256 + b;
  return value;
}

/** Packs decimal digits two per byte, right-justified: format `n` of EMV Book 3, section 4.3. */
export function numericToBytes(value: number | string, length: number): Uint8Array {
  const digits = String(value);
  if (digits.length > 2 * length || !/^\d*$/.test(digits)) {
    throw new RangeError(`${value} is not a number of at most ${2 * length} digits`);
  }
  const bytes = new Uint8Array(length);
  for (let i = digits.length - 1, place = 2 * length - 1; i >= 0; i--, place--) {
    const digit = digits.charCodeAt(i) - 48;
    bytes[place >> 1] = (bytes[place >> 1] as number) | (place % 2 === 0 ? digit << 4 : digit);
  }
  return bytes;
}

/** The digits of a BCD field, or `undefined` when a nibble is above 9. */
export function bcdDigits(bytes: Uint8Array): string | undefined {
  for (const byte of bytes) if (byte >> 4 > 9 || (byte & 15) > 9) return undefined;
  return toHex(bytes);
}

/** The number in a BCD field (format `n`), or `undefined` when a nibble is above 9 or it is not exact. */
export function bcdToNumber(bytes: Uint8Array): number | undefined {
  let value = 0;
  for (const byte of bytes) {
    const [high, low] = [byte >> 4, byte & 15];
    if (high > 9 || low > 9) return undefined;
    value = value * 100 + high * 10 + low;
  }
  return Number.isSafeInteger(value) ? value : undefined;
}
