import { describe, expect, it } from 'vitest';
import { memoryPair } from '../../devices/transport/memory.ts';
import { keptLine } from '../../src/acquirer/kept-line.ts';
import { latin1 } from '../../src/platform/bytes.ts';
import { NEVER, VirtualClock } from '../../src/platform/clock.ts';
import type { ByteStream } from '../../src/ports/index.ts';
import { approve, silence } from './foreign-host.ts';
import { LineWorld } from './world.ts';

/** A kept line, and the far end of each connection that was made. */
function line() {
  const clock = new VirtualClock(0);
  const far: ByteStream[] = [];
  const kept = keptLine({
    address: 'memory',
    async dial() {
      const [near, other] = memoryPair(clock);
      far.push(other);
      return { kind: 'connected', stream: near };
    },
  });
  const dial = async (): Promise<ByteStream> => {
    const dialled = await kept.dial(NEVER, 0);
    if (dialled.kind === 'refused') throw new Error(dialled.reason);
    return dialled.stream;
  };
  const turn = () => clock.advance(0);
  return { far, kept, dial, turn };
}

describe('a kept line', () => {
  it('is connected once for dialogues that end in order', async () => {
    const { far, dial } = line();
    for (const word of ['one', 'two', 'three']) {
      const stream = await dial();
      await stream.write(latin1(word));
      expect(await far[0]?.read(NEVER)).toEqual(latin1(word));
      await far[0]?.write(latin1(`${word}!`));
      expect(await stream.read(NEVER)).toEqual(latin1(`${word}!`));
      await stream.release?.();
    }
    expect(far).toHaveLength(1);
  });

  it.each<[string, (stream: ByteStream, far: ByteStream) => Promise<void>]>([
    ['a dialogue hung up', (stream) => stream.close()],
    [
      'the host hung up meanwhile',
      async (stream, far) => {
        await stream.release?.();
        await far.close();
      },
    ],
    [
      'the host spoke unasked',
      async (stream, far) => {
        await stream.release?.();
        await far.write(latin1('hello'));
      },
    ],
  ])('is connected anew when %s', async (_, spoil) => {
    const { far, dial, turn } = line();
    await spoil(await dial(), far[0] as ByteStream);
    await turn();
    const stream = await dial();
    expect(far).toHaveLength(2);
    await far[1]?.write(latin1('x'));
    expect(await stream.read(NEVER)).toEqual(latin1('x'));
    expect(await far[0]?.read(NEVER)).toBeUndefined();
  });

  it('hangs up when it is closed', async () => {
    const { far, kept, dial } = line();
    await (await dial()).release?.();
    await kept.close();
    expect(await far[0]?.read(NEVER)).toBeUndefined();
  });
});

describe('a terminal with a kept line', () => {
  it('sends its sales over one connection', async () => {
    const world = await LineWorld.start({ keepAlive: true });
    for (let i = 0; i < 3; i++) await world.sale();
    expect([world.host.dials, world.host.received.length]).toEqual([1, 3]);
    expect(world.journal.transactions.list().map(({ state }) => state)).toEqual([
      'APPROVED',
      'APPROVED',
      'APPROVED',
    ]);
  });

  it('leaves a line on which an answer is missing, and reverses over a new one', async () => {
    const world = await LineWorld.start({ keepAlive: true });
    world.host.react(approve, silence);
    await world.sale();
    await world.sale();
    await world.drain();
    expect([world.host.dials, world.host.of('0400').length]).toEqual([2, 1]);
    expect(world.journal.transactions.list().map(({ state }) => state)).toEqual(['APPROVED', 'REVERSED']);
  });
});
