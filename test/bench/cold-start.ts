import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { atMost, type BenchOptions, type Figure, median } from './harness.ts';

const ONE_TAP = `name: one tap
steps:
  - sale: { amount: 5.00, card: visa-contactless, by: tap }
    expect: { outcome: APPROVED_OFFLINE }
`;

/** Whole processes, in turn: the version, and a first durable tap, against an empty Node. */
export function coldStartFigures({ smoke }: BenchOptions): readonly Figure[] {
  const folder = mkdtempSync(join(tmpdir(), 'possum-bench-'));
  try {
    const scenario = join(folder, 'tap.yaml');
    writeFileSync(scenario, ONE_TAP);
    const possum = fixturePath('..', 'dist', 'possum.cjs');
    const version: number[] = [];
    const tap: number[] = [];
    for (let round = 0; round < (smoke ? 2 : 15); round++) {
      const empty = elapsed(['-e', '0']);
      version.push(elapsed([possum, '--version']) / empty);
      tap.push(elapsed([possum, 'run', scenario]) / empty);
    }
    return [
      atMost('cold start: possum --version', 'node -e 0', median(version), 1.3),
      atMost('cold start: first durable scripted tap', 'node -e 0', median(tap), 2),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function elapsed(parameters: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, parameters, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`node ${parameters.join(' ')} ended with ${status}: ${stderr}`);
  return performance.now() - start;
}
