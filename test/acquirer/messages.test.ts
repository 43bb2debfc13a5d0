import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { Pan } from '../../src/platform/secret.ts';
import { type Received, silence } from './foreign-host.ts';
import { CARD, LineWorld, PAN } from './world.ts';

const CHIP = fromHex('9F260811223344556677889F270180');

/** Every field of a message as text, key and MAC apart. */
function content({ message }: Received): Record<number, string> {
  const out: Record<number, string> = {};
  message.fields.forEach((value, field) => {
    if (value === undefined || field === 52 || field === 53 || field === 64) return;
    out[field] = typeof value === 'string' ? value : toHex(value);
  });
  return out;
}

const ALWAYS = { 24: '003', 25: '00', 41: '10000001', 42: '898310048160001', 49: '978' };

describe('a request', () => {
  it('of a swiped sale carries the track and no PAN', async () => {
    const world = await LineWorld.start();
    await world.sale({ amountMinor: 12_345 });
    const [sale] = world.host.received as [Received];
    expect(sale.message.mti).toBe('0200');
    expect(content(sale)).toEqual({
      ...ALWAYS,
      3: '000000',
      4: '000000012345',
      11: '000001',
      14: '2912',
      22: '021',
      35: `${PAN}=29122010000012300000`,
      62: '000001',
    });
    expect(sale.fields).not.toContain(52);
    expect([sale.ksn, sale.macIsGood]).toEqual(['FFFF9876543210E00001', true]);
  });

  it('of a chip sale with online PIN adds sequence number, chip data and PIN block under one KSN', async () => {
    const world = await LineWorld.start();
    await world.enterPin();
    const card = { ...CARD, sequenceNumber: '001', chip: CHIP };
    await world.sale({ entryMode: '051', card });
    const [sale] = world.host.received as [Received];
    expect(content(sale)).toMatchObject({ 22: '051', 23: '001', 55: toHex(CHIP) });
    expect(sale.pinBlock).toBe('04126C7FFFFFFFFE');
    expect(sale.macIsGood).toBe(true);
  });

  it('without a track names the PAN', async () => {
    const world = await LineWorld.start();
    await world.authorise({ entryMode: '012', track2: undefined });
    expect(content(world.host.received[0] as Received)).toMatchObject({ 2: PAN });
    expect(world.host.received[0]?.fields).not.toContain(35);
  });

  it('of a refund has its own processing code', async () => {
    const world = await LineWorld.start();
    await world.authorise({}, 'refund');
    expect(content(world.host.received[0] as Received)).toMatchObject({ 3: '200000', 4: '000000001000' });
  });

  it.each([
    ['voidSale', '020000'],
    ['voidRefund', '220000'],
  ] as const)(
    'of a %s has a new STAN, the invoice, amount and reference of the original',
    async (kind, code) => {
      const world = await LineWorld.start();
      const id = await world.sale({ amountMinor: 777 });
      const original = world.journal.transactions.find(id as number);
      world.end(
        await world.authorise(
          {
            kind,
            amountMinor: 777,
            invoice: 1,
            originalRrn: original?.rrn ?? '',
            track2: undefined as never,
          },
          'void',
          id,
        ),
      );
      const request = world.host.received[1] as Received;
      expect(request.message.mti).toBe('0200');
      expect(content(request)).toEqual({
        ...ALWAYS,
        2: PAN,
        3: code,
        4: '000000000777',
        11: '000002',
        14: '2912',
        22: '021',
        37: 'RRN000000001',
        62: '000001',
      });
    },
  );
});

describe('what follows a request', () => {
  it('the reversal repeats it without track, PIN and chip data, under a KSN of its own', async () => {
    const world = await LineWorld.start();
    await world.enterPin();
    world.host.react(silence);
    const card = { ...CARD, sequenceNumber: '001', chip: CHIP };
    await world.sale({ entryMode: '051', card });
    await world.drain();
    const [sale, reversal] = world.host.received as [Received, Received];
    expect(reversal.message.mti).toBe('0400');
    expect(content(reversal)).toEqual({
      ...ALWAYS,
      2: PAN,
      3: '000000',
      4: '000000001000',
      11: '000001',
      14: '2912',
      22: '051',
      23: '001',
      62: '000001',
    });
    expect(reversal.pinBlock).toBeUndefined();
    expect([reversal.macIsGood, reversal.ksn > sale.ksn]).toEqual([true, true]);
  });

  it('the advice of an offline sale says when it was approved, and takes no PIN that waits for another', async () => {
    const world = await LineWorld.start();
    world.offlineSale(850, { ...CARD, chip: CHIP });
    await world.clock.advance(3_600_000);
    await world.enterPin();
    await world.sale({ entryMode: '051' });
    const [advice, sale] = world.host.received as [Received, Received];
    expect(advice.message.mti).toBe('0220');
    expect(content(advice)).toEqual({
      ...ALWAYS,
      2: PAN,
      3: '000000',
      4: '000000000850',
      11: '000001',
      12: '121500',
      13: '1121',
      14: '2912',
      22: '072',
      38: 'Y10001',
      55: toHex(CHIP),
      62: '000001',
    });
    expect([advice.pinBlock, advice.macIsGood]).toEqual([undefined, true]);
    expect([sale.message.mti, sale.pinBlock]).toEqual(['0200', '04126C7FFFFFFFFE']);
    expect(sale.ksn).not.toBe(advice.ksn);
  });

  it('data of a card that fit no message leave neither row nor connection to the host behind', async () => {
    const world = await LineWorld.start();
    const result = await world.authorise({ card: { pan: new Pan(PAN), expiry: 'FFFF' } });
    expect(result).toEqual({ kind: 'not-sent', reason: 'card-data' });
    expect([world.host.received, world.journal.transactions.list()]).toEqual([[], []]);
  });
});
