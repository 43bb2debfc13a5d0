import { createHash, randomFillSync } from 'node:crypto';

/** The one source of unpredictability; scripted runs hand in a seeded one and repeat to the byte. */
export interface Random {
  /** `length` fresh bytes. */
  bytes(length: number): Uint8Array;
  /** A uniform integer from 0 to `bound` - 1; `bound` is at most 2^32. */
  below(bound: number): number;
}

/** A uniform integer from 0 to `bound` - 1 of these bytes, see {@link Random}. */
export function uniformBelow(bytes: (length: number) => Uint8Array, bound: number): number {
  if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32)
    throw new RangeError(`no range below ${bound}`);
  const limit = Math.floor(2 ** 32 / bound) * bound;
  for (;;) {
    const [a, b, c, d] = bytes(4) as unknown as [number, number, number, number];
    const value = a * 2 ** 24 + (b << 16) + (c << 8) + d;
    if (value < limit) return value % bound;
  }
}

/**
 * The operating system's generator, asked for each value: a pool of our own would give the same bytes again after a
 * virtual machine was restored from a snapshot.
 */
export function systemRandom(): Random {
  const bytes = (length: number) => randomFillSync(new Uint8Array(length));
  return { bytes, below: (bound) => uniformBelow(bytes, bound) };
}

/** SHA-256 in counter mode over the seed: the same seed gives the same bytes on every machine. */
export function seededRandom(seed: number | string): Random {
  let pool = new Uint8Array(0);
  let at = 0;
  let counter = 0;
  const bytes = (length: number): Uint8Array => {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      if (at === pool.length) {
        pool = Uint8Array.from(createHash('sha256').update(`possum/${seed}/${counter++}`).digest());
        at = 0;
      }
      out[i] = pool[at++] as number;
    }
    return out;
  };
  return { bytes, below: (bound) => uniformBelow(bytes, bound) };
}
