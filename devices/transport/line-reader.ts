import { cancelled, onceAborted } from '../../src/platform/clock.ts';
import { isPossumError } from '../../src/platform/errors.ts';
import type { Line } from './line.ts';

/** What a wait for bytes ended with. */
export type Received =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'silence' }
  | { readonly kind: 'lost' };

/** Reads with deadlines on wire time. A wait that ends early loses no byte. */
export class LineReader {
  readonly #line: Pick<Line, 'read' | 'clock'>;

  constructor(line: Pick<Line, 'read' | 'clock'>) {
    this.#line = line;
  }

  /**
   * The next bytes, however many arrived.
   * @param deadlineMs a reading of the line's clock
   * @throws PossumError `CANCELLED` when `signal` is aborted
   */
  async next(signal: AbortSignal, deadlineMs: number): Promise<Received> {
    if (signal.aborted) throw cancelled();
    const { clock } = this.#line;
    const wait = new AbortController();
    const timer = clock.after(deadlineMs - clock.now(), () => wait.abort());
    const detach = onceAborted(signal, () => wait.abort());
    try {
      const bytes = await this.#line.read(wait.signal);
      return bytes === undefined ? { kind: 'lost' } : { kind: 'bytes', bytes };
    } catch (error) {
      if (!isPossumError(error, 'CANCELLED') || signal.aborted) throw error;
      return { kind: 'silence' };
    } finally {
      timer.cancel();
      detach();
    }
  }

  /**
   * Reads and throws away until nothing came for `quietMs`.
   * @returns `quiet`, with the number of bytes dropped; `noisy` when the deadline came first
   * @throws PossumError `CANCELLED` when `signal` is aborted
   */
  async discardUntilQuiet(
    quietMs: number,
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<{ readonly kind: 'quiet' | 'noisy' | 'lost'; readonly dropped: number }> {
    const { clock } = this.#line;
    let dropped = 0;
    for (;;) {
      if (clock.now() >= deadlineMs) return { kind: 'noisy', dropped };
      const until = clock.now() + quietMs;
      const received = await this.next(signal, Math.min(until, deadlineMs));
      if (received.kind === 'lost') return { kind: 'lost', dropped };
      if (received.kind === 'bytes') dropped += received.bytes.length;
      else if (clock.now() >= until) return { kind: 'quiet', dropped };
    }
  }
}
