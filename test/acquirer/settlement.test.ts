import { describe, expect, it } from 'vitest';
import type { NewTransaction } from '../../src/journal/transactions.ts';
import { fromHex } from '../../src/platform/bytes.ts';
import { Pan } from '../../src/platform/secret.ts';
import { WORKED_FRAMES } from '../iso8583/worked-frames.ts';
import { approve, type Exchange, type Reaction, refuse, silence } from './foreign-host.ts';
import { LineWorld } from './world.ts';

const differs: Reaction = refuse('95');
const frameOf = (name: string) => WORKED_FRAMES.find((frame) => frame.name.startsWith(name))?.hex;

interface Row {
  readonly amountMinor: number;
  readonly stan: number;
  readonly rrn?: string;
  readonly kind?: NewTransaction['kind'];
  readonly online?: boolean;
  readonly atMs?: number;
  readonly entryMode?: string;
  readonly approvalCode?: string;
  readonly expiry?: string;
  readonly pan?: string;
}

/** A batch whose transactions the host is said to know; STAN and invoice are equal. */
async function batchOf(rows: readonly Row[], repeats = 3): Promise<LineWorld> {
  const world = await LineWorld.start({ repeats });
  const { journal } = world;
  journal.commit('rows', () => {
    for (const row of rows) {
      const {
        kind = 'sale',
        online = true,
        stan,
        amountMinor,
        rrn = `11211115${String(stan).padStart(4, '0')}`,
      } = row;
      const { id } = journal.transactions.insert(journal.batches.ensureOpen(world.clock.now()).id, {
        kind,
        state: online ? 'PENDING' : 'APPROVED',
        online,
        stan,
        invoice: stan,
        amountMinor,
        currency: '156',
        cardData: { pan: new Pan(row.pan ?? '6225880000000019'), expiry: row.expiry ?? '2912' },
        entryMode: row.entryMode ?? '021',
        atMs: row.atMs ?? world.clock.now(),
        detail: { interface: 'stripe' },
      });
      const approvalCode = row.approvalCode ?? '654321';
      if (online)
        journal.transactions.advance(id, { state: 'APPROVED', responseCode: '00', approvalCode, rrn });
    }
  });
  return world;
}

const THREE: readonly Row[] = [
  { stan: 1, amountMinor: 5000 },
  { stan: 2, amountMinor: 7000 },
  { stan: 3, amountMinor: 3000 },
];

const mtis = (world: LineWorld) =>
  world.host.received.map(({ message }) => `${message.mti}/${message.fields[3]}`);
const stans = (world: LineWorld) => world.host.received.map(({ message }) => message.fields[11]);

describe('a settlement', () => {
  it('sends the worked frames of the reference, byte for byte', async () => {
    const world = await batchOf([
      { stan: 4, amountMinor: 5000 },
      { stan: 5, amountMinor: 7000 },
      { stan: 6, amountMinor: 3000, rrn: '112111150006', atMs: Date.UTC(2026, 10, 21, 11, 15, 0) },
    ]);
    world.journal.commit('stan', () => {
      while (world.journal.counters.current('stan') < 20) world.journal.counters.next('stan');
    });
    world.host.react(differs);
    expect(await world.settle()).toMatchObject({ kind: 'settled' });
    const frames = world.host.received.map(({ frame }) => frame);
    expect(frames[0]).toBe(frameOf('14.12'));
    expect(frames[3]).toBe(frameOf('14.14'));
    expect(frames[4]).toBe(frameOf('14.15'));
    expect(mtis(world)).toEqual(['0500/920000', '0320/000001', '0320/000001', '0320/000000', '0500/960000']);
    expect(stans(world)).toEqual(['000021', '000022', '000023', '000024', '000025']);
  });

  it('that balances at once uploads nothing, closes the batch and forgets the cards', async () => {
    const world = await batchOf(THREE);
    const settled = await world.settle();
    expect(settled).toMatchObject({
      kind: 'settled',
      slip: { batch: 1, uploaded: 0, hostTotals: 'balanced', totals: { salesCount: 3, salesMinor: 15_000 } },
    });
    expect(mtis(world)).toEqual(['0500/920000']);
    expect(world.journal.batches.current()).toMatchObject({ number: 2, state: 'OPEN' });
    expect(() => world.journal.transactions.cardData(1)).toThrow(/erased/);
    expect(await world.settle()).toEqual({ kind: 'empty' });
  });

  it('uploads refunds and offline sales as what they were', async () => {
    const world = await batchOf([
      { stan: 1, amountMinor: 5000 },
      { stan: 2, amountMinor: 400, kind: 'refund' },
      { stan: 3, amountMinor: 850, online: false },
    ]);
    world.host.react(differs);
    await world.settle();
    const [totals, sale, refund, offline] = world.host.received.map(({ message }) => message.fields);
    expect(totals?.[63]).toBe(`002000000005850001000000000400${'0'.repeat(60)}`);
    expect([sale?.[3], sale?.[60]]).toEqual(['000001', '0200000001112111150001']);
    expect([refund?.[3], refund?.[60]]).toEqual(['200001', '0200000002112111150002']);
    expect([offline?.[3], offline?.[60], offline?.[39]]).toEqual([
      '000000',
      `0220000003${' '.repeat(12)}`,
      '00',
    ]);
  });

  it('carries chip data of a chip sale and leaves voided ones out', async () => {
    const world = await LineWorld.start();
    const chip = fromHex('9F2701409F260811223344556677 88'.replace(' ', ''));
    await world.sale({ card: { pan: new Pan('6225880000000019'), expiry: '2912', chip } });
    const voided = (await world.sale()) as number;
    world.end(await world.authorise({ kind: 'voidSale', invoice: 2, track2: undefined }, 'void', voided));
    world.host.react(differs);
    await world.settle();
    const uploads = world.host.of('0320');
    expect(uploads.map(({ message }) => message.fields[62])).toEqual(['000001']);
    expect(uploads[0]?.message.fields[55]).toEqual(chip);
  });
});

