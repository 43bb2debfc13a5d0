/** How long a card may ask for more time, in all, for one command. */
export const EXTENSION_LIMIT_MS = 60_000;

/**
 * Counts what a card's requests for time (S(WTX) of T=1, NULL of T=0) come to within one command. Each request is
 * charged at least its own time on the line, so that a flood ends after a bounded number of requests even where the
 * clock stands still.
 */
export class ExtensionBudget {
  readonly #now: () => number;
  readonly #costMs: number;
  readonly #limitMs: number;
  #sinceMs: number | undefined;
  #requests = 0;

  /**
   * @param now milliseconds, as `now` of the clock
   * @param costMs time on the line of one request
   */
  constructor(now: () => number, costMs: number, limitMs: number = EXTENSION_LIMIT_MS) {
    this.#now = now;
    this.#costMs = costMs;
    this.#limitMs = limitMs;
  }

  /** A new command begins. */
  reset(): void {
    this.#sinceMs = undefined;
    this.#requests = 0;
  }

  /** @returns how long to wait instead of `wantedMs`, or `undefined` when the card had all the time there is */
  grant(wantedMs: number): number | undefined {
    this.#sinceMs ??= this.#now();
    this.#requests++;
    return this.exhausted ? undefined : this.clip(wantedMs);
  }

  /** How long to wait instead of `wantedMs`: no longer than the time that a card which asked for some has left. */
  clip(wantedMs: number): number {
    return Math.min(wantedMs, Math.max(this.#limitMs - this.#elapsedMs(), 0));
  }

  /** True when the time of a card that asked for more has run out. */
  get exhausted(): boolean {
    return Math.max(this.#elapsedMs(), this.#requests * this.#costMs) >= this.#limitMs;
  }

  #elapsedMs(): number {
    return this.#sinceMs === undefined ? 0 : this.#now() - this.#sinceMs;
  }
}
