import { type Clock, onceAborted, until } from '../../src/platform/clock.ts';
import { isPossumError } from '../../src/platform/errors.ts';
import type { ByteStream } from '../../src/ports/index.ts';

export type Characters =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'silence' }
  /** The line was closed: the reader is gone. */
  | { readonly kind: 'gone' };

/** Longest time that a write may take, however slow the line. */
const WRITE_MS = 5000;
const MAX_DRAIN_MS = 2000;
const MAX_PIECES = 65_536;

/** The card's contact as a stream of characters, read with a deadline. */
export class CharacterLine {
  readonly #stream: ByteStream;
  readonly #clock: Clock;

  constructor(stream: ByteStream, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
  }

  /** @returns false when the line is closed, or does not take the bytes */
  async send(bytes: Uint8Array, signal: AbortSignal): Promise<boolean> {
    try {
      const written = this.#stream.write(bytes).then(() => true);
      return (await until(this.#clock, this.#clock.now() + WRITE_MS, written, signal)) === true;
    } catch (error) {
      if (isPossumError(error, 'UNAVAILABLE')) return false;
      throw error;
    }
  }

  /** What arrives next, waiting up to `waitMs` for it. */
  async receive(waitMs: number, signal: AbortSignal): Promise<Characters> {
    const over = new AbortController();
    const detach = onceAborted(signal, () => over.abort());
    // What has arrived is had without a timer, which would take a millisecond.
    const timer = waitMs <= 0 ? undefined : this.#clock.after(waitMs, () => over.abort());
    if (signal.aborted) over.abort();
    try {
      const reading = this.#stream.read(over.signal);
      if (waitMs <= 0) over.abort();
      const bytes = await reading;
      return bytes === undefined ? { kind: 'gone' } : { kind: 'bytes', bytes };
    } catch (error) {
      if (isPossumError(error, 'UNAVAILABLE')) return { kind: 'gone' };
      if (isPossumError(error, 'CANCELLED') && !signal.aborted) return { kind: 'silence' };
      throw error;
    } finally {
      timer?.cancel();
      detach();
    }
  }

  /** Drops what arrives until the line is silent for `quietMs`, for two seconds at most. */
  async drain(quietMs: number, signal: AbortSignal): Promise<void> {
    const endMs = this.#clock.now() + Math.max(quietMs, MAX_DRAIN_MS);
    for (let pieces = 0; pieces < MAX_PIECES && this.#clock.now() < endMs; pieces++) {
      if ((await this.receive(quietMs, signal)).kind !== 'bytes') return;
    }
  }

  /** A deadline of the clock, `ms` from now. */
  within(ms: number): () => number {
    const endMs = this.#clock.now() + ms;
    return () => Math.max(endMs - this.#clock.now(), 0);
  }
}