describe('a record whose answer is lost', () => {
  it.each([0, 1, 2])('goes again as it was, number %i of three, and nothing is doubled', async (index) => {
    const world = await batchOf(THREE);
    const script: Reaction[] = [differs, approve, approve, approve];
    script.splice(index + 1, 0, silence);
    script[index + 2] = refuse('94');
    world.host.react(...script);
    expect(await world.settle()).toMatchObject({ kind: 'settled', slip: { uploaded: 3 } });
    const frames = world.host.of('0320').map(({ frame }) => frame);
    expect(frames).toHaveLength(4);
    expect(new Set(frames).size).toBe(3);
    expect(frames[index]).toBe(frames[index + 1]);
  });

  it.each([0, 1, 2])(
    'to the last try, number %i of three: the batch stays and the next settlement begins anew',
    async (index) => {
      const world = await batchOf(THREE, 1);
      const script: Reaction[] = [differs, approve, approve, approve];
      script[index + 1] = silence;
      world.host.react(...script.slice(0, index + 2));
      expect(await world.settle()).toEqual({ kind: 'failed', reason: 'no-answer' });
      expect(world.journal.batches.current()).toMatchObject({ number: 1, state: 'MUST_SETTLE', failures: 0 });
      world.host.received.length = 0;
      world.host.react(differs);
      expect(await world.settle()).toMatchObject({ kind: 'settled', slip: { batch: 1, uploaded: 3 } });
      expect(mtis(world)).toEqual([
        '0500/920000',
        '0320/000001',
        '0320/000001',
        '0320/000000',
        '0500/960000',
      ]);
      const all = world.host.received.map(({ message }) => Number(message.fields[11]));
      expect(all).toEqual(all.map((_, i) => (all[0] as number) + i));
    },
  );
});

describe('a settlement that fails', () => {
  it('after the upload still differs: never closed, counted, and tried again', async () => {
    const world = await batchOf(THREE);
    world.host.react(differs, approve, approve, approve, differs);
    expect(await world.settle()).toEqual({ kind: 'failed', reason: 'still-different', code: '95' });
    expect(world.journal.batches.current()).toMatchObject({ number: 1, state: 'MUST_SETTLE', failures: 1 });
    expect(world.journal.transactions.cardData(1).pan.reveal()).toBe('6225880000000019');
  });

  it.each([
    ['the totals are refused', [refuse('77')], { reason: 'refused', code: '77' }],
    ['the answer says nothing', [(e: Exchange) => e.reply({ 39: undefined })], { reason: 'refused' }],
    ['a record is refused', [differs, approve, refuse('30')], { reason: 'upload-refused', code: '30' }],
    [
      'the trailer is refused',
      [differs, approve, approve, approve, refuse('96')],
      { reason: 'refused', code: '96' },
    ],
  ] as const)('%s', async (_, script, failure) => {
    const world = await batchOf(THREE);
    world.host.react(...script);
    expect(await world.settle()).toEqual({ kind: 'failed', ...failure });
    expect(world.journal.batches.current()).toMatchObject({ state: 'MUST_SETTLE', failures: 1 });
  });

  it('for want of a line counts no failure', async () => {
    const world = await batchOf(THREE);
    world.host.refusals = 1;
    expect(await world.settle()).toEqual({ kind: 'failed', reason: 'no-line' });
    expect(world.journal.batches.current()).toMatchObject({ number: 1, failures: 0 });
    expect(await world.settle()).toMatchObject({ kind: 'settled' });
  });

  it('since a reversal cannot be delivered sends no totals', async () => {
    const world = await LineWorld.start({ repeats: 1 });
    world.host.react(silence, silence);
    await world.sale();
    expect(await world.settle()).toEqual({ kind: 'failed', reason: 'outbox' });
    expect(world.host.of('0500')).toEqual([]);
    expect(world.journal.batches.current()?.state).toBe('OPEN');
  });
});

describe('a settlement that is answered', () => {
  it('twice is one settlement', async () => {
    const world = await batchOf(THREE);
    world.host.react(async (exchange) => {
      await exchange.reply({ 39: '95' });
      await exchange.reply({ 39: '95' });
    });
    expect(await world.settle()).toMatchObject({ kind: 'settled', slip: { uploaded: 3 } });
    expect(world.journal.batches.list().map(({ state }) => state)).toEqual(['CLOSED', 'OPEN']);
  });

  it('and then loses power before it is stored asks again, and is one settlement', async () => {
    const world = await batchOf(THREE);
    world.host.react((exchange) => {
      world.journal.close();
      return exchange.reply();
    });
    await expect(world.settle()).rejects.toThrow();
    await world.boot();
    expect(world.journal.batches.current()).toMatchObject({ number: 1, state: 'MUST_SETTLE' });
    expect(await world.settle()).toMatchObject({ kind: 'settled', slip: { batch: 1 } });
    const [first, second] = world.host.of('0500').map(({ message }) => message.fields);
    expect([second?.[60], second?.[63]]).toEqual([first?.[60], first?.[63]]);
    expect(second?.[11]).not.toBe(first?.[11]);
    expect(world.journal.batches.list()).toHaveLength(2);
  });

  it('for another number or terminal is not answered', async () => {
    const world = await batchOf(THREE, 1);
    world.host.react((exchange) => exchange.reply({ 11: '999999' }));
    expect(await world.settle()).toEqual({ kind: 'failed', reason: 'no-answer' });
  });
});
