import { type Clock, cancelled } from '../platform/clock.ts';
import { secretBytes } from '../platform/secret-memory.ts';
import type { Keypad, PinPrompt } from '../ports/index.ts';
import { enterPin, MAX_DIGITS } from './pin-entry.ts';

export interface PinDeskParts {
  readonly clock: Clock;
  readonly pad: () => Keypad | undefined;
  /** No PIN is taken, and none is handed on, while this holds. */
  readonly isOut: () => boolean;
}

/** Takes a PIN into a buffer of its own, lends it out once, and wipes it whatever happens. */
export class PinDesk {
  readonly #parts: PinDeskParts;
  readonly #alarm = new AbortController();
  #digits: Uint8Array | undefined;

  constructor(parts: PinDeskParts) {
    this.#parts = parts;
  }

  /** Ends the entry that is open, and all to come. Its digits are gone when this returns. */
  shut(): void {
    this.#digits?.fill(0);
    this.#alarm.abort();
  }

  /**
   * @param use is lent the digits, a byte each, until its promise is settled
   * @throws PossumError `CANCELLED` when `signal` is aborted, and what `use` throws
   */
  async take<T>(
    prompt: PinPrompt,
    signal: AbortSignal,
    use: (digits: Uint8Array) => T | Promise<T>,
  ): Promise<T | { kind: 'bypassed' | 'cancelled' | 'timeout' | 'unavailable' }> {
    const { clock, isOut } = this.#parts;
    const pad = this.#parts.pad();
    if (pad === undefined || isOut()) return { kind: 'unavailable' };
    const buffer = secretBytes(MAX_DIGITS);
    this.#digits = buffer;
    try {
      const either = AbortSignal.any([signal, this.#alarm.signal]);
      const entry = await enterPin(pad, prompt, buffer, clock, either);
      // A cancel key that comes right behind the last digit still counts.
      if (either.aborted) throw cancelled();
      return entry.kind === 'entered' ? await use(buffer.subarray(0, entry.length)) : entry;
    } catch (cause) {
      if (isOut() && !signal.aborted) return { kind: 'unavailable' };
      throw cause;
    } finally {
      buffer.fill(0);
      this.#digits = undefined;
    }
  }
}
