import { concat, fromLatin1 } from '../../src/platform/bytes.ts';
import { type PlainSwipe, readPlain } from './plain-swipe.ts';
import { parseSecureData, readSecureFrame, type SecureSwipe, secureStart } from './secure-swipe.ts';
import type { StripeFormat } from './settings.ts';
import type { TrackCodec } from './track-codec.ts';

/** What a reader sent between two silences. Holds card data: never log it. */
export type Swipe =
  | PlainSwipe
  | SecureSwipe
  /** A frame of encrypted output that is damaged or cut off. */
  | { readonly kind: 'broken'; readonly why: 'incomplete' | 'check' | 'end' | 'structure' }
  /** Nothing in it looks like a track, or it does not end. */
  | { readonly kind: 'noise'; readonly bytes: number };

/** More than any reader sends for one swipe. */
const LONGEST_BURST = 4096;
const ETX = 0x03;

/** Collects what belongs together and reads it. Any split of the bytes gives the same swipes. */
export class SwipeReader {
  readonly #format: StripeFormat;
  readonly #codec: TrackCodec;
  #pieces: Uint8Array[] = [];
  #size = 0;

  constructor(format: StripeFormat, codec: TrackCodec) {
    this.#format = format;
    this.#codec = codec;
  }

  get isInside(): boolean {
    return this.#size > 0;
  }

  /** Takes bytes. @returns the swipes that are over already, which few formats show */
  push(chunk: Uint8Array): readonly Swipe[] {
    this.#size += chunk.length;
    if (this.#size > LONGEST_BURST) {
      // The rest of it, until the next silence, is counted only.
      this.#pieces = [];
      return [];
    }
    this.#pieces.push(chunk.slice());
    return this.#format.etxEnds ? this.#endedByEtx() : [];
  }

  /** Nothing follows for now: what came is all. */
  silence(): readonly Swipe[] {
    const size = this.#size;
    const burst = concat(...this.#pieces);
    this.reset();
    if (size === 0) return [];
    return size > LONGEST_BURST
      ? [{ kind: 'noise', bytes: size }]
      : readBurst(burst, this.#format, this.#codec);
  }

  reset(): void {
    this.#pieces = [];
    this.#size = 0;
  }

  #endedByEtx(): readonly Swipe[] {
    const swipes: Swipe[] = [];
    let burst = concat(...this.#pieces);
    for (;;) {
      const end = burst.indexOf(ETX) + 1;
      // Encrypted output is binary: an ETX in it means nothing, and three bytes show whether it is.
      if (end === 0 || burst.length < 3 || secureStart(burst) >= 0) break;
      swipes.push(...readBurst(burst.subarray(0, end), this.#format, this.#codec));
      burst = burst.subarray(end);
    }
    this.#pieces = [burst];
    this.#size = burst.length;
    return swipes;
  }
}

/**
 * Reads all that came between two silences.
 * @returns at least one swipe, unless nothing came
 */
export function readBurst(bytes: Uint8Array, format: StripeFormat, codec: TrackCodec): readonly Swipe[] {
  const swipes: Swipe[] = [];
  let rest = bytes;
  for (;;) {
    const start = secureStart(rest);
    swipes.push(...readPlain(fromLatin1(start < 0 ? rest : rest.subarray(0, start)), format, codec));
    if (start < 0) break;
    rest = rest.subarray(start);
    const frame = readSecureFrame(rest);
    if (frame.kind !== 'frame') {
      // What lies in a damaged frame may look like tracks, and is none.
      swipes.push({ kind: 'broken', why: frame.kind === 'corrupt' ? frame.why : 'incomplete' });
      break;
    }
    swipes.push(parseSecureData(frame.data) ?? { kind: 'broken', why: 'structure' });
    rest = rest.subarray(frame.length);
  }
  return swipes.length === 0 && bytes.length > 0 ? [{ kind: 'noise', bytes: bytes.length }] : swipes;
}
