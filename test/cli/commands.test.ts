import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';

const POSSUM = resolve(import.meta.dirname, '../../dist/possum.cjs');

function possum(...parameters: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [POSSUM, ...parameters], {
    encoding: 'utf8',
    input: '',
  });
  return { status, stdout, stderr };
}

describe('possum', () => {
  it.each([
    { what: 'help', parameters: ['--help'], status: 0, says: 'possum COMMAND' },
    { what: 'a version', parameters: ['--version'], status: 0, says: '0.1.0' },
    {
      what: 'an example in the help of a command',
      parameters: ['emv', '--help'],
      status: 0,
      says: 'Example',
    },
    { what: 'an unknown command', parameters: ['setle'], status: 2, says: 'Did you mean `possum settle`?' },
    { what: 'an unknown option', parameters: ['run', '--nope', 'x'], status: 2, says: '--nope' },
    { what: 'a missing file', parameters: ['run', 'nowhere.yaml'], status: 2, says: 'nowhere.yaml' },
    { what: 'a bit table', parameters: ['decode', 'tvr', '0000048000'], status: 0, says: 'floor limit' },
    { what: 'hex of odd length', parameters: ['decode', 'tlv', '9F2'], status: 2, says: 'odd' },
    {
      what: 'a folder without a terminal',
      parameters: ['txn', 'list', '--data', '/nonexistent'],
      status: 3,
      says: 'no terminal',
    },
  ])('answers $what with exit code $status', ({ parameters, status, says }) => {
    const result = possum(...parameters);
    expect(result.stdout + result.stderr).toContain(says);
    expect(result.status).toBe(status);
  });

  it('prints the document of a transaction, the same for the same seed', () => {
    const run = () =>
      possum(
        'emv',
        '--card',
        'visa-credit',
        '--amount',
        '120.00',
        '--pin',
        '1234',
        '--seed',
        '1',
        '--date',
        '2026-11-21',
        '--time',
        '10:00:00',
        '--json',
      );
    const document = JSON.parse(run().stdout) as { outcome: { code: string }; tvr: string };
    expect(document.outcome.code).toBe('APPROVED_ONLINE');
    expect(document.tvr).toBe('0000048000');
    expect(run().stdout).toBe(run().stdout);
  });

  it('exits 1 when a scenario does not come out as expected', () => {
    const file = join(temporaryFolder(), 'day.yaml');
    writeFileSync(file, 'name: wrong\nsteps:\n  - settle: true\n    expect: { outcome: settled }\n');
    const result = possum('run', file);
    expect(result.stdout).toContain('expected outcome settled, got empty');
    expect(result.status).toBe(1);
  });
});
