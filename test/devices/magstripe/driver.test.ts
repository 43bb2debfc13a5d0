import { describe, expect, it } from 'vitest';
import { createMagstripeReader } from '../../../devices/magstripe/driver.ts';
import { type Faults, withFaults } from '../../../devices/transport/faults.ts';
import { COMMON_SETTINGS } from '../../../devices/transport/line-settings.ts';
import { linePair } from '../../../devices/transport/memory-line.ts';
import * as codec from '../../../src/emv/magstripe/tracks.ts';
import { fromLatin1, latin1 } from '../../../src/platform/bytes.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import { createTrace } from '../../../src/platform/trace.ts';
import type { ByteStream } from '../../../src/ports/index.ts';
import { CARD, opened, presented, TRACK_1, TRACK_2, TRACK_3 } from './bench.ts';

describe('a swipe', () => {
  const formats = ['idtech', 'uic', 'mag-tek'] as const;

  it.each(formats.flatMap((format) => [true, false].map((lrc) => ({ format, lrc }))))(
    'is presented by a reader of %o',
    async (simulator) => {
      const bench = await opened({ simulator });
      const waiting = presented(bench);
      bench.clock.after(100, () => bench.simulator.swipe({ tracks: { ...CARD.tracks, track3: TRACK_3 } }));
      expect(await waiting).toEqual({ kind: 'stripe', tracks: { ...CARD.tracks, track3: TRACK_3 } });
      expect(bench.clock.now()).toBe(150);
    },
  );

  it.each([
    ['bad-lrc', {}],
    ['unreadable', {}],
    ['cut', { track1: TRACK_1 }],
    ['absent', { track1: TRACK_1 }],
    ['noise', CARD.tracks],
  ] as const)('with the fault %s gives what was read for sure', async (fault, tracks) => {
    const bench = await opened({ simulator: { lrc: true } });
    bench.simulator.fault(fault);
    bench.simulator.swipe(CARD);
    expect(await presented(bench)).toEqual({ kind: 'stripe', tracks });
    bench.simulator.swipe(CARD);
    expect(await presented(bench)).toEqual({ kind: 'stripe', tracks: CARD.tracks });
  });

  it('is kept for the next wait for a while, the last one only', async () => {
    const bench = await opened();
    bench.simulator.swipe({ tracks: { track1: TRACK_1 } });
    await bench.clock.advance(1000);
    bench.simulator.swipe({ tracks: { track2: TRACK_2 } });
    await bench.clock.advance(1000);
    expect(await presented(bench)).toEqual({ kind: 'stripe', tracks: { track2: TRACK_2 } });
    expect(await presented(bench, 1000)).toEqual({ kind: 'timeout' });
    bench.simulator.swipe(CARD);
    await bench.clock.advance(6000);
    expect(await presented(bench, 1000)).toEqual({ kind: 'timeout' });
  });

  it('of a card without stripe is not noticed, nor is noise', async () => {
    const bench = await opened({ simulator: { lrc: true } });
    bench.simulator.swipe({});
    expect(await presented(bench, 1000)).toEqual({ kind: 'timeout' });
    expect(bench.simulator.state()).toEqual({ plugged: true, swipes: 0 });
  });

  it('is whole on a slow line, whose silence is longer', async () => {
    const clock = new VirtualClock(0);
    const settings = { ...COMMON_SETTINGS, baud: 1200 };
    const [host, device] = linePair(clock, { settings: [settings, settings] });
    const dialler = { address: 'line', dial: async () => ({ kind: 'connected', stream: host }) as const };
    const reader = createMagstripeReader({ clock, codec, dialler });
    await clock.run(reader.open(NEVER, 1000));
    const waiting = reader.awaitPresentation(['stripe'], NEVER, 60_000);
    await device.write(latin1(`;${TRACK_2.slice(0, 10)}`));
    await clock.advance(100);
    await device.write(latin1(`${TRACK_2.slice(10)}?7\r`));
    expect(await clock.run(waiting)).toEqual({ kind: 'stripe', tracks: { track2: TRACK_2 } });
    expect(clock.now()).toBeCloseTo(100 + (20 * 10 * 1000) / 1200, 3);
  });

  it('that is encrypted reads empty, unless someone opens it', async () => {
    const seal = () => Uint8Array.of(0x00, 0x09, 0, 0, 0, ...new Uint8Array(8), ...new Uint8Array(10));
    const simulator = { format: 'secure', seal } as const;
    const closed = await opened({ simulator });
    closed.simulator.swipe(CARD);
    expect(await presented(closed)).toEqual({ kind: 'stripe', tracks: {} });
    expect(closed.swipes).toMatchObject([{ kind: 'secure', ksn: new Uint8Array(10) }]);
    const open = await opened({ simulator, reader: { reveal: () => CARD.tracks } });
    open.simulator.swipe(CARD);
    expect(await presented(open)).toEqual({ kind: 'stripe', tracks: CARD.tracks });
  });
});

