import { describe, expect, it } from 'vitest';
import {
  amount,
  chipData,
  type Fields,
  PAN,
  type Sent,
  STRIPE_PAN,
  type TestTerminal,
  totals,
  World,
} from './world.ts';

async function approved(
  terminal: TestTerminal,
  sent: Sent,
): Promise<{ readonly sent: Sent; readonly rrn: string }> {
  const answer = await terminal.answer(sent);
  expect(answer?.fields[39]).toBe('00');
  return { sent, rrn: answer?.fields[37] as string };
}

function voidOf(
  terminal: TestTerminal,
  { sent, rrn }: { sent: Sent; rrn: string },
  fields: Fields = {},
): Sent {
  const { fields: original } = sent.request;
  const refund = original[3] === '200000';
  return terminal.build('0200', {
    2: STRIPE_PAN,
    3: refund ? '220000' : '020000',
    4: original[4],
    14: '2912',
    37: rrn,
    62: original[62],
    ...fields,
  });
}

describe('a reversal', () => {
  it('takes its sale out, and repeats change nothing', async () => {
    const world = new World();
    const terminal = world.terminal();
    const { sent, rrn } = await approved(terminal, terminal.sale(1_000));
    const reversal = terminal.reversal(sent);
    const answer = await terminal.answer(reversal);
    expect(answer?.mti).toBe('0410');
    expect([answer?.fields[39], answer?.fields[37], answer?.fields[38]]).toEqual(['00', rrn, undefined]);
    expect(await terminal.code(reversal)).toBe('00');
    expect(await terminal.code(terminal.reversal(sent))).toBe('00');
    expect(world.host.transactions()).toMatchObject([{ state: 'reversed' }]);
    expect(world.host.ledger().entries).toHaveLength(2);
    expect(Object.values(world.host.ledger().balances)).toEqual([0, 0]);
    expect(await terminal.settle(totals([0, 0]))).toBe('00');
  });

  it('of a sale that was approved in part names what was asked for', async () => {
    const world = new World();
    const terminal = world.terminal();
    world.setAnswer({ code: '10', fields: { 4: amount(60) } });
    const sale = terminal.sale(100);
    expect((await terminal.answer(sale))?.fields[39]).toBe('10');
    expect(await terminal.code(terminal.reversal(sale))).toBe('00');
    expect(world.host.transactions()).toMatchObject([{ state: 'reversed' }]);
    expect(Object.values(world.host.ledger().balances)).toEqual([0, 0]);
  });

  it('that overtakes its sale keeps it out until the batch closes', async () => {
    const world = new World();
    const terminal = world.terminal();
    const sale = terminal.sale(1_000);
    expect(await terminal.code(terminal.reversal(sale))).toBe('25');
    expect(await terminal.code(sale)).toBe('12');
    expect(await terminal.code(terminal.reversal(sale))).toBe('25');
    expect(world.host.ledger().entries).toEqual([]);
    expect(await terminal.settle(totals([0, 0]))).toBe('00');
    const again = terminal.sale(1_000, { 11: sale.request.fields[11], 62: sale.request.fields[62] });
    expect(await terminal.code(again)).toBe('00');
  });

  it('needs the trace number, the invoice and the amount of its original', async () => {
    const world = new World();
    const terminal = world.terminal();
    const { sent } = await approved(terminal, terminal.sale(1_000));
    for (const change of [{ 4: amount(999) }, { 11: '000099' }, { 62: '000099' }]) {
      expect(await terminal.code(terminal.reversal(sent, change))).toBe('25');
    }
    const other = world.terminal('10000002', 'FFFF9876543211000000');
    expect(await other.code(other.reversal(sent))).toBe('25');
    expect(world.host.transactions()).toMatchObject([{ state: 'approved' }]);
    expect(await terminal.code(terminal.reversal(sent))).toBe('00');
  });

  it('without a good MAC does nothing', async () => {
    const world = new World();
    const terminal = world.terminal();
    const { sent } = await approved(terminal, terminal.sale(1_000));
    const reversal = terminal.reversal(sent).bytes.slice();
    reversal[reversal.length - 1] = (reversal[reversal.length - 1] as number) ^ 1;
    expect((await terminal.exchange(reversal))?.fields[39]).toBe('A0');
    expect(world.host.transactions()).toMatchObject([{ state: 'approved' }]);
  });

  it('may be marked as a repeat', async () => {
    const world = new World();
    const terminal = world.terminal();
    const { sent } = await approved(terminal, terminal.sale(1_000));
    expect(await terminal.code(terminal.reversal(sent))).toBe('00');
    const answer = await terminal.answer(terminal.reversal(sent, {}, '0401'));
    expect([answer?.mti, answer?.fields[39]]).toEqual(['0410', '00']);
    expect(world.host.ledger().entries).toHaveLength(2);
  });

  it('of a declined sale is done', async () => {
    const world = new World();
    const terminal = world.terminal();
    const sale = terminal.sale(1_000, { 2: '4000000000000002' });
    expect(await terminal.code(sale)).toBe('62');
    expect(await terminal.code(terminal.reversal(sale))).toBe('00');
    expect(world.host.ledger().entries).toEqual([]);
  });

  it('of a void brings the sale back, of a refund takes the money again', async () => {
    const world = new World();
    const terminal = world.terminal();
    const sale = await approved(terminal, terminal.sale(1_000));
    const voided = voidOf(terminal, sale);
    expect(await terminal.code(voided)).toBe('00');
    expect(world.host.batches()[0]?.totals.sales.count).toBe(0);
    expect(await terminal.code(terminal.reversal(voided))).toBe('00');
    expect(world.host.batches()[0]?.totals.sales).toEqual({ count: 1, amountMinor: 1_000 });
    const refund = terminal.sale(300, { 3: '200000' });
    expect(await terminal.code(refund)).toBe('00');
    expect(world.host.batches()[0]?.totals.refunds).toEqual({ count: 1, amountMinor: 300 });
    expect(await terminal.code(terminal.reversal(refund))).toBe('00');
    expect(world.host.ledger().balances['merchant/10000001']).toBe(-1_000);
    expect(await terminal.settle(totals([1, 1_000]))).toBe('00');
  });

  it('of an advice is refused', async () => {
    const world = new World();
    const terminal = world.terminal();
    const advice = terminal.build('0220', {
      2: STRIPE_PAN,
      4: amount(500),
      12: '115900',
      13: '1121',
      38: '778899',
    });
    expect(await terminal.code(advice)).toBe('00');
    expect(await terminal.code(terminal.reversal(advice))).toBe('12');
    expect(world.host.transactions()).toMatchObject([{ state: 'approved' }]);
  });
});

