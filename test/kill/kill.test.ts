import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundleProgram } from '../support/bundle.ts';
import { killTrial, runChild, trialHost } from './trial.ts';

/** 40 in `npm test`, 200 in `npm run test:kill`. */
const TRIALS = Number(process.env.POSSUM_KILL_TRIALS ?? 40);
const SEED = Number(process.env.POSSUM_KILL_SEED ?? 1);
const LIMIT_MS = 60_000 + TRIALS * 10_000;

/** A fixed sequence that spreads over the day: multiplicative steps by a number without common divisor. */
function pointOf(trial: number, points: number): number {
  return 1 + ((SEED * 7919 + trial * 104_729) % points);
}

describe('a power cut at any point', () => {
  it(
    `leaves every approval once in the batch or reversed (${TRIALS} points)`,
    async () => {
      const child = await bundleProgram(join(import.meta.dirname, 'child.ts'), 'kill-child');
      const points = await countPoints(child);
      const failures: string[] = [];
      let killed = 0;
      for (let trial = 0; trial < TRIALS; trial++) {
        const killAt = pointOf(trial, points);
        const secondKill = trial % 4 === 3 ? 1 + (trial % 23) : 0;
        const result = await killTrial(child, SEED + trial, killAt, secondKill);
        if (result.killed) killed++;
        for (const wrong of result.wrong)
          failures.push(`seed ${SEED + trial}, point ${killAt}, then ${secondKill}: ${wrong}`);
      }
      expect(failures).toEqual([]);
      expect(killed).toBeGreaterThan(TRIALS * 0.9);
    },
    LIMIT_MS,
  );
});

/** Power points of a day that nobody cuts. */
async function countPoints(child: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'possum-kill-'));
  const host = await trialHost(SEED);
  try {
    const run = await runChild(child, folder, host.address, 0, SEED);
    expect(run.points).toBeGreaterThan(200);
    return run.points;
  } finally {
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
