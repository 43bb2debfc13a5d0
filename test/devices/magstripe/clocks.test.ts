import { describe, expect, it } from 'vitest';
import { createMagstripeReader } from '../../../devices/magstripe/driver.ts';
import { MAGSTRIPE_LINE } from '../../../devices/magstripe/settings.ts';
import { createMagstripeSimulator } from '../../../devices/magstripe/simulator.ts';
import { parseTcpAddress } from '../../../devices/transport/address.ts';
import { memoryPair } from '../../../devices/transport/memory.ts';
import { lineDialler } from '../../../devices/transport/open.ts';
import { tcpPort } from '../../../devices/transport/simulated-port.ts';
import { simulatorDialler } from '../../../devices/transport/simulator-dialler.ts';
import * as codec from '../../../src/emv/magstripe/tracks.ts';
import { NEVER, realClock, VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import type { Presentation } from '../../../src/ports/index.ts';
import { CARD } from './bench.ts';

describe('two clocks', () => {
  it('keep business time standing until a swipe that has begun is over', async () => {
    const business = new VirtualClock(0);
    const wire = new VirtualClock(0);
    const simulator = createMagstripeSimulator({ clock: wire, codec });
    const dialler = simulatorDialler(simulator, wire);
    const reader = createMagstripeReader({ clock: business, wireClock: wire, codec, dialler });
    await wire.run(reader.open(NEVER, 1000));
    simulator.swipe(CARD);
    await wire.advance(0);
    const waiting = business.run(reader.awaitPresentation(['stripe'], NEVER, 20));
    await wire.advance(49);
    expect(business.now()).toBe(0);
    await wire.advance(1);
    expect(await waiting).toEqual({ kind: 'stripe', tracks: CARD.tracks });
    expect(business.now()).toBe(0);
    expect(await business.run(reader.awaitPresentation(['stripe'], NEVER, 20))).toEqual({ kind: 'timeout' });
  });
});

describe('noise without end', () => {
  it('lets a wait end in time', async () => {
    const business = new VirtualClock(0);
    const wire = new VirtualClock(0);
    const [host, device] = memoryPair(wire);
    const dialler = { address: 'line', dial: async () => ({ kind: 'connected', stream: host }) as const };
    const reader = createMagstripeReader({ clock: business, wireClock: wire, codec, dialler });
    await wire.run(reader.open(NEVER, 1000));
    const random = seededRandom('noise');
    let result: Presentation | undefined;
    void business.run(reader.awaitPresentation(['stripe'], NEVER, 500)).then((seen) => {
      result = seen;
    });
    for (let n = 0; n < 1000 && result === undefined; n++) {
      await device.write(Uint8Array.from({ length: 64 }, () => random.below(256)));
      await wire.advance(20);
    }
    expect(result).toEqual({ kind: 'timeout' });
  });
});

describe('a socket', () => {
  it('carries swipes, and the loss of it is seen', async () => {
    const clock = realClock();
    const simulator = createMagstripeSimulator({ clock, codec, dialogue: true });
    const port = await tcpPort(parseTcpAddress('127.0.0.1:0'), {
      clock,
      settings: () => MAGSTRIPE_LINE,
      serve: (stream) => void simulator.serve(stream),
    });
    const target = { kind: 'tcp', address: port.path.slice('tcp://'.length) } as const;
    const dialler = lineDialler(target, { ...MAGSTRIPE_LINE, baud: 115_200 }, clock);
    const reader = createMagstripeReader({ clock, codec, dialler, settings: { dialogue: 'idtech' } });
    try {
      expect(await reader.open(NEVER, clock.now() + 5000)).toEqual({ kind: 'opened' });
      simulator.swipe(CARD);
      const wait = () => reader.awaitPresentation(['stripe'], NEVER, clock.now() + 5000);
      expect(await wait()).toEqual({ kind: 'stripe', tracks: CARD.tracks });
      const waiting = wait();
      await port.unplug();
      expect(await waiting).toMatchObject({ kind: 'offline' });
    } finally {
      await reader.close();
      await port.close();
    }
  });
});
