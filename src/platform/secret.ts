/**
 * Values that print as a mask wherever they end up: in a template string, JSON, a log or an error object.
 * The clear value has to be asked for by name, so that a reader sees each place that needs it.
 */

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** Bytes that must not be shown: a key, a clear PIN block, track data. */
export class Secret {
  readonly #bytes: Uint8Array;
  readonly #label: string;

  /** @param label what it is, printed in the mask: `PIK`, `track 2` */
  constructor(bytes: Uint8Array, label = 'secret') {
    this.#bytes = bytes;
    this.#label = label;
  }

  /** The clear bytes themselves, not a copy. */
  reveal(): Uint8Array {
    return this.#bytes;
  }

  /** Overwrites the bytes; every holder of this value sees zeros afterwards. */
  wipe(): void {
    this.#bytes.fill(0);
  }

  toString(): string {
    return `[${this.#label} ••••]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [INSPECT](): string {
    return this.toString();
  }
}

/** A primary account number; prints as its first six and last four digits. */
export class Pan {
  readonly #digits: string;

  /** @param digits 8 to 19 decimal digits (ISO/IEC 7812-1) @throws RangeError otherwise */
  constructor(digits: string) {
    if (!/^\d{8,19}$/.test(digits)) throw new RangeError('a PAN has 8 to 19 digits');
    this.#digits = digits;
  }

  /** The clear digits. */
  reveal(): string {
    return this.#digits;
  }

  equals(other: Pan): boolean {
    return this.#digits === other.#digits;
  }

  toString(): string {
    return maskPan(this.#digits);
  }

  toJSON(): string {
    return this.toString();
  }

  [INSPECT](): string {
    return this.toString();
  }
}

/** First six and last four digits, the rest as `*`; fewer are shown when the PAN is short. */
export function maskPan(digits: string): string {
  const head = digits.length >= 13 ? 6 : 2;
  const tail = digits.length >= 13 ? 4 : 2;
  const hidden = Math.max(digits.length - head - tail, 0);
  return digits.slice(0, head) + '*'.repeat(hidden) + digits.slice(head + hidden);
}

/** Luhn check of ISO/IEC 7812-1 annex B over a whole PAN. */
export function luhnValid(digits: string): boolean {
  if (!/^\d+$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
