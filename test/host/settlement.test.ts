import { describe, expect, it } from 'vitest';
import { amount, type Fields, STRIPE_PAN, type TestTerminal, totals, World } from './world.ts';

interface Stored {
  readonly stan: string;
  readonly invoice: string;
  readonly rrn: string;
  readonly minor: number;
}

async function sell(terminal: TestTerminal, minor: number): Promise<Stored> {
  const sent = terminal.sale(minor);
  const answer = await terminal.answer(sent);
  expect(answer?.fields[39]).toBe('00');
  const { 11: stan, 62: invoice } = sent.request.fields;
  return { stan: stan as string, invoice: invoice as string, rrn: answer?.fields[37] as string, minor };
}

async function upload(terminal: TestTerminal, record: Stored, more: boolean, change: Fields = {}) {
  const bytes = terminal.plain('0320', {
    2: STRIPE_PAN,
    3: more ? '000001' : '000000',
    4: amount(record.minor),
    12: '120000',
    13: '1121',
    14: '2912',
    22: '021',
    25: '00',
    37: record.rrn,
    38: '654321',
    39: '00',
    60: `0200${record.stan}${record.rrn}`,
    62: record.invoice,
    ...change,
  });
  return terminal.exchange(bytes);
}

describe('settlement', () => {
  it('that balances closes the batch and moves the money to clearing', async () => {
    const world = new World();
    const terminal = world.terminal();
    await sell(terminal, 1_000);
    await sell(terminal, 2_050);
    expect(await terminal.code(terminal.sale(50, { 3: '200000' }))).toBe('00');
    expect(await terminal.settle(totals([2, 3_050], [1, 50]))).toBe('00');
    expect(world.host.batches()).toMatchObject([
      {
        state: 'closed',
        number: '000001',
        totals: { sales: { count: 2, amountMinor: 3_050 }, refunds: { count: 1, amountMinor: 50 } },
      },
    ]);
    const { balances } = world.host.ledger();
    expect(balances).toMatchObject({ 'merchant/10000001': 0, clearing: -3_000 });
    expect(Object.values(balances).reduce((sum, balance) => sum + balance, 0)).toBe(0);
  });

  it('asked again after it was closed is answered the same', async () => {
    const world = new World();
    const terminal = world.terminal();
    await sell(terminal, 1_000);
    expect(await terminal.settle(totals([1, 1_000]))).toBe('00');
    expect(await terminal.settle(totals([1, 1_000]))).toBe('00');
    expect(await terminal.settle(totals([1, 1_001]))).toBe('95');
    expect(world.host.batches().filter(({ state }) => state === 'closed')).toHaveLength(1);
    await sell(terminal, 500);
    expect(await terminal.settle(totals([1, 500]), '000002')).toBe('00');
  });

  it('of an empty batch balances with zeros only', async () => {
    const world = new World();
    const terminal = world.terminal();
    expect(await terminal.settle(totals([1, 1]))).toBe('95');
    expect(await terminal.settle(totals([0, 0]))).toBe('00');
  });

  it.each([
    ['another count', totals([2, 1_000])],
    ['another amount', totals([1, 1_001])],
    ['a refund that was none', totals([1, 1_000], [1, 0])],
    ['nothing', totals([0, 0])],
  ])('with %s is not balanced', async (_, stated) => {
    const world = new World();
    const terminal = world.terminal();
    await sell(terminal, 1_000);
    expect(await terminal.settle(stated)).toBe('95');
    expect(world.host.batches()).toMatchObject([{ state: 'uploading' }]);
  });

  it('keeps terminals apart', async () => {
    const world = new World();
    const [first, second] = [world.terminal(), world.terminal('10000002', 'FFFF9876543211000000')];
    await sell(first, 1_000);
    await sell(second, 300);
    expect(await first.settle(totals([1, 1_000]))).toBe('00');
    expect(await second.settle(totals([1, 300]))).toBe('00');
  });

  it('without a readable batch number or totals is a format error', async () => {
    const world = new World();
    const terminal = world.terminal();
    for (const fields of [{ 60: '1', 63: totals([0, 0]) }, { 60: '000001', 63: '000' }, { 60: '000001' }]) {
      const answer = await terminal.exchange(terminal.plain('0500', { 3: '920000', ...fields }));
      expect(answer?.fields[39]).toBe('30');
    }
  });
});

