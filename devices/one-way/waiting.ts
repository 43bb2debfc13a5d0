import { type Clock, cancelled, onceAborted } from '../../src/platform/clock.ts';
import { PossumError } from '../../src/platform/errors.ts';

/** One wait at a time for something that comes by itself. */
export class Waiting {
  readonly #clock: Clock;
  readonly #what: string;
  #look: (() => void) | undefined;

  /** @param what the device, as a noun with its article, for messages */
  constructor(clock: Clock, what: string) {
    this.#clock = clock;
    this.#what = what;
  }

  /** Lets the wait look again. */
  changed(): void {
    this.#look?.();
  }

  /**
   * Asks `look` now and at every change until it sees something.
   * @param deadlineMs a reading of the clock
   * @throws PossumError `CANCELLED` when `signal` is aborted, `STATE` during another wait
   */
  async until<T>(
    look: () => T | undefined,
    atDeadline: T,
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<T> {
    if (signal.aborted) throw cancelled();
    if (this.#look !== undefined) throw new PossumError('STATE', `${this.#what} is already being waited for`);
    const now = look();
    if (now !== undefined) return now;
    return new Promise<T>((resolve, reject) => {
      const finish = (then: () => void) => {
        this.#look = undefined;
        timer.cancel();
        detach();
        then();
      };
      const timer = this.#clock.after(deadlineMs - this.#clock.now(), () =>
        finish(() => resolve(atDeadline)),
      );
      const detach = onceAborted(signal, () => finish(() => reject(cancelled())));
      this.#look = () => {
        const seen = look();
        if (seen !== undefined) finish(() => resolve(seen));
      };
    });
  }
}
