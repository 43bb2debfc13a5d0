import type { Random } from '../../src/platform/random.ts';

/** How often a byte or bit goes wrong, as probabilities from 0 to 1. */
export interface ErrorRates {
  /** Per byte: it is lost. */
  readonly drop?: number;
  /** Per byte: it arrives twice. */
  readonly duplicate?: number;
  /** Per bit: it is turned over. */
  readonly flip?: number;
}

/** Loses, doubles and damages bytes at random. */
export class ByteErrors {
  readonly #drop: Events;
  readonly #duplicate: Events;
  readonly #flip: Events;

  /** @throws RangeError when a rate is no probability */
  constructor(rates: ErrorRates, random: Random) {
    this.#drop = new Events(rates.drop ?? 0, random);
    this.#duplicate = new Events(rates.duplicate ?? 0, random);
    this.#flip = new Events(rates.flip ?? 0, random);
  }

  /** What is left of `bytes`, in a new array. */
  apply(bytes: Uint8Array): Uint8Array {
    const out: number[] = [];
    for (const byte of bytes) {
      if (this.#drop.next()) continue;
      let damaged = byte;
      for (let bit = 1; bit < 256; bit <<= 1) if (this.#flip.next()) damaged ^= bit;
      out.push(damaged);
      if (this.#duplicate.next()) out.push(damaged);
    }
    return Uint8Array.from(out);
  }
}

/** Independent trials of one probability; a random number is drawn per event and not per trial. */
class Events {
  readonly #probability: number;
  readonly #random: Random;
  #trialsLeft: number;

  constructor(probability: number, random: Random) {
    if (!(probability >= 0 && probability <= 1)) throw new RangeError(`${probability} is no probability`);
    this.#probability = probability;
    this.#random = random;
    this.#trialsLeft = this.#gap();
  }

  next(): boolean {
    if (this.#trialsLeft-- > 0) return false;
    this.#trialsLeft = this.#gap();
    return true;
  }

  /** The trials before the next event: geometric distribution. */
  #gap(): number {
    if (this.#probability === 0) return Number.POSITIVE_INFINITY;
    if (this.#probability === 1) return 0;
    const uniform = (this.#random.below(2 ** 32) + 1) / 2 ** 32;
    return Math.floor(Math.log(uniform) / Math.log(1 - this.#probability));
  }
}
