import { describe, expect, it } from 'vitest';
import { type Faults, type FaultyStream, withFaults } from '../../../devices/transport/faults.ts';
import { memoryPair } from '../../../devices/transport/memory.ts';
import { listenTcp, tcpDialler } from '../../../devices/transport/tcp.ts';
import { concat, toHex } from '../../../src/platform/bytes.ts';
import { NEVER, sleep, until, VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import type { ByteStream } from '../../../src/ports/stream.ts';

interface World {
  readonly clock: VirtualClock;
  readonly near: FaultyStream;
  readonly far: ByteStream;
}

function setUp(faults: Faults, seed = 1): World {
  const clock = new VirtualClock(0);
  const [near, far] = memoryPair(clock);
  return { clock, near: withFaults(near, faults, clock, seededRandom(seed)), far };
}

/** The pieces that arrive within a second of wire time; `end` when the stream ended. */
async function pieces(clock: VirtualClock, stream: ByteStream): Promise<string[]> {
  const got: string[] = [];
  const abort = new AbortController();
  clock.after(1000, () => abort.abort());
  const collect = async () => {
    for (;;) {
      const piece = await stream.read(abort.signal);
      got.push(piece === undefined ? 'end' : toHex(piece));
      if (piece === undefined) return;
    }
  };
  await clock.run(collect().catch(() => {}));
  return got;
}

const tenBytes = Uint8Array.from({ length: 10 }, (_, i) => i);

describe('a faulty line', () => {
  it('passes everything on when it has no faults', async () => {
    const { clock, near, far } = setUp({});
    await near.write(tenBytes);
    await far.write(Uint8Array.of(9));
    expect(await pieces(clock, far)).toEqual(['00010203040506070809']);
    expect(await pieces(clock, near)).toEqual(['09']);
  });

  it('splits into single bytes, each way on its own', async () => {
    const { clock, near, far } = setUp({ outgoing: { split: 'bytes' } });
    await near.write(tenBytes.subarray(0, 3));
    await far.write(tenBytes.subarray(0, 3));
    expect(await pieces(clock, far)).toEqual(['00', '01', '02']);
    expect(await pieces(clock, near)).toEqual(['000102']);
  });

  it('splits at random places, the same for the same seed', async () => {
    const split = async (seed: number) => {
      const { clock, near, far } = setUp({ outgoing: { split: 'random' } }, seed);
      for (let i = 0; i < 5; i++) await near.write(tenBytes);
      return pieces(clock, far);
    };
    const once = await split(3);
    expect(once.join('')).toBe(toHex(tenBytes).repeat(5));
    expect(once.length).toBeGreaterThan(5);
    expect(await split(3)).toEqual(once);
    expect(await split(4)).not.toEqual(once);
  });

  it('merges what comes close together', async () => {
    const { clock, near, far } = setUp({ incoming: { mergeMs: 20 } });
    await clock.run(
      (async () => {
        for (const byte of [1, 2, 3]) {
          await far.write(Uint8Array.of(byte));
          await sleep(clock, 15);
        }
      })(),
    );
    expect(await pieces(clock, near)).toEqual(['0102', '03']);
  });

  it('delays without letting anything overtake', async () => {
    const { clock, near, far } = setUp({ outgoing: { delayMs: [5, 50], split: 'bytes' } });
    await near.write(tenBytes);
    const abort = new AbortController();
    const times: number[] = [];
    await clock.run(
      (async () => {
        for (const byte of tenBytes) {
          expect(await far.read(abort.signal)).toEqual(Uint8Array.of(byte));
          times.push(clock.now());
        }
      })(),
    );
    expect(times[0]).toBeGreaterThanOrEqual(5);
    expect(times.at(-1)).toBeLessThanOrEqual(50);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it.each([
    ['drop', 0.01, 9_900],
    ['duplicate', 0.01, 10_100],
  ] as const)('%s about as often as told', async (fault, rate, expected) => {
    const { clock, near, far } = setUp({ outgoing: { [fault]: rate } });
    for (let i = 0; i < 100; i++) await near.write(new Uint8Array(100));
    const count = (await pieces(clock, far)).join('').length / 2;
    expect(Math.abs(count - expected)).toBeLessThan(50);
    expect(count).not.toBe(10_000);
  });

  it('turns over about as many bits as told', async () => {
    const { clock, near, far } = setUp({ outgoing: { flip: 1e-3 } });
    for (let i = 0; i < 100; i++) await near.write(new Uint8Array(100));
    const hex = (await pieces(clock, far)).join('');
    const ones = [...hex].reduce(
      (sum, digit) => sum + Number.parseInt(digit, 16).toString(2).replaceAll('0', '').length,
      0,
    );
    expect(hex.length).toBe(20_000);
    expect(Math.abs(ones - 80)).toBeLessThan(40);
  });

  it('loses everything and doubles everything at rate 1', async () => {
    const lossy = setUp({ outgoing: { drop: 1 } });
    await lossy.near.write(tenBytes);
    expect(await pieces(lossy.clock, lossy.far)).toEqual([]);
    const double = setUp({ outgoing: { duplicate: 1 } });
    await double.near.write(Uint8Array.of(1, 2));
    expect(await pieces(double.clock, double.far)).toEqual(['01010202']);
  });

  it.each([-0.1, 1.1, Number.NaN])('refuses the rate %d', (rate) => {
    expect(() => setUp({ incoming: { flip: rate } })).toThrow(RangeError);
  });
});

describe('a cable that breaks', () => {
  const cases = Array.from({ length: 11 }, (_, at) => at);

  it.each(cases)('after byte %i on the way out: the rest is lost and both ends are told', async (at) => {
    const { clock, near, far } = setUp({ outgoing: { cutAfter: at } });
    await near.write(tenBytes.subarray(0, 4));
    await near.write(tenBytes.subarray(4)).catch(() => {});
    await near.write(Uint8Array.of(0xff)).catch(() => {});
    const arrived = await pieces(clock, far);
    expect(arrived.at(-1)).toBe('end');
    expect(arrived.slice(0, -1).join('')).toBe(toHex(at > 10 ? tenBytes : tenBytes.subarray(0, at)));
    expect(await pieces(clock, near)).toEqual(['end']);
    await expect(near.write(tenBytes)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it.each(cases.slice(1))('after byte %i on the way in', async (at) => {
    const { clock, near, far } = setUp({ incoming: { cutAfter: at } });
    await far.write(tenBytes);
    await far.write(Uint8Array.of(0xff)).catch(() => {});
    const arrived = await pieces(clock, near);
    expect(arrived.slice(0, -1).join('')).toBe(toHex(tenBytes.subarray(0, at)));
    expect(arrived.at(-1)).toBe('end');
    expect(await pieces(clock, far)).toEqual(['end']);
  });

  it('silently: nobody is told, nothing passes, writes still succeed', async () => {
    const { clock, near, far } = setUp({ outgoing: { cutAfter: 2 }, cut: 'silence' });
    await near.write(tenBytes);
    await near.write(tenBytes);
    await far.write(tenBytes);
    expect(await pieces(clock, far)).toEqual(['0001']);
    expect(await pieces(clock, near)).toEqual([]);
  });

  it('on command, and only once', async () => {
    const { clock, near, far } = setUp({ outgoing: { delayMs: [10, 10] } });
    await near.write(tenBytes);
    near.cut();
    near.cut('silence');
    expect(await pieces(clock, far)).toEqual(['end']);
    expect(await pieces(clock, near)).toEqual(['end']);
    await near.close();
    await near.close();
  });

  it('passes the end of the peer on, after what the peer had sent', async () => {
    const { clock, near, far } = setUp({ incoming: { delayMs: [30, 30] } });
    await far.write(tenBytes);
    await far.close();
    expect(await pieces(clock, near)).toEqual([toHex(tenBytes), 'end']);
    await expect(near.write(tenBytes).then(() => near.write(tenBytes))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
  });
});

describe('swallowed bytes on a socket of this process', () => {
  it.each([
    ['out', { outgoing: { drop: 1 } }],
    ['in', { incoming: { drop: 1 } }],
    ['both, by a silent cut', { outgoing: { cutAfter: 0 }, cut: 'silence' }],
  ] as const)('%s hold no virtual clock', async (_, faults) => {
    const clock = new VirtualClock(0);
    const listener = await listenTcp(
      { host: '127.0.0.1', port: 0 },
      (stream) => {
        const echo = async () => {
          for (let piece = await stream.read(NEVER); piece !== undefined; piece = await stream.read(NEVER))
            await stream.write(piece);
          await stream.close();
        };
        void echo().catch(() => {});
      },
      clock,
    );
    await clock.run(
      (async () => {
        const dialled = await tcpDialler(listener.address, clock).dial(NEVER, 1000);
        if (dialled.kind !== 'connected') throw new Error(dialled.reason);
        const near = withFaults(dialled.stream, faults, clock, seededRandom(1));
        await near.write(concat(tenBytes, tenBytes));
        expect(await until(clock, 500, near.read(NEVER))).toBeUndefined();
        expect(clock.now()).toBe(500);
        await near.close();
        await listener.close();
      })(),
    );
  });
});