describe('a void', () => {
  it('takes its original out of totals and ledger', async () => {
    const world = new World();
    const terminal = world.terminal();
    const sale = await approved(terminal, terminal.sale(1_000));
    const refund = await approved(terminal, terminal.sale(400, { 3: '200000' }));
    expect(await terminal.code(voidOf(terminal, sale))).toBe('00');
    expect(await terminal.code(voidOf(terminal, refund))).toBe('00');
    expect(Object.values(world.host.ledger().balances)).toEqual([0, 0]);
    expect(await terminal.settle(totals([0, 0]))).toBe('00');
  });

  it.each<[string, Fields, string]>([
    ['another amount', { 4: amount(999) }, '64'],
    ['another invoice', { 62: '000099' }, '25'],
    ['another reference number', { 37: '112112999999' }, '25'],
    ['another card', { 2: PAN }, '25'],
    ['the kind of a refund', { 3: '220000' }, '25'],
  ])('is refused with %s', async (_, change, code) => {
    const world = new World();
    const terminal = world.terminal();
    const sale = await approved(terminal, terminal.sale(1_000));
    expect(await terminal.code(voidOf(terminal, sale, change))).toBe(code);
    expect(world.host.batches()[0]?.totals.sales.count).toBe(1);
  });

  it('is done once, and only in the open batch', async () => {
    const world = new World();
    const terminal = world.terminal();
    const sale = await approved(terminal, terminal.sale(1_000));
    expect(await terminal.code(voidOf(terminal, sale))).toBe('00');
    expect(await terminal.code(voidOf(terminal, sale))).toBe('25');
    const late = await approved(terminal, terminal.sale(500));
    expect(await terminal.settle(totals([1, 500]))).toBe('00');
    expect(await terminal.code(voidOf(terminal, late))).toBe('25');
  });
});

