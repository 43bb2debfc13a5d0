import type { Clock, Timer } from '../../src/platform/clock.ts';

/** The last thing that came while nobody waited; it is forgotten when it is too old, or when the next one comes. */
export class Kept<T> {
  readonly #clock: Clock;
  readonly #keepMs: number;
  #item: T | undefined;
  #timer: Timer | undefined;

  constructor(clock: Clock, keepMs: number) {
    this.#clock = clock;
    this.#keepMs = keepMs;
  }

  put(item: T): void {
    this.forget();
    this.#item = item;
    this.#timer = this.#clock.after(this.#keepMs, () => this.forget(), { background: true });
  }

  take(): T | undefined {
    const item = this.#item;
    this.forget();
    return item;
  }

  forget(): void {
    this.#timer?.cancel();
    this.#item = undefined;
  }
}
