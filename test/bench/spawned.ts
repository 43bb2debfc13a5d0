import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { median, smoke } from './harness.ts';

export const root = fixturePath('..');
export const possum = join(root, 'dist', 'possum.cjs');

export interface Run {
  /** From the start of the process to its end. */
  readonly ms: number;
  readonly output: string;
}

/** Runs Node and waits for its end. @throws Error when it fails */
export function runNode(parameters: readonly string[]): Run {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, parameters, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const ms = performance.now() - start;
  if (status !== 0) throw new Error(`node ${parameters.join(' ')} ended with ${status}: ${stderr}`);
  return { ms, output: stdout };
}

/** Starts the commands in turn. @returns milliseconds of each, round by round */
export function startInTurn(commands: readonly (readonly string[])[], rounds: number): readonly number[][] {
  const times = commands.map((): number[] => []);
  for (let round = -1; round < (smoke ? 1 : rounds); round++) {
    for (const [index, command] of commands.entries()) {
      const { ms } = runNode(command);
      // The round before the first fills the caches of the operating system.
      if (round >= 0) times[index]?.push(ms);
    }
  }
  return times;
}

export function milliseconds(times: readonly number[]): string {
  return `${median(times).toFixed(0)} ms`;
}