describe('the upload', () => {
  it('after a refusal that was none closes the batch with the trailer', async () => {
    const world = new World();
    const terminal = world.terminal();
    const records = [await sell(terminal, 1_000), await sell(terminal, 2_000), await sell(terminal, 3_000)];
    world.setAnswer({ when: { mti: '0500' }, code: '95' });
    const stated = totals([3, 6_000]);
    expect(await terminal.settle(stated)).toBe('95');
    for (const [i, record] of records.entries()) {
      const answer = await upload(terminal, record, i < 2);
      expect(answer?.mti).toBe('0330');
      expect([answer?.fields[39], answer?.fields[3]]).toEqual(['00', i < 2 ? '000001' : '000000']);
    }
    expect(await terminal.settle(stated, '000001', '960000')).toBe('00');
    expect(world.host.batches()).toMatchObject([{ state: 'closed', uploaded: 3, differences: [] }]);
    // The answer was lost: the trailer comes again.
    expect(await terminal.settle(stated, '000001', '960000')).toBe('00');
  });

  it('takes a record again, and refuses another one for the same trace', async () => {
    const world = new World();
    const terminal = world.terminal();
    const record = await sell(terminal, 1_000);
    expect(await terminal.settle(totals([1, 1]))).toBe('95');
    expect((await upload(terminal, record, false))?.fields[39]).toBe('00');
    expect((await upload(terminal, record, false))?.fields[39]).toBe('00');
    expect((await upload(terminal, { ...record, minor: 1 }, false))?.fields[39]).toBe('94');
    expect(await terminal.settle(totals([1, 1_000]), '000001', '960000')).toBe('00');
  });

  it('that still differs leaves the batch open and says where', async () => {
    const world = new World();
    const terminal = world.terminal();
    const [first, second] = [await sell(terminal, 1_000), await sell(terminal, 2_000)];
    const stated = totals([2, 5_500]);
    expect(await terminal.settle(stated)).toBe('95');
    await upload(terminal, { ...first, minor: 1_500 }, true);
    await upload(terminal, { ...first, stan: '000099', minor: 4_000 }, false);
    expect(await terminal.settle(stated, '000001', '960000')).toBe('95');
    expect(world.host.batches()).toMatchObject([
      {
        state: 'uploading',
        differences: [
          { kind: 'amount-differs', stan: first.stan, hostAmountMinor: 1_000, terminalAmountMinor: 1_500 },
          { kind: 'missing-at-terminal', stan: second.stan },
          { kind: 'missing-at-host', stan: '000099' },
        ],
      },
    ]);
    expect(world.host.ledger().balances.clearing).toBeUndefined();
    // The next try begins with a request and every record.
    const right = totals([2, 3_000]);
    world.setAnswer({ when: { mti: '0500' }, code: '95' });
    expect(await terminal.settle(right)).toBe('95');
    expect(await terminal.settle(right, '000001', '960000')).toBe('95');
    await upload(terminal, first, true);
    await upload(terminal, second, false);
    expect(await terminal.settle(right, '000001', '960000')).toBe('00');
  });

  it('that nobody asked for is refused, and so is a trailer', async () => {
    const world = new World();
    const terminal = world.terminal();
    const record = await sell(terminal, 1_000);
    expect((await upload(terminal, record, false))?.fields[39]).toBe('12');
    expect(await terminal.settle(totals([1, 1_000]), '000001', '960000')).toBe('12');
    expect(await terminal.settle(totals([1, 1]))).toBe('95');
    expect((await upload(terminal, record, false, { 60: '0200' }))?.fields[39]).toBe('30');
  });
});
