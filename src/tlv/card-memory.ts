import { parseTlv, type Tlv } from './ber.ts';

/** PAN-bearing values that cards have shown, so that they are known again where no tag names them. */
export interface CardMemory {
  /** Keeps the PAN and track values of an answer (status words included). */
  learn(response: Uint8Array): void;
  /** Where a kept value stands in `bytes`, whole or cut off after at least twelve digits. */
  find(bytes: Uint8Array): readonly Sighting[];
}

export interface Sighting {
  readonly start: number;
  readonly end: number;
  /** Decimal digits of the whole value's PAN. */
  readonly panDigits: number;
}

/** Tags whose value is a PAN. */
export const PAN_TAGS: ReadonlySet<number> = new Set([0x5a]);
/** Tags whose value begins with a PAN and a separator. */
export const TRACK2_TAGS: ReadonlySet<number> = new Set([0x57, 0x9f6b]);
/** Values of the last few cards; a session has two at most. */
const KEPT = 8;
const SURE_BYTES = 6;

/** Starts with nothing. */
export function cardMemory(): CardMemory {
  const values: Uint8Array[] = [];
  const learnItem = ({ tag, value, children }: Tlv): void => {
    const bears = PAN_TAGS.has(tag) || TRACK2_TAGS.has(tag);
    if (bears && decimalRun(value) >= 2 * SURE_BYTES && !values.some((v) => same(v, value))) {
      values.push(value.slice());
      if (values.length > KEPT) values.shift();
    }
    for (const child of children ?? []) learnItem(child);
  };
  return {
    learn(response) {
      const parsed = parseTlv(response.subarray(0, -2));
      if (parsed.ok) for (const item of parsed.items) learnItem(item);
    },
    find(bytes) {
      const found: Sighting[] = [];
      for (const value of values) {
        for (let start = 0; start + SURE_BYTES <= bytes.length; start++) {
          const length = commonLength(bytes, start, value);
          if (length >= SURE_BYTES) found.push({ start, end: start + length, panDigits: decimalRun(value) });
        }
      }
      return found;
    },
  };
}

/** How many decimal digits the value begins with. */
export function decimalRun(value: Uint8Array): number {
  for (let i = 0; i < 2 * value.length; i++) {
    const byte = value[i >> 1] as number;
    if ((i % 2 === 0 ? byte >> 4 : byte & 15) > 9) return i;
  }
  return 2 * value.length;
}

function commonLength(bytes: Uint8Array, start: number, value: Uint8Array): number {
  let length = 0;
  while (start + length < bytes.length && bytes[start + length] === value[length] && length < value.length)
    length++;
  return length;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && commonLength(a, 0, b) === a.length;
}