describe('a wait', () => {
  it('ends by its deadline, by its signal, and is for one at a time', async () => {
    const { clock, reader } = await opened();
    const controller = new AbortController();
    const waiting = reader.awaitPresentation(['stripe'], controller.signal, 60_000);
    await expect(reader.awaitPresentation(['stripe'], NEVER, 10)).rejects.toMatchObject({ code: 'STATE' });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await clock.run(reader.awaitPresentation(['stripe'], NEVER, 700))).toEqual({ kind: 'timeout' });
    expect(clock.now()).toBe(700);
  });

  it('for other interfaces sees no swipe', async () => {
    const bench = await opened();
    bench.simulator.swipe(CARD);
    const waiting = bench.reader.awaitPresentation(['contact'], NEVER, 500);
    expect(await bench.clock.run(waiting)).toEqual({ kind: 'timeout' });
    expect(await presented(bench)).toMatchObject({ kind: 'stripe' });
    expect(await bench.reader.awaitRemoval(NEVER, 0)).toBe(true);
  });
});

describe('the cable', () => {
  it('ends the wait when it is pulled; the line is opened again later', async () => {
    const bench = await opened();
    const waiting = presented(bench);
    bench.clock.after(100, () => void bench.simulator.unplug());
    expect(await waiting).toEqual({ kind: 'offline', reason: 'the line is gone (sim)' });
    await bench.clock.advance(3000);
    expect(bench.reader.isOnline).toBe(false);
    bench.simulator.replug();
    await bench.clock.advance(2500);
    expect(bench.reader.isOnline).toBe(true);
    bench.simulator.swipe(CARD);
    expect(await presented(bench)).toEqual({ kind: 'stripe', tracks: CARD.tracks });
    await bench.reader.close();
    expect(await presented(bench)).toEqual({ kind: 'offline', reason: 'closed' });
    await expect(bench.reader.open(NEVER, 1e6)).rejects.toMatchObject({ code: 'STATE' });
  });

  it('is not opened by a dialler that never comes back, and what it opens later is closed', async () => {
    const clock = new VirtualClock(0);
    let closed = 0;
    const late = { write: async () => {}, read: async () => undefined, close: async () => void closed++ };
    const dialler = {
      address: 'late',
      dial: () =>
        new Promise<{ kind: 'connected'; stream: typeof late }>((resolve) =>
          clock.after(2000, () => resolve({ kind: 'connected', stream: late })),
        ),
    };
    const reader = createMagstripeReader({ clock, codec, dialler });
    expect(await clock.run(reader.open(NEVER, 1000))).toEqual({
      kind: 'failed',
      reason: 'no line in time (late)',
    });
    await clock.advance(2000);
    expect(closed).toBe(1);
    expect(reader.isOnline).toBe(false);
  });

  const length = TRACK_1.length + TRACK_2.length + 8;

  it.each(['unplug', 'silence'] as const)('cut at any byte (%s) never gives a wrong track', async (cut) => {
    for (let cutAfter = 1; cutAfter < length; cutAfter++) {
      const alter = faulty('cut', { incoming: { cutAfter }, cut });
      const bench = await opened({ simulator: { lrc: true }, alter });
      bench.simulator.swipe(CARD);
      const seen = await presented(bench, 1000);
      if (seen.kind === 'stripe') expect(CARD.tracks).toMatchObject(seen.tracks);
      else expect(seen.kind).toBe(cut === 'unplug' ? 'offline' : 'timeout');
      await bench.reader.close();
    }
  });
});