describe('other transactions', () => {
  it('cash counts as a sale', async () => {
    const world = new World();
    const terminal = world.terminal();
    expect(await terminal.code(terminal.sale(700, { 3: '010000' }))).toBe('00');
    expect(world.host.batches()[0]?.totals.sales).toEqual({ count: 1, amountMinor: 700 });
  });

  it('a tip replaces the amount of its original', async () => {
    const world = new World();
    const terminal = world.terminal();
    const { sent, rrn } = await approved(terminal, terminal.sale(1_000));
    const tip = terminal.build('0220', {
      2: STRIPE_PAN,
      3: '020000',
      4: amount(1_150),
      37: rrn,
      54: amount(150),
      62: sent.request.fields[62],
    });
    expect(await terminal.code(tip)).toBe('00');
    expect(world.host.batches()[0]?.totals.sales).toEqual({ count: 1, amountMinor: 1_150 });
    expect(world.host.ledger().balances['merchant/10000001']).toBe(-1_150);
  });

  it('a pre-authorisation holds, a completion posts, a cancel releases', async () => {
    const world = new World({});
    const terminal = world.terminal();
    const preAuthorise = async (minor: number) => {
      const fields = { 2: STRIPE_PAN, 3: '300000', 4: amount(minor), 14: '2912', 25: '06' };
      const answer = await terminal.answer(terminal.build('0100', fields));
      expect(answer?.fields[39]).toBe('00');
      return answer?.fields[38] as string;
    };
    const first = await preAuthorise(5_000);
    expect(await terminal.code(terminal.sale(4_200, { 25: '06', 38: first }))).toBe('00');
    expect(await terminal.code(terminal.sale(4_200, { 25: '06', 38: first }))).toBe('25');
    const second = await preAuthorise(6_000);
    const cancel = terminal.build('0100', {
      2: STRIPE_PAN,
      3: '020000',
      4: amount(6_000),
      25: '06',
      38: second,
    });
    expect(await terminal.code(cancel)).toBe('00');
    expect(world.host.batches()[0]?.totals.sales).toEqual({ count: 1, amountMinor: 4_200 });
    const completed = world.host.transactions()[1];
    const voided = {
      2: STRIPE_PAN,
      3: '020000',
      4: amount(4_200),
      37: completed?.rrn,
      62: completed?.invoice,
    };
    expect(await terminal.code(terminal.build('0200', voided))).toBe('00');
    expect(await terminal.settle(totals([0, 0]))).toBe('00');
  });

  it('an offline sale is posted whatever the funds, and a bad proof is flagged', async () => {
    const world = new World();
    const terminal = world.terminal();
    const advice = (fields: Fields) =>
      terminal.build('0220', {
        2: PAN,
        4: amount(200_000),
        12: '115900',
        13: '1121',
        14: '2912',
        22: '071',
        23: '001',
        38: 'Y1    ',
        ...fields,
      });
    const good = advice({ 55: chipData({ atc: 3, amountMinor: 200_000, cid: 0x40 }) });
    expect(await terminal.code(good)).toBe('00');
    expect(await terminal.code(good)).toBe('00');
    const bad = advice({
      55: chipData({ atc: 4, amountMinor: 200_000, cid: 0x40, tamper: { 40742: '00'.repeat(8) } }),
    });
    expect(await terminal.code(bad)).toBe('00');
    expect(world.host.transactions().map(({ flagged }) => flagged !== undefined)).toEqual([false, true]);
    expect(world.host.alarms()).toHaveLength(1);
    expect(world.host.batches()[0]?.totals.sales).toEqual({ count: 2, amountMinor: 400_000 });
  });

  it('a chip upload is checked and answered', async () => {
    const world = new World();
    const terminal = world.terminal();
    const upload = (tamper: Record<number, string>) =>
      terminal.plain('0320', {
        2: PAN,
        3: '940000',
        4: amount(500),
        22: '071',
        25: '00',
        55: chipData({ atc: 3, amountMinor: 500, cid: 0x40, tamper }),
        62: '000001',
      });
    expect((await terminal.exchange(upload({})))?.fields[39]).toBe('00');
    expect(world.host.alarms()).toEqual([]);
    expect((await terminal.exchange(upload({ 40742: '00'.repeat(8) })))?.fields[39]).toBe('00');
    expect(world.host.alarms()).toHaveLength(1);
  });
});
