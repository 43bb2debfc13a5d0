import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type HostStore, openHostStore } from '../../src/host/index.ts';
import { toHex } from '../../src/platform/bytes.ts';
import { amount, chipSale, PAN, STRIPE_PAN, totals, World } from './world.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'possum-host-'));
  folders.push(folder);
  return folder;
}

/** Runs `work` on a world whose host is kept in `folder`, and closes the file. */
async function withStore<T>(
  folder: string,
  work: (world: World, store: HostStore) => Promise<T>,
): Promise<T> {
  const store = await openHostStore(join(folder, 'host.db'));
  try {
    return await work(new World({}, store), store);
  } finally {
    store.close();
  }
}

describe('a host that is kept in a file', () => {
  it('knows after a restart what it has promised', async () => {
    const folder = newFolder();
    const keys = 'FFFF9876543210E00000';
    const first = await withStore(folder, async (world) => {
      const terminal = world.terminal('10000001', keys);
      const sale = terminal.sale(1_000);
      const answer = await terminal.exchangeRaw(sale.bytes);
      const reversed = terminal.sale(2_000);
      expect(await terminal.code(reversed)).toBe('00');
      expect(await terminal.code(terminal.reversal(reversed))).toBe('00');
      const poisoned = terminal.sale(500);
      expect(await terminal.code(terminal.reversal(poisoned))).toBe('25');
      expect(await terminal.code(chipSale(terminal, { atc: 7, amountMinor: 300, pin: '9999' }))).toBe('55');
      return { sale, answer, poisoned, ksn: terminal.ksn, ledger: world.host.ledger() };
    });
    await withStore(folder, async (world) => {
      expect(world.host.ledger()).toEqual(first.ledger);
      expect(world.host.transactions().map(({ state }) => state)).toEqual([
        'approved',
        'reversed',
        'declined',
      ]);
      const terminal = world.terminal('10000001', keys);
      terminal.ksn = first.ksn;
      const again = await terminal.exchangeRaw(first.sale.bytes);
      expect(toHex(again as Uint8Array)).toBe(toHex(first.answer as Uint8Array));
      expect(await terminal.code(first.poisoned)).toBe('12');
      expect(
        await terminal.code(chipSale(terminal, { atc: 6, amountMinor: 300, pin: '1234' }, { 11: '000080' })),
      ).toBe('59');
      const wrong = { amountMinor: 300, pin: '9999' };
      expect(await terminal.code(chipSale(terminal, { ...wrong, atc: 8 }, { 11: '000081' }))).toBe('55');
      expect(await terminal.code(chipSale(terminal, { ...wrong, atc: 9 }, { 11: '000082' }))).toBe('75');
      expect(await terminal.settle(totals([1, 1_000]))).toBe('00');
    });
    await withStore(folder, async (world) => {
      const terminal = world.terminal('10000001', keys);
      expect(await terminal.settle(totals([1, 1_000]))).toBe('00');
      expect(world.host.batches()).toMatchObject([{ state: 'closed', number: '000001' }, { state: 'open' }]);
      expect(Object.values(world.host.ledger().balances).reduce((sum, balance) => sum + balance, 0)).toBe(0);
    });
  });

  it('goes on with an upload, a void and a hold', async () => {
    const folder = newFolder();
    const rrn = await withStore(folder, async (world) => {
      const terminal = world.terminal();
      const answer = await terminal.answer(terminal.sale(1_000));
      const hold = { 2: STRIPE_PAN, 3: '300000', 4: amount(700), 25: '06' };
      expect(await terminal.code(terminal.build('0100', hold))).toBe('00');
      expect(await terminal.settle(totals([9, 9]))).toBe('95');
      return answer?.fields[37] as string;
    });
    await withStore(folder, async (world) => {
      const terminal = world.terminal('10000001', 'FFFF9876543210E00010');
      expect(world.host.batches()).toMatchObject([{ state: 'uploading' }]);
      const voided = { 2: STRIPE_PAN, 3: '020000', 4: amount(1_000), 11: '000050', 37: rrn, 62: '000001' };
      expect(await terminal.code(terminal.build('0200', voided))).toBe('00');
      const approvalCode = world.host.transactions()[1]?.approvalCode as string;
      const completion = { 2: STRIPE_PAN, 4: amount(650), 11: '000051', 25: '06', 38: approvalCode };
      expect(await terminal.code(terminal.build('0200', completion))).toBe('00');
      expect(await terminal.settle(totals([1, 650]))).toBe('00');
    });
  });

  it('writes no card number and no track to disk', async () => {
    const folder = newFolder();
    await withStore(folder, async (world) => {
      const terminal = world.terminal();
      await terminal.code(terminal.sale(100));
      await terminal.code(chipSale(terminal, { atc: 1, amountMinor: 100, pin: '1234' }));
      await terminal.settle(totals([9, 9]));
      await terminal.exchange(
        terminal.plain('0320', { 2: STRIPE_PAN, 3: '000000', 4: amount(100), 60: '0200000001112112000001' }),
      );
      for (const file of readdirSync(folder)) {
        const content = readFileSync(join(folder, file), 'latin1');
        for (const secret of [PAN, STRIPE_PAN, '2912201123456789']) expect(content).not.toContain(secret);
      }
    });
  });
});
