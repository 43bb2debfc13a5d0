import { createHash, randomFillSync } from 'node:crypto';

/** The one source of unpredictability; scripted runs hand in a seeded one and repeat to the byte. */
export interface Random {
  /** `length` fresh bytes. */
  bytes(length: number): Uint8Array;
  /** A uniform integer from 0 to `bound` - 1; `bound` is at most 2^32. */
  below(bound: number): number;
}

function uniformBelow(bytes: (length: number) => Uint8Array, bound: number): number {
  if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32)
    throw new RangeError(`no range below ${bound}`);
  const limit = Math.floor(2 ** 32 / bound) * bound;
  for (;;) {
    const [a, b, c, d] = bytes(4) as unknown as [number, number, number, number];
    const value = a * 2 ** 24 + (b << 16) + (c << 8) + d;
    if (value < limit) return value % bound;
  }
}

/** Bytes asked of the operating system at once: each call costs more than the bytes. */
const POOL_BYTES = 4096;

/** The operating system's generator. What was handed out is wiped from the pool. */
export function systemRandom(): Random {
  const pool = new Uint8Array(POOL_BYTES);
  let at = POOL_BYTES;
  const bytes = (length: number): Uint8Array => {
    if (length > POOL_BYTES) return randomFillSync(new Uint8Array(length));
    if (at + length > POOL_BYTES) {
      randomFillSync(pool);
      at = 0;
    }
    const out = pool.slice(at, at + length);
    pool.fill(0, at, at + length);
    at += length;
    return out;
  };
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
