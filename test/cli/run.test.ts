import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { possum } from './in-process.ts';

const DAY = fixturePath('scenarios', 'trading-day.yaml');

function scenario(text: string): string {
  const file = join(temporaryFolder(), 'day.yaml');
  writeFileSync(file, text);
  return file;
}

const WRONG = `name: wrong
steps:
  - name: declined
    sale: { amount: 15000.00, card: visa-credit, pin: 1234 }
    expect: { outcome: APPROVED_ONLINE, ledger: 1.00 }
  - name: nothing to settle
    line: up
`;

describe('possum run', () => {
  it('tells each step and the books, and exits 0', async () => {
    const { code, stdout, stderr } = await possum('run', DAY);
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('A trading day, from tap to settlement');
    expect(lines.filter((line) => /^ok {3,4}\d+\/12 {2}\S/.test(line))).toHaveLength(12);
    expect(stdout).toMatch(/\nTerminal {2}USD +192\.70\nSettled {3}USD +192\.70\nLedger {4}USD +192\.70\n/);
    expect(stdout).toContain('\nTerminal and host agree to the cent.\n12 steps passed.\n');
    expect(stdout).not.toContain('TEST - NOT A PAYMENT');
    expect((await possum('run', '--slips', DAY)).stdout).toContain(
      '       |           TEST - NOT A PAYMENT\n',
    );
  });

  it('exits 1 when something is not as expected, says what, and plays on', async () => {
    const { code, stdout } = await possum('run', scenario(WRONG));
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /FAIL 1\/2 {2}declined +DECLINED_ONLINE\n {7}expected outcome APPROVED_ONLINE, got DECLINED_ONLINE \(the issuer declined \(51\)\)\n {7}expected ledger 1\.00, got 0\.00\nok {3}2\/2 /,
    );
    expect(stdout).toContain('\n1 of 2 steps failed.\n');
  });

  it('prints one document for each file as JSON, and nothing else', async () => {
    const { code, stdout, stderr } = await possum('run', '--json', scenario(WRONG), DAY);
    expect([code, stderr]).toEqual([1, '']);
    const [first, second] = stdout.split(/(?<=^\})\n/m).map((text) => JSON.parse(text || 'null'));
    expect(first).toMatchObject({
      name: 'wrong',
      passed: false,
      steps: [
        {
          number: 1,
          name: 'declined',
          action: 'sale',
          outcome: 'DECLINED_ONLINE',
          reason: 'the issuer declined (51)',
          failures: [expect.any(String), 'expected ledger 1.00, got 0.00'],
          slips: [expect.arrayContaining(['              DECLINED 51'])],
        },
        { number: 2, action: 'line', outcome: 'done', failures: [], slips: [] },
      ],
      day: { sales: 0, declined: 1, ledgerMinor: 0 },
    });
    expect(second).toMatchObject({ file: DAY, passed: true, day: { settledMinor: 19_270, exponent: 2 } });
  });

  it('plays nothing when one of the files is wrong', async () => {
    const file = scenario('name: x\nstep: []\n');
    const { code, stdout, stderr } = await possum('run', DAY, file);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toBe(`possum: ${file}:2:1: step: unknown key "step". Did you mean "steps"?\n`);
  });

  it('names file and step of what turns out to be wrong on the way', async () => {
    const file = scenario('name: x\nsteps:\n  - check: true\n  - sale: { amount: 1.005, card: sda }\n');
    const { code, stderr } = await possum('run', file);
    expect(stderr).toBe(`possum: ${file}, step 2: "1.005" is not an amount. Write it as 10.00.\n`);
    expect(code).toBe(2);
  });

  it('keeps the day with --data, and goes on with it', async () => {
    const folder = temporaryFolder();
    expect((await possum('run', '--data', folder, DAY)).code).toBe(0);
    const listed = await possum('txn', 'list', '--data', folder);
    expect(listed.stdout.trimEnd().split('\n')).toHaveLength(9);
    const next = scenario(
      `name: next\nstart: '2026-11-22T09:00:00'\nsteps:
  - { sale: { amount: 60.00, card: visa-credit, pin: 1234 }, expect: { receipt: [Batch 000002], ledger: 252.70 } }\n`,
    );
    expect(await possum('run', '--data', folder, next)).toMatchObject({ code: 0 });
    expect((await possum('run', '--fresh', '--data', folder, DAY)).code).toBe(0);
  });
});
