import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { possum } from './in-process.ts';

const TAP = ['--card', 'visa-contactless', '--by', 'tap'] as const;
const CHIP = ['--card', 'visa-credit', '--pin', '1234'] as const;
const NO_HOST = ['--host', '127.0.0.1:1'] as const;

describe('a day from the command line', () => {
  it('sells, refunds, voids, lists, settles and prints again', async () => {
    const data = ['--data', temporaryFolder()];

    const sale = await possum('sale', ...CHIP, '--amount', '12.00', ...data);
    expect(sale).toMatchObject({ code: 0, stderr: 'APPROVED_ONLINE: approved by the issuer (00)\n' });
    for (const line of ['CUSTOMER COPY', 'MERCHANT COPY', 'PIN VERIFIED', 'TEST - NOT A PAYMENT'])
      expect(sale.stdout).toContain(line);

    const offline = await possum('sale', ...TAP, '--amount', '5.00', ...data, ...NO_HOST, '--json');
    expect(JSON.parse(offline.stdout)).toMatchObject({
      outcome: 'APPROVED_OFFLINE',
      transaction: {
        invoice: 2,
        online: false,
        state: 'APPROVED',
        amountMinor: 500,
        card: '476173******0119',
      },
    });

    const refund = await possum('refund', ...CHIP, '--amount', '2.00', ...data, '--json');
    expect(JSON.parse(refund.stdout)).toMatchObject({
      outcome: 'APPROVED_ONLINE',
      reason: 'approved by the issuer (00)',
      transaction: { invoice: 3, kind: 'refund', responseCode: '00' },
    });

    const declined = await possum('sale', ...CHIP, '--amount', '15000.00', ...data);
    expect(declined).toMatchObject({ code: 1, stderr: 'DECLINED_ONLINE: the issuer declined (51)\n' });
    expect(declined.stdout).toContain('DECLINED 51');

    const taken = await possum('void', '1', ...data);
    expect(taken).toMatchObject({ code: 0, stderr: 'APPROVED_ONLINE: the host answered 00\n' });
    const again = await possum('void', '1', ...data, '--json');
    expect(again.code).toBe(1);
    expect(JSON.parse(again.stdout)).toEqual({
      outcome: 'REFUSED',
      reason: 'it is voided already',
      transaction: null,
    });

    const list = await possum('txn', 'list', ...data);
    const rows = list.stdout.trimEnd().split('\n');
    expect(rows[0]).toMatch(/^Invoice +STAN +Time +Kind +Card +Amount +State +Code$/);
    expect(rows.slice(1).map((row) => row.split(/ {2,}/).slice(-3).join(' '))).toEqual([
      '12.00 VOIDED 00',
      '5.00 APPROVED Y1',
      '2.00 APPROVED 00',
      '15000.00 DECLINED 51',
      '12.00 APPROVED 00',
    ]);
    const approved = await possum('txn', 'list', '--state', 'approved', '--batch', '1', '--json', ...data);
    expect((JSON.parse(approved.stdout) as { kind: string }[]).map(({ kind }) => kind)).toEqual([
      'sale',
      'refund',
      'void',
    ]);
    const shown = await possum('txn', 'show', '2', ...data);
    expect(shown.stdout).toMatch(/^Invoice {5}2\nSTAN {8}\d+\nKind {8}sale, offline\n/);
    const shownJson = await possum('txn', 'show', '2', '--json', ...data);
    expect(JSON.parse(shownJson.stdout)).toMatchObject({ invoice: 2, detail: { interface: 'contactless' } });

    const open = await possum('batch', '--json', ...data);
    expect(JSON.parse(open.stdout)).toMatchObject([
      { number: 1, state: 'OPEN', salesCount: 1, salesMinor: 500, refundsCount: 1, refundsMinor: 200 },
    ]);
    const early = await possum('receipt', '--settlement', ...data);
    expect(early).toMatchObject({ code: 2, stderr: expect.stringContaining('no batch is settled yet') });

    const settled = await possum('settle', ...data);
    expect(settled.code).toBe(0);
    expect(settled.stdout).toMatch(/Net USD +3\.00\n/);
    expect(settled.stdout).toContain('HOST: BALANCED');
    const empty = await possum('settle', '--json', ...data);
    expect([empty.code, JSON.parse(empty.stdout)]).toEqual([0, { kind: 'empty' }]);
    const late = await possum('void', '2', ...data);
    expect(late).toMatchObject({ code: 1, stderr: 'REFUSED: its batch is settled; give a refund\n' });

    const batches = await possum('batch', ...data);
    expect(batches.stdout).toMatch(/\n +1 +CLOSED .* 5\.00 .* 2\.00 +0\n +2 +OPEN /);
    const reprint = await possum('receipt', '1', ...data);
    for (const line of ['DUPLICATE', 'APPROVED, LATER VOIDED', 'CUSTOMER COPY'])
      expect(reprint.stdout).toContain(line);
    const merchant = await possum('receipt', '2', '--merchant', '--json', ...data);
    const { lines } = JSON.parse(merchant.stdout) as { lines: string[] };
    expect(lines.map((line) => line.trim())).toEqual(
      expect.arrayContaining(['DUPLICATE', 'APPROVED OFFLINE', 'MERCHANT COPY', 'TEST - NOT A PAYMENT']),
    );
    const slip = await possum('receipt', '1', '--settlement', ...data);
    expect(slip.stdout).toMatch(/DUPLICATE\n +SETTLEMENT\n/);
  });

  it('says that the host cannot be reached, with exit code 3', async () => {
    const data = ['--data', temporaryFolder(), ...NO_HOST];
    const says = 'The host could not be reached.';
    const sale = await possum('sale', ...CHIP, '--amount', '60.00', ...data);
    expect(sale).toMatchObject({ code: 3, stderr: expect.stringContaining(says) });
    expect(sale.stdout).toContain('DECLINED');
    const refund = await possum('refund', ...CHIP, '--amount', '1.00', ...data);
    expect(refund).toMatchObject({ code: 3, stderr: expect.stringContaining(says) });
    expect((await possum('sale', ...TAP, '--amount', '5.00', ...data)).code).toBe(0);
    const voided = await possum('void', '1', ...data);
    expect(voided).toMatchObject({ code: 3, stderr: expect.stringContaining(says) });
    const settle = await possum('settle', ...data);
    expect(settle.code).toBe(3);
    expect(settle.stdout).toBe(
      'Settlement failed: the host could not be reached. The batch stays open; settle again.\n',
    );
  });

  it('passes the PIN over when there is none, and says so', async () => {
    const sale = await possum(
      'sale',
      '--card',
      'visa-credit',
      '--amount',
      '60.00',
      '--data',
      temporaryFolder(),
    );
    expect(sale.stderr).toContain('The terminal asked for a PIN; --pin gives one.');
  });

  it('types a wrong PIN until the host has had enough', async () => {
    const wrong = [
      '--card',
      'visa-credit',
      '--pin',
      '9999',
      '--amount',
      '60.00',
      '--data',
      temporaryFolder(),
    ];
    const sale = await possum('sale', ...wrong);
    expect(sale).toMatchObject({ code: 1, stderr: 'DECLINED_ONLINE: the issuer declined (75)\n' });
  });

  it('gives up at once when the terminal wants something that a hand with one card cannot do', async () => {
    const data = ['--data', temporaryFolder()];
    const swiped = await possum('sale', '--card', 'chip-stripe', '--amount', '5.00', ...data);
    expect(swiped.code).toBe(1);
    expect(swiped.stderr).toContain('The terminal shows "Please insert card".');
    const inserted = await possum(
      'sale',
      '--card',
      'visa-contactless',
      '--by',
      'insert',
      '--amount',
      '5.00',
      ...data,
    );
    expect(inserted.stderr).toContain('The terminal shows "Insert or swipe card".');
  });

  it.each([
    [['sale', ...CHIP, '--amount', 'ten'], '"ten" is not an amount'],
    [
      ['sale', '--card', 'visa-credt', '--amount', '1.00'],
      'there is no card "visa-credt". Did you mean "visa-credit"?',
    ],
    [['sale', ...CHIP, '--amount', '1.00', '--by', 'throw'], 'Allowed choices are insert, tap, swipe'],
    [
      ['sale', ...CHIP, '--amount', '1.00', '--by', 'tap'],
      'visa-credit is not contactless. Use --by insert.',
    ],
    [['sale', '--card', 'visa-credit', '--pin', '12', '--amount', '1.00'], '--pin is not 4 to 12 digits'],
    [['sale', '--amount', '1.00'], "required option '--card <card>' not specified"],
    [
      ['sale', ...CHIP, '--amount', '1.00', '--host', 'nowhere'],
      'nowhere: is no address of the form HOST:PORT',
    ],
    [
      ['sale', ...CHIP, '--amount', '1.00', '--host', '192.0.2.1:1'],
      'neither a loopback nor a private address',
    ],
    [['refund', '--card', '/nonexistent.yaml', '--amount', '1.00'], '/nonexistent.yaml: cannot be read'],
    [['void', 'first'], '"first" is no invoice number. See `possum txn list`.'],
    [['void'], "missing required argument 'invoice'"],
    [['void', '1', '2'], 'too many arguments'],
    [['txn', 'show', '1x'], '"1x" is no invoice number'],
    [['txn', 'list', '--state', 'aproved'], 'there is no state "aproved". Did you mean "APPROVED"?'],
    [['txn', 'list', '--batch', '-1'], '"-1" is no batch number'],
    [['receipt', '0x1'], '"0x1" is no invoice number'],
    [['settle', '--terminal', '/nonexistent.yaml'], '/nonexistent.yaml: cannot be read'],
    [['settle', 'now'], 'too many arguments'],
    [['host', '--listen', 'here'], 'here: is no address of the form HOST:PORT'],
    [['host', '--listen', '192.0.2.1:1'], 'neither a loopback nor a private address'],
    [['card', 'show', 'vsa-credit'], 'Did you mean "visa-credit"?'],
    [['card', 'list', '--cards', '/nonexistent'], '/nonexistent: is no folder that can be read'],
  ])('%j exits 2 in a line or two', async ([command, ...argv], says) => {
    const data = ['host', 'card'].includes(command as string) ? [] : ['--data', temporaryFolder()];
    const { code, stdout, stderr } = await possum(command as string, ...argv, ...data);
    expect(stderr).toContain(says);
    expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
    expect([code, stdout]).toEqual([2, '']);
  });

  it.each([['txn', 'list'], ['txn', 'show', '1'], ['batch'], ['receipt']])(
    '%s %s on a folder without a terminal exits 3 and says what to do',
    async (command, ...argv) => {
      const { code, stdout, stderr } = await possum(command as string, ...argv, '--data', temporaryFolder());
      expect(stderr).toContain('no terminal has worked in this folder yet. Run `npm start`');
      expect([code, stdout]).toEqual([3, '']);
    },
  );
});
