import { Bench } from 'tinybench';

/** A figure against its baseline, measured in one run. */
export interface Figure {
  readonly name: string;
  readonly baseline: string;
  /** Rate of the contestant divided by that of the baseline, or whatever `unit` says. */
  readonly ratio: number;
  readonly limit: string;
  readonly ok: boolean;
}

export interface BenchOptions {
  /** Tiny rounds: shows that everything runs, judges no timing. */
  readonly smoke: boolean;
}

/**
 * Lets two contestants take turns in short slices.
 * @returns the median over the rounds of contestant's rate divided by baseline's
 */
export async function compare(
  contestant: () => unknown,
  baseline: () => unknown,
  { smoke }: BenchOptions,
): Promise<number> {
  const ratios: number[] = [];
  const rounds = smoke ? 2 : 15;
  for (let round = 0; round < rounds; round++) {
    const bench = new Bench({ time: smoke ? 5 : 40, warmup: round === 0 && !smoke });
    const contestants = [
      ['contestant', contestant],
      ['baseline', baseline],
    ] as const;
    for (const [name, work] of round % 2 === 0 ? contestants : [...contestants].reverse())
      bench.add(name, work);
    await bench.run();
    const rate = (name: string) => {
      const result = bench.getTask(name)?.result;
      if (result === undefined || !('throughput' in result)) throw new Error(`${name} did not run`);
      return result.throughput.mean;
    };
    ratios.push(rate('contestant') / rate('baseline'));
  }
  return median(ratios);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

export function atLeast(name: string, baseline: string, ratio: number, limit: number): Figure {
  return { name, baseline, ratio, limit: `>= ${limit}`, ok: ratio >= limit };
}

export function atMost(name: string, baseline: string, ratio: number, limit: number): Figure {
  return { name, baseline, ratio, limit: `<= ${limit}`, ok: ratio <= limit };
}
