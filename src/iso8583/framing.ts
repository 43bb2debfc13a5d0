import { latin1 } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import type { FramingSpec } from './profile.ts';

/** A length that cannot be; the stream is lost and must be closed, there is nothing to resynchronise on. */
export interface FrameError {
  readonly code: 'length-digits' | 'too-short' | 'too-long';
  readonly message: string;
}

export interface SplitResult {
  /** Bodies without their length prefix, complete and in order; each is a copy of its own. */
  readonly frames: readonly Uint8Array[];
  /** Set once a length was wrong; the frames before it are good. */
  readonly error?: FrameError;
}

const PREFIX_BYTES = { bin2: 2, bcd2: 2, ascii4: 4 } as const;
const NOTHING = new Uint8Array(0);
const PREFIX_LIMIT = { bin2: 65_535, bcd2: 9_999, ascii4: 9_999 } as const;

/**
 * Puts the length before a body.
 * @throws PossumError `FORMAT` when the body is longer than the profile or the prefix allows
 */
export function frame(body: Uint8Array, framing: FramingSpec): Uint8Array {
  const prefixBytes = PREFIX_BYTES[framing.lengthPrefix];
  const length = body.length + (framing.includesSelf ? prefixBytes : 0);
  if (body.length > framing.maxLength || length > PREFIX_LIMIT[framing.lengthPrefix]) {
    throw new PossumError('FORMAT', `a message of ${body.length} bytes is too long for this line`, {
      where: 'framing.maxLength',
    });
  }
  const whole = new Uint8Array(prefixBytes + body.length);
  const digits = String(length).padStart(4, '0');
  if (framing.lengthPrefix === 'bin2') whole.set([length >> 8, length & 255]);
  else if (framing.lengthPrefix === 'ascii4') whole.set(latin1(digits));
  else whole.set([Number.parseInt(digits.slice(0, 2), 16), Number.parseInt(digits.slice(2), 16)]);
  whole.set(body, prefixBytes);
  return whole;
}

/** Cuts a byte stream into frames, however the bytes arrive. */
export class FrameSplitter {
  readonly #framing: FramingSpec;
  readonly #minimum: number;
  #buffer: Uint8Array = NOTHING;
  #filled = 0;
  #error: FrameError | undefined;

  /** @param minimum the shortest body that can be a message, in bytes */
  constructor(framing: FramingSpec, minimum: number) {
    this.#framing = framing;
    this.#minimum = minimum;
  }

  /** Bytes of an incomplete frame that are waiting for the rest. */
  get pending(): number {
    return this.#filled;
  }

  /** Takes the next bytes; after an error every further call answers with the same error and takes nothing. */
  push(bytes: Uint8Array): SplitResult {
    if (this.#error !== undefined) return { frames: [], error: this.#error };
    // Most chunks are whole frames: only what waits for its rest is kept.
    if (this.#filled === 0) {
      const { frames, rest } = this.#cut(bytes);
      this.#append(bytes.subarray(rest));
      return this.#result(frames);
    }
    this.#append(bytes);
    const { frames, rest } = this.#cut(this.#buffer.subarray(0, this.#filled));
    this.#buffer.copyWithin(0, rest, this.#filled);
    this.#filled -= rest;
    return this.#result(frames);
  }

  #result(frames: readonly Uint8Array[]): SplitResult {
    if (this.#error === undefined) return { frames };
    this.#buffer = NOTHING;
    this.#filled = 0;
    return { frames, error: this.#error };
  }

  /** Whole frames at the beginning of `bytes`, and where the rest begins. */
  #cut(bytes: Uint8Array): { frames: Uint8Array[]; rest: number } {
    const frames: Uint8Array[] = [];
    const prefixBytes = PREFIX_BYTES[this.#framing.lengthPrefix];
    let at = 0;
    while (bytes.length - at >= prefixBytes) {
      const length = this.#bodyLength(bytes, at, prefixBytes);
      const end = at + prefixBytes + (length ?? 0);
      if (length === undefined || end > bytes.length) break;
      frames.push(bytes.slice(at + prefixBytes, end));
      at = end;
    }
    return { frames, rest: at };
  }

  #append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const needed = this.#filled + bytes.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length, 512));
      larger.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#filled);
    this.#filled = needed;
  }

  #bodyLength(bytes: Uint8Array, at: number, prefixBytes: number): number | undefined {
    const stated = readLength(bytes, at, this.#framing.lengthPrefix);
    if (stated === undefined) {
      this.#error = { code: 'length-digits', message: 'the length prefix is no number' };
      return undefined;
    }
    const length = stated - (this.#framing.includesSelf ? prefixBytes : 0);
    if (length < this.#minimum) {
      this.#error = { code: 'too-short', message: `length ${stated} is less than any message` };
    } else if (length > this.#framing.maxLength) {
      this.#error = {
        code: 'too-long',
        message: `length ${stated} is over the limit of ${this.#framing.maxLength}`,
      };
    }
    return this.#error === undefined ? length : undefined;
  }
}

function readLength(bytes: Uint8Array, at: number, prefix: FramingSpec['lengthPrefix']): number | undefined {
  if (prefix === 'bin2') return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  let value = 0;
  for (let i = 0; i < PREFIX_BYTES[prefix]; i++) {
    const byte = bytes[at + i] as number;
    if (prefix === 'bcd2') {
      if (byte >> 4 > 9 || (byte & 15) > 9) return undefined;
      value = value * 100 + (byte >> 4) * 10 + (byte & 15);
    } else {
      if (byte < 48 || byte > 57) return undefined;
      value = value * 10 + byte - 48;
    }
  }
  return value;
}
