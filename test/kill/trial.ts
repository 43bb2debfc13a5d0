import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createHost, type RunningHost } from '../../src/app.ts';
import { loadHost } from '../../src/host/config.ts';
import { viewJournal } from '../../src/journal/journal.ts';
import { realClock } from '../../src/platform/clock.ts';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { brokenBooks, brokenPromises } from '../support/invariants.ts';
import { LOST_ANSWER_MINOR } from './day.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const CHILD_LIMIT_MS = 30_000;

export interface ChildRun {
  readonly killed: boolean;
  readonly points: number;
  readonly lines: readonly string[];
}

/** Runs the terminal until it ends or kills itself. */
export function runChild(
  child: string,
  folder: string,
  address: string,
  killAt: number,
  seed: number,
): Promise<ChildRun> {
  return new Promise((resolveRun, reject) => {
    const started: ChildProcess = spawn(
      process.execPath,
      [child, folder, address, String(killAt), String(seed)],
      {
        cwd: ROOT,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    let errors = '';
    const limit = setTimeout(() => started.kill('SIGKILL'), CHILD_LIMIT_MS);
    started.stdout?.on('data', (chunk) => {
      output += String(chunk);
    });
    started.stderr?.on('data', (chunk) => {
      errors += String(chunk);
    });
    started.once('close', (code, signal) => {
      clearTimeout(limit);
      if (signal === null && code !== 0) {
        reject(new Error(`the terminal ended with ${code}: ${errors}`));
        return;
      }
      const lines = output.split('\n').filter((line) => line !== '');
      const points = Number(/^points (\d+)$/.exec(lines.at(-1) ?? '')?.[1] ?? 0);
      resolveRun({ killed: signal !== null, points, lines });
    });
  });
}

/** One trial's host, which lives on while the terminal dies. */
export async function trialHost(seed: number): Promise<RunningHost> {
  const host = await createHost({
    config: loadHost(fixturePath('hosts', 'demo.yaml')),
    clock: realClock(),
    random: seededRandom(`kill/host/${seed}`),
    listen: '127.0.0.1:0',
  });
  host.host.setAnswer({ when: { amountMinor: LOST_ANSWER_MINOR, mti: '0200' }, silence: true, times: 1 });
  return host;
}

/**
 * Kills a terminal at its `killAt`-th power point in the middle of a day, and at point `secondKill` of its
 * recovery when that is given; then lets it recover and settle.
 * @returns what is wrong afterwards, nothing when the money is right
 */
export async function killTrial(
  child: string,
  seed: number,
  killAt: number,
  secondKill = 0,
): Promise<{ readonly killed: boolean; readonly wrong: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'possum-kill-'));
  const host = await trialHost(seed);
  try {
    const runs = [await runChild(child, folder, host.address, killAt, seed)];
    if (secondKill > 0) runs.push(await runChild(child, folder, host.address, secondKill, seed + 1));
    runs.push(await runChild(child, folder, host.address, 0, seed + 2));
    const view = await viewJournal(folder);
    try {
      const told = runs.flatMap(({ lines }) => lines);
      return {
        killed: runs[0]?.killed === true,
        wrong: [...brokenBooks(view, host), ...brokenPromises(view, told)],
      };
    } finally {
      view.close();
    }
  } finally {
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
