import { Bench } from 'tinybench';

/** What a group of the benchmark tells its runner. */
export interface Figure {
  readonly name: string;
  /** What was measured, for people: rates, milliseconds, counts. */
  readonly measured: string;
  /** Compared with {@link limit}: a ratio against the named baseline, or a count. */
  readonly value: number;
  readonly limit?: Limit;
  /** A count that does not depend on the machine: it must hold in a smoke run too. */
  readonly exact?: boolean;
}

export interface Limit {
  readonly at: 'least' | 'most';
  readonly value: number;
}

export interface Contestant {
  readonly name: string;
  /** Does the work `batch` times. */
  readonly run: (() => void) | (() => Promise<void>);
  /** States that `run` gives a promise. */
  readonly async?: boolean;
  /** Repetitions inside one call, for work of microseconds; 1 when absent. */
  readonly batch?: number;
}

export interface Race {
  readonly rounds: number;
  /** How long a contestant has its turn in a round. */
  readonly sliceMs: number;
}

/** Operations per second of one contestant, round by round. */
export type Rates = readonly number[];

/** True when only the mechanics are to be tried. */
export const smoke = process.argv.includes('--smoke');

/**
 * Lets the contestants take turns in short slices, in alternating order, so that a disturbance of the machine
 * meets all of them.
 * @returns the rates of each contestant, in the order given
 */
export async function race(contestants: readonly Contestant[], full: Race): Promise<readonly Rates[]> {
  const { rounds, sliceMs } = smoke ? { rounds: 2, sliceMs: 5 } : full;
  const rates = contestants.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    const order = contestants.map((_, index) => index);
    if (round % 2 === 0) order.reverse();
    const bench = new Bench({ time: sliceMs, iterations: 1, warmup: false, throws: true });
    for (const index of order) {
      const { run, async = false } = contestants[index] as Contestant;
      bench.add(String(index), run, { async });
    }
    for (const task of await bench.run()) {
      if (task.result.state !== 'completed') throw new Error(`${task.name}: ${task.result.state}`);
      const index = Number(task.name);
      const batch = contestants[index]?.batch ?? 1;
      // The round before the first warms up.
      if (round >= 0) rates[index]?.push((1000 * batch) / task.result.latency.mean);
    }
  }
  return rates;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The median over the rounds of `a`'s rate by `b`'s in the same round. */
export function ratio(a: Rates, b: Rates): number {
  return median(a.map((rate, round) => rate / (b[round] as number)));
}

export function perSecond(rates: Rates): string {
  return `${Math.round(median(rates)).toLocaleString('en')}/s`;
}

export const atLeast = (value: number): Limit => ({ at: 'least', value });
export const atMost = (value: number): Limit => ({ at: 'most', value });

/** Runs a group and hands its figures to the runner. */
export function group(measure: () => Promise<readonly Figure[]>): void {
  measure().then(
    (figures) => process.stdout.write(`${JSON.stringify(figures)}\n`),
    (cause: unknown) => {
      const text = cause instanceof Error ? cause.stack : String(cause);
      // What a broken measurement left open must not keep the process alive.
      process.stderr.write(`${text}\n`, () => process.exit(70));
    },
  );
}
