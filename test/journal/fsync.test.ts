import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';

const POSSUM = resolve(import.meta.dirname, '../../dist/possum.cjs');
const hasStrace = spawnSync('strace', ['-V']).status === 0;
if (!hasStrace) process.stderr.write('fsync.test.ts: strace is not installed, fsyncs are not counted\n');

/** Calls that reach the disk while a terminal makes so many offline sales, one commit each. */
function fsyncs(sales: number): number {
  const folder = temporaryFolder();
  const scenario = join(folder, 'taps.yaml');
  const log = join(folder, 'calls');
  const sale = '  - sale: { amount: 8.50, card: visa-contactless, by: tap }\n';
  writeFileSync(scenario, `name: taps\nsteps:\n${sale.repeat(sales)}`);
  const traced = ['-f', '-e', 'trace=fsync,fdatasync', '-o', log, process.execPath, POSSUM, 'run', scenario];
  expect(spawnSync('strace', traced).status).toBe(0);
  return readFileSync(log, 'utf8').match(/f(data)?sync\(/g)?.length ?? 0;
}

describe('a commit', () => {
  it.runIf(hasStrace)('reaches the disk once', () => {
    expect(fsyncs(5) - fsyncs(1)).toBe(4);
  });
});
