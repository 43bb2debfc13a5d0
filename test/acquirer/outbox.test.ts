import { describe, expect, it } from 'vitest';
import { approve, type Exchange, refuse, silence } from './foreign-host.ts';
import { LineWorld } from './world.ts';

async function reversalDue(repeats = 1) {
  const world = await LineWorld.start({ repeats });
  world.host.react(silence);
  const id = await world.sale();
  return { world, id };
}

describe('a reversal', () => {
  it('is repeated byte for byte, under the same KSN, for as long as it takes', async () => {
    const { world, id } = await reversalDue();
    for (let day = 0; day < 3; day++) {
      world.host.react(silence);
      expect(await world.drain()).toMatchObject({ kind: 'stuck', noLine: false });
      await world.clock.advance(86_400_000);
    }
    expect([world.state(id), world.due()]).toEqual(['MUST_REVERSE', ['reversal']]);
    await world.drain();
    const frames = world.host.of('0400').map(({ frame }) => frame);
    expect(frames).toHaveLength(4);
    expect(new Set(frames).size).toBe(1);
    expect(world.state(id)).toBe('REVERSED');
  });

  it('is the same after a power cut, and its answer is still checked', async () => {
    const { world, id } = await reversalDue();
    world.host.react(silence);
    await world.drain();
    world.journal.close();
    await world.boot({ repeats: 1 });
    world.host.react((exchange) => exchange.reply({}, { mac: 'wrong' }));
    expect(await world.drain()).toMatchObject({ kind: 'stuck' });
    expect(world.state(id)).toBe('MUST_REVERSE');
    await world.drain();
    expect(new Set(world.host.of('0400').map(({ frame }) => frame)).size).toBe(1);
    expect(world.state(id)).toBe('REVERSED');
  });

  it.each(['00', '12', '25'])('answered %s is done', async (code) => {
    const { world, id } = await reversalDue();
    world.host.react((exchange) => exchange.reply({ 39: code }));
    expect(await world.drain()).toMatchObject({ kind: 'drained' });
    expect([world.state(id), world.due()]).toEqual(['REVERSED', []]);
  });

  it.each([['05'], ['Q7'], [undefined]])(
    'answered %s needs an operator and stands in the way',
    async (code) => {
      const { world, id } = await reversalDue();
      world.host.react((exchange) => exchange.reply({ 39: code }));
      expect(await world.drain()).toMatchObject({ kind: 'stuck', noLine: false });
      expect([world.state(id), world.due()]).toEqual(['NEEDS_OPERATOR', ['reversal']]);
      expect(world.alarms().join()).toMatch(/refused a reversal/);
      world.host.react(refuse('05'));
      expect(await world.authorise()).toEqual({ kind: 'not-sent', reason: 'outbox' });
      world.host.react(approve);
      await world.drain();
      expect(world.state(id)).toBe('REVERSED');
    },
  );

  it('goes out before what waits since earlier', async () => {
    const world = await LineWorld.start({ repeats: 1 });
    world.host.react(silence);
    const lost = await world.authorise();
    world.offlineSale();
    world.end(lost);
    await world.drain();
    expect(world.host.received.map(({ message }) => message.mti)).toEqual(['0200', '0400', '0220']);
  });

  it('is tried as often as configured on one occasion, each time on a new connection', async () => {
    const { world } = await reversalDue(3);
    const dialled = world.host.dials;
    world.host.react(silence, silence, silence);
    await world.drain();
    expect([world.host.of('0400').length, world.host.dials - dialled]).toEqual([3, 3]);
  });

  it('survives a host that hangs up after each answer', async () => {
    const world = await LineWorld.start({ repeats: 1 });
    const once = async (exchange: Exchange) => {
      await exchange.reply();
      await exchange.hangUp();
    };
    for (let i = 0; i < 4; i++) world.offlineSale();
    world.host.react(once, once, once, once);
    expect(await world.drain()).toEqual({ kind: 'drained', sent: 4 });
    expect(world.host.of('0220')).toHaveLength(4);
  });
});

describe('an advice', () => {
  it.each(['00', '94'])('answered %s is done and knows the reference of the host', async (code) => {
    const world = await LineWorld.start();
    const id = world.offlineSale();
    world.host.react((exchange) => exchange.reply({ 39: code, 37: 'HOSTREF00001' }));
    await world.drain();
    expect(world.journal.transactions.find(id)).toMatchObject({ state: 'APPROVED', rrn: 'HOSTREF00001' });
    expect(world.due()).toEqual([]);
  });

  it('answered A0 waits, byte for byte the same', async () => {
    const world = await LineWorld.start({ repeats: 1 });
    const id = world.offlineSale();
    world.host.react(refuse('A0'));
    expect(await world.drain()).toMatchObject({ kind: 'stuck', code: 'A0' });
    expect([world.state(id), world.due()]).toEqual(['APPROVED', ['advice']]);
    await world.drain();
    expect(new Set(world.host.of('0220').map(({ frame }) => frame)).size).toBe(1);
    expect(world.due()).toEqual([]);
  });

  it.each(['05', '51', 'Q7'])('answered %s is refused for good and leaves the totals', async (code) => {
    const world = await LineWorld.start();
    const kept = world.offlineSale(500);
    const refused = world.offlineSale(900);
    world.host.react(approve, refuse(code));
    expect(await world.drain()).toMatchObject({ kind: 'drained' });
    expect([world.state(kept), world.state(refused)]).toEqual(['APPROVED', 'REJECTED']);
    expect(world.journal.transactions.totals(1)).toMatchObject({ salesCount: 1, salesMinor: 500 });
    expect(world.alarms().join()).toMatch(/refused an offline sale/);
    await world.drain();
    expect(world.host.of('0220')).toHaveLength(2);
  });

  it('without a line waits, and counts no try', async () => {
    const world = await LineWorld.start();
    world.offlineSale();
    world.host.refusals = 1;
    expect(await world.drain()).toMatchObject({ kind: 'stuck', noLine: true });
    expect(world.journal.outbox.due()).toMatchObject([{ kind: 'advice', tries: 0 }]);
  });

  it('is not sent from a journal that was altered', async () => {
    const world = await LineWorld.start();
    world.offlineSale();
    const [row] = world.journal.outbox.due();
    const forged = { ...row, amountMinor: 1 } as NonNullable<typeof row>;
    expect(() => world.journal.outbox.content(forged)).toThrow(/altered/);
  });
});
