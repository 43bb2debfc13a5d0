import { PossumError } from './errors.ts';

/** Called when a hold is no longer needed; calling it again does nothing. */
export type Release = () => void;

/** A cancelled timer does not fire. */
export interface Timer {
  cancel(): void;
}

/**
 * Business time: what the terminal and the host live by. Real for people, virtual for scripted runs.
 * No other part asks the operating system for the time.
 */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00 of the terminal's local time zone, which is treated as UTC. */
  now(): number;
  /**
   * Calls `fire` once after `delayMs`. A `background` timer recurs for housekeeping: it fires when its moment
   * has passed, but virtual time never advances for its sake.
   */
  after(delayMs: number, fire: () => void, options?: { background?: boolean }): Timer;
  /** Tells a virtual clock that something is on its way which it cannot see (bytes on a loopback socket). */
  hold(): Release;
}

/** The wall clock. */
export function realClock(): Clock {
  // Deadlines follow the monotonic clock, so that a changed wall clock does not stretch or cut a wait.
  return {
    now: () => Date.now(),
    after(delayMs, fire, options = {}) {
      const due = performance.now() + delayMs;
      let handle: NodeJS.Timeout;
      const arm = () => {
        const rest = due - performance.now();
        handle = setTimeout(
          () => (due - performance.now() > 0.5 ? arm() : fire()),
          Math.min(Math.max(rest, 0), 2 ** 30),
        );
        if (options.background === true) handle.unref();
      };
      arm();
      return { cancel: () => clearTimeout(handle) };
    },
    hold: () => () => {},
  };
}

interface PendingTimer {
  readonly due: number;
  readonly order: number;
  readonly background: boolean;
  readonly fire: () => void;
}

/**
 * A clock that stands still while there is work to do. `run(promise)` drives it: whenever the event loop has
 * nothing left and no hold is open, time jumps to the next timer. A day of trading takes milliseconds.
 */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  #holds = 0;
  readonly #timers = new Set<PendingTimer>();

  /** @param startMs the first reading, milliseconds as in {@link Clock.now} */
  constructor(startMs: number) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, fire: () => void, options: { background?: boolean } = {}): Timer {
    const timer: PendingTimer = {
      due: this.#now + Math.max(delayMs, 0),
      order: this.#order++,
      background: options.background === true,
      fire,
    };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  hold(): Release {
    this.#holds++;
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      this.#holds--;
    };
  }

  /** Moves time forward by `ms`, firing what falls due on the way, each with its consequences. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    for (;;) {
      await this.#quiet();
      const next = this.#next(true);
      if (next === undefined || next.due > target) break;
      this.#fire(next);
    }
    this.#now = target;
  }

  /** Sets the reading without firing anything that lies between: a changed wall clock. */
  set(nowMs: number): void {
    const shift = nowMs - this.#now;
    const pending = [...this.#timers];
    this.#timers.clear();
    for (const timer of pending) this.#timers.add({ ...timer, due: timer.due + shift });
    this.#now = nowMs;
  }

  /**
   * Waits for `work`, advancing time as needed.
   * @throws PossumError `INTERNAL` when nothing is left that could complete it
   */
  async run<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const done = work.finally(() => {
      settled = true;
    });
    done.catch(() => {});
    for (;;) {
      await this.#quiet(() => settled);
      if (settled) return done;
      const next = this.#next(false);
      if (next === undefined) {
        // Work of the operating system that holds nothing (a file, a child process) may still come back.
        if (!(await idle(() => settled))) {
          throw new PossumError(
            'INTERNAL',
            'virtual time stands still: no timer is pending and nothing is on its way',
          );
        }
        continue;
      }
      this.#fire(next);
    }
  }

  async #quiet(settled: () => boolean = () => false): Promise<void> {
    do {
      await nextTurn();
      await nextTurn();
    } while (this.#holds > 0 && !settled());
  }

  #next(withBackground: boolean): PendingTimer | undefined {
    let first: PendingTimer | undefined;
    let firstAny: PendingTimer | undefined;
    for (const timer of this.#timers) {
      if (firstAny === undefined || earlier(timer, firstAny)) firstAny = timer;
      if (!timer.background && (first === undefined || earlier(timer, first))) first = timer;
    }
    // Background timers are no reason to advance, but those that are passed on the way fire in their turn.
    return withBackground || first !== undefined ? firstAny : undefined;
  }

  #fire(timer: PendingTimer): void {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.due);
    timer.fire();
  }
}

