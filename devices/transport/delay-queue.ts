import type { Clock, Timer } from '../../src/platform/clock.ts';

/** Events that happen in the order in which they were added, each not before its time. */
export class DelayQueue {
  readonly #clock: Clock;
  readonly #waiting: { readonly dueMs: number; readonly event: () => void }[] = [];
  /** Timers are this coarse: what is due within it happens now. */
  readonly #grainMs: number;
  #timer: Timer | undefined;
  #lastDueMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, grainMs = 0) {
    this.#clock = clock;
    this.#grainMs = grainMs;
  }

  /** When the last event is due, or the time now. */
  get lastDueMs(): number {
    return Math.max(this.#lastDueMs, this.#clock.now());
  }

  /** @param dueMs a reading of the clock; raised to that of the event before */
  add(dueMs: number, event: () => void): void {
    this.#lastDueMs = Math.max(this.#lastDueMs, dueMs);
    this.#waiting.push({ dueMs: this.#lastDueMs, event });
    if (this.#timer === undefined) this.#run();
  }

  /** Drops what has not happened. */
  clear(): void {
    this.#waiting.length = 0;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #run(): void {
    for (;;) {
      const first = this.#waiting[0];
      if (first === undefined) return;
      const delayMs = first.dueMs - this.#clock.now();
      if (delayMs > this.#grainMs) {
        this.#timer = this.#clock.after(delayMs, () => {
          this.#timer = undefined;
          this.#run();
        });
        return;
      }
      this.#waiting.shift();
      first.event();
    }
  }
}