describe('a bad line', () => {
  const lines: readonly [string, Faults['incoming']][] = [
    ['splits', { split: 'bytes', delayMs: [0, 20] }],
    ['merges', { mergeMs: 30 }],
    ['loses bytes', { drop: 0.01 }],
    ['doubles bytes', { duplicate: 0.01 }],
    ['turns bits over', { flip: 0.001 }],
  ];

  it.each(lines)(
    'that %s gives tracks whose check fits as delivered, and works again',
    async (name, incoming = {}) => {
      let whole = 0;
      for (let trial = 0; trial < 40; trial++) {
        let delivered = '';
        const alter = faulty(`${name} ${trial}`, { incoming }, (bytes) => {
          delivered += fromLatin1(bytes);
        });
        const reader = { settings: { lrc: 'required' } } as const;
        const bench = await opened({ simulator: { lrc: true }, reader, alter });
        for (let swipe = 0; swipe < 5; swipe++) {
          bench.simulator.swipe(CARD);
          const seen = await presented(bench, 1000);
          if (seen.kind !== 'stripe') continue;
          // An exclusive or does not see a zero that is lost or doubled, nor two equal errors.
          const { track1, track2 } = seen.tracks;
          if (track1 !== undefined) expect(delivered).toContain(checked(1, `%${track1}?`));
          if (track2 !== undefined) expect(delivered).toContain(checked(2, `;${track2}?`));
          expect(seen.tracks).not.toHaveProperty('track3');
          if (track1 === TRACK_1 && track2 === TRACK_2) whole++;
        }
        await bench.reader.close();
      }
      // At the highest of these rates four swipes in ten are free of faults.
      const least = name === 'splits' || name === 'merges' ? 200 : 60;
      expect(whole).toBeGreaterThanOrEqual(least);
    },
  );
});

describe('a trace', () => {
  it('never shows a character of a track, even where nothing is masked behind the driver', async () => {
    const clock = new VirtualClock(0);
    const trace = createTrace(clock, (event) => event);
    const seen: string[] = [];
    trace.subscribe((event) => seen.push(JSON.stringify(event)));
    const bench = await opened({ reader: { trace }, simulator: { lrc: true } });
    for (const fault of ['noise', 'bad-lrc', 'cut', 'unreadable'] as const) {
      bench.simulator.fault(fault);
      bench.simulator.swipe(CARD);
      await presented(bench);
    }
    const text = seen.join('\n');
    expect(text).toContain('tracks read: 1 2');
    expect(text).toContain('2 NO_END_SENTINEL');
    expect(text).not.toMatch(/4012|345678|TEST.CARD|3012/);
  });
});

const checked = (track: 1 | 2, whole: string) => whole + codec.trackLrc(track, whole);

/** A line with faults; `onRead` sees what is left of the bytes. */
function faulty(seed: string, faults: Faults, onRead: (bytes: Uint8Array) => void = () => {}) {
  return (stream: ByteStream, clock: VirtualClock): ByteStream => {
    const line = withFaults(stream, faults, clock, seededRandom(seed));
    return {
      ...line,
      async read(signal) {
        const bytes = await line.read(signal);
        if (bytes !== undefined) onRead(bytes);
        return bytes;
      },
    };
  };
}