function earlier(a: PendingTimer, b: PendingTimer): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Up to two real seconds for outside work to complete; false when it did not. */
async function idle(settled: () => boolean): Promise<boolean> {
  const end = performance.now() + 2000;
  while (performance.now() < end) {
    if (settled()) return true;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return settled();
}

/** Resolves after `ms` on `clock`; rejects with `CANCELLED` when `signal` is aborted first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(cancelled());
      return;
    }
    const timer = clock.after(ms, () => {
      detach();
      resolve();
    });
    const detach = onceAborted(signal, () => {
      timer.cancel();
      reject(cancelled());
    });
  });
}

/** The signal of a wait that only its deadline ends. */
export const NEVER: AbortSignal = new AbortController().signal;

const NOTHING: Release = () => {};

/**
 * Calls `then` once when `signal` is aborted.
 * @returns to be called when that is no longer wanted
 */
export function onceAborted(signal: AbortSignal | undefined, then: () => void): Release {
  if (signal === undefined || signal === NEVER) return NOTHING;
  signal.addEventListener('abort', then, { once: true });
  return () => signal.removeEventListener('abort', then);
}

/** The exception with which a wait ends when its signal is aborted. */
export function cancelled(): PossumError {
  return new PossumError('CANCELLED', 'cancelled');
}

/**
 * Waits for `work` until `deadlineMs` (a reading of `clock`) or until `signal` is aborted.
 * @returns `undefined` when the deadline came first
 * @throws PossumError `CANCELLED` when the signal was aborted first
 */
export function until<T>(
  clock: Clock,
  deadlineMs: number,
  work: Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      work.catch(() => {});
      reject(cancelled());
      return;
    }
    const finish = (then: () => void) => {
      timer.cancel();
      detach();
      then();
    };
    const timer = clock.after(deadlineMs - clock.now(), () => finish(() => resolve(undefined)));
    const detach = onceAborted(signal, () => finish(() => reject(cancelled())));
    work.then(
      (value) => finish(() => resolve(value)),
      (error) => finish(() => reject(error)),
    );
  });
}

/** Calendar parts of a clock reading. */
export interface DateParts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** `YYMMDD`, as in tag 9A */
  readonly yymmdd: string;
  /** `hhmmss`, as in tag 9F21 and field 12 */
  readonly hhmmss: string;
  /** `MMDD`, as in field 13 */
  readonly mmdd: string;
  /** `YYYY-MM-DD` */
  readonly isoDate: string;
  /** `hh:mm:ss` */
  readonly isoTime: string;
}

let lastParts: { readonly nowMs: number; readonly parts: DateParts } | undefined;

/** Splits a reading of {@link Clock.now}. One moment is asked for many times: the last answer is kept. */
export function dateParts(nowMs: number): DateParts {
  if (lastParts?.nowMs !== nowMs) lastParts = { nowMs, parts: partsOf(nowMs) };
  return lastParts.parts;
}

function partsOf(nowMs: number): DateParts {
  const iso = new Date(nowMs).toISOString();
  const [mm, dd] = [iso.slice(5, 7), iso.slice(8, 10)];
  return {
    year: Number(iso.slice(0, 4)),
    month: Number(mm),
    day: Number(dd),
    yymmdd: iso.slice(2, 4) + mm + dd,
    hhmmss: iso.slice(11, 13) + iso.slice(14, 16) + iso.slice(17, 19),
    mmdd: mm + dd,
    isoDate: iso.slice(0, 10),
    isoTime: iso.slice(11, 19),
  };
}
