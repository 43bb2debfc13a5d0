import { type Random, uniformBelow } from '../platform/random.ts';

/** A random source that is watched; what it gave before a fault was found must not be used. */
export interface WatchedRandom extends Random {
  /** What is wrong with the source; `undefined` while it passes. Once wrong it stays so. */
  fault(): string | undefined;
}

/**
 * Cut-offs of NIST SP 800-90B, section 4.4, for a source of full entropy (8 bits in a byte) and one false alarm in 2^40:
 * so many equal bytes in a row, and so often the first byte of a window in it.
 */
const REPETITIONS = 6;
const WINDOW = 512;
const OCCURRENCES = 20;
/** Bytes whose second coming is no chance. */
const BLOCK = 8;
const START_UP_CALLS = 8;
const START_UP_BYTES = 32;

const CONSTANT = 'the random source repeats one byte';
const BIASED = 'the random source prefers one byte';
const REPEATING = 'the random source repeats itself';

/**
 * Tests a source at once and then all that it gives: repetition count and adaptive proportion (NIST SP 800-90B, 4.4.1
 * and 4.4.2), and blocks that come twice in a row (FIPS 140-2, 4.9.2); at the start also for any period below 240.
 */
export function watchRandom(source: Random): WatchedRandom {
  let fault: string | undefined;
  const watch = watcher((found) => {
    fault ??= found;
  });
  const bytes = (length: number): Uint8Array => {
    const given = source.bytes(length);
    watch(given);
    return given;
  };
  const sample = Buffer.alloc(START_UP_CALLS * START_UP_BYTES);
  for (let call = 0; call < START_UP_CALLS; call++) sample.set(bytes(START_UP_BYTES), call * START_UP_BYTES);
  if (sample.indexOf(sample.subarray(0, BLOCK), 1) >= 0) fault ??= REPEATING;
  return {
    fault: () => fault,
    bytes,
    below: (bound) => uniformBelow(bytes, bound),
  };
}

/** @returns takes bytes in the order in which they were given out */
function watcher(onFault: (what: string) => void): (bytes: Uint8Array) => void {
  let last = -1;
  let repetitions = 0;
  let first = -1;
  let seen = 0;
  let occurrences = 0;
  const block = new Uint8Array(BLOCK);
  let filled = 0;
  let equal = 0;
  let blocks = 0;
  return (bytes) => {
    for (const byte of bytes) {
      repetitions = byte === last ? repetitions + 1 : 1;
      last = byte;
      if (repetitions >= REPETITIONS) onFault(CONSTANT);
      if (seen === 0) [first, occurrences] = [byte, 0];
      if (byte === first && ++occurrences >= OCCURRENCES) onFault(BIASED);
      seen = (seen + 1) % WINDOW;
      if (block[filled] === byte) equal++;
      block[filled++] = byte;
      if (filled < BLOCK) continue;
      if (blocks++ > 0 && equal === BLOCK) onFault(REPEATING);
      filled = 0;
      equal = 0;
    }
  };
}
