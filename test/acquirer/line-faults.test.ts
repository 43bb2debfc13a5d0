import { describe, expect, it } from 'vitest';
import { openForReading } from '../../src/journal/database.ts';
import { approve, type Reaction, silence } from './foreign-host.ts';
import { ANSWER_MS, LineWorld } from './world.ts';

/** Bytes of a swiped sale on the wire. */
const REQUEST_BYTES = 108;

describe('a line that fails before the request', () => {
  it('leaves no row, no number and nothing to reverse when the connection is refused', async () => {
    const world = await LineWorld.start();
    world.host.refusals = 1;
    expect(await world.authorise()).toEqual({ kind: 'not-sent', reason: 'no-line' });
    expect([world.journal.transactions.list(), world.due()]).toEqual([[], []]);
    expect(world.journal.counters.current('stan')).toBe(0);
  });

  it('is tried again by the next sale, which is then the first', async () => {
    const world = await LineWorld.start();
    world.host.refusals = 1;
    await world.authorise();
    expect(world.state(await world.sale())).toBe('APPROVED');
    expect(world.host.received).toHaveLength(1);
  });
});

describe('a line that fails in the request', () => {
  it('has the length that is cut here', async () => {
    const world = await LineWorld.start();
    await world.sale();
    expect(world.host.received[0]?.frame).toHaveLength(2 * REQUEST_BYTES);
  });

  it.each([0, 1, 2, 3, 8, 40, REQUEST_BYTES - 1, REQUEST_BYTES])(
    'after %i bytes: reversed',
    async (bytes) => {
      const world = await LineWorld.start();
      world.host.cutRequestAfter = bytes;
      const id = await world.sale();
      expect([world.state(id), world.due()]).toEqual(['MUST_REVERSE', ['reversal']]);
      await world.drain();
      expect([world.state(id), world.host.of('0400').length]).toEqual(['REVERSED', 1]);
    },
  );
});

describe('a line that fails in the answer', () => {
  it('at any byte: reversed, and the whole answer: approved', async () => {
    const world = await LineWorld.start();
    let length = 1;
    for (let sent = 0; sent <= length; sent++) {
      world.host.react(async (exchange) => {
        const answer = exchange.answer();
        length = answer.length;
        await exchange.send(answer.slice(0, sent));
        await exchange.hangUp();
      });
      const id = await world.sale();
      const state = world.state(id);
      if (sent < length) expect([sent, state]).toEqual([sent, 'MUST_REVERSE']);
      else expect(state).toBe('APPROVED');
      await world.drain();
    }
    const states = world.journal.transactions.list().map(({ state }) => state);
    expect(states.filter((state) => state === 'REVERSED')).toHaveLength(length);
  });

  const bytes =
    (hex: string): Reaction =>
    (exchange) =>
      exchange.send(Uint8Array.from(Buffer.from(hex, 'hex')));

  it.each([
    ['a length of 0', '0000', 'garbled'],
    ['a length of 1', '000100', 'garbled'],
    ['a length of 65535', 'FFFF60', 'garbled'],
    ['a length over the limit', '100160', 'garbled'],
    ['a third bitmap', '0015600000000302108000000000000000AABBCCDDEEFF', 'garbled'],
    ['a bitmap that promises more than follows', '000F60000000030210FFFFFFFFFFFFFFFF', 'garbled'],
  ] as const)('%s: closed and reversed', async (_, hex, reason) => {
    const world = await LineWorld.start();
    const start = world.clock.now();
    world.host.react(bytes(hex));
    const result = await world.authorise();
    expect(result).toMatchObject({ kind: 'no-answer', reason });
    expect(world.clock.now()).toBe(start);
    expect(world.state(world.end(result))).toBe('MUST_REVERSE');
  });

  it('a bad length behind a stray ends the wait as well', async () => {
    const world = await LineWorld.start();
    const start = world.clock.now();
    world.host.react(async (exchange) => {
      const stray = exchange.answer({ 11: '000009' });
      await exchange.send(Uint8Array.from([...stray, 0, 0]));
    });
    expect(await world.authorise()).toMatchObject({ kind: 'no-answer', reason: 'garbled' });
    expect(world.clock.now()).toBe(start);
  });

  it('one byte a second does not stretch the limit', async () => {
    const world = await LineWorld.start();
    const start = world.clock.now();
    world.host.react(async (exchange) => {
      for (const byte of exchange.answer()) {
        await exchange.send(Uint8Array.of(byte));
        await exchange.sleep(1000);
      }
    });
    expect(await world.authorise()).toMatchObject({ kind: 'no-answer', reason: 'timeout' });
    expect(world.clock.now() - start).toBe(ANSWER_MS);
  });

  it('an answer in single bytes is an answer', async () => {
    const world = await LineWorld.start();
    world.host.react(async (exchange) => {
      for (const byte of exchange.answer()) await exchange.send(Uint8Array.of(byte));
    });
    expect(world.state(await world.sale())).toBe('APPROVED');
  });
});

describe('the obligation to reverse', () => {
  it('is in the database before the first byte of the request', async () => {
    const world = await LineWorld.start();
    const reader = await openForReading(world.folder);
    const seen: unknown[] = [];
    world.host.beforeWrite = () => {
      seen.push(
        reader.prepare('SELECT txn.state AS txn, outbox.state AS outbox, outbox.kind FROM txn, outbox').all(),
        world.events.flatMap((event) => (event.kind === 'commit' ? [event.what] : [])),
      );
    };
    await world.sale();
    reader.close();
    expect(seen).toEqual([[{ txn: 'PENDING', outbox: 'HELD', kind: 'reversal' }], ['keys', 'request']]);
  });

  it('is cleared in the commit that stores the answer', async () => {
    const world = await LineWorld.start();
    await world.sale();
    const commits = world.events.flatMap((event) => (event.kind === 'commit' ? [event.what] : []));
    expect(commits).toEqual(['keys', 'request', 'result']);
    expect(world.journal.outbox.find(1)?.state).toBe('CLEARED');
  });

  it('keeps every later sale off the line until it is met', async () => {
    const world = await LineWorld.start({ repeats: 1 });
    world.host.react(silence, silence);
    await world.sale();
    expect(await world.authorise()).toEqual({ kind: 'not-sent', reason: 'outbox' });
    expect(world.host.received.map(({ message }) => message.mti)).toEqual(['0200', '0400']);
    world.host.react(approve);
    await world.sale();
    expect(world.host.received.map(({ message }) => message.mti)).toEqual(['0200', '0400', '0400', '0200']);
  });
});
