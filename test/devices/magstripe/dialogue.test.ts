import { describe, expect, it } from 'vitest';
import { createMagstripeReader } from '../../../devices/magstripe/driver.ts';
import { createMagstripeSimulator, type MagstripeFault } from '../../../devices/magstripe/simulator.ts';
import { simulatorDialler } from '../../../devices/transport/simulator-dialler.ts';
import * as codec from '../../../src/emv/magstripe/tracks.ts';
import { latin1, toHex } from '../../../src/platform/bytes.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';
import type { ByteStream } from '../../../src/ports/index.ts';
import { CARD } from './bench.ts';

function bench(dialogue = true) {
  const clock = new VirtualClock(0);
  const values = new Map([[0x1a, latin1('0')]]);
  const simulator = createMagstripeSimulator({ clock, codec, dialogue, values });
  const written: string[] = [];
  const observed = (stream: ByteStream): ByteStream => ({
    ...stream,
    write(bytes) {
      written.push(`${clock.now()} ${toHex(bytes)}`);
      return stream.write(bytes);
    },
  });
  const dialler = simulatorDialler(simulator, clock, observed);
  const reader = createMagstripeReader({ clock, codec, dialler, settings: { dialogue: 'idtech' } });
  return { clock, simulator, written, reader };
}

describe('a dialogue with an ID TECH reader', () => {
  it('finds it, switches it on, and gives it the time it needs', async () => {
    const { clock, simulator, written, reader } = bench();
    simulator.swipe(CARD);
    expect(simulator.state().swipes).toBe(0);
    expect(await clock.run(reader.open(NEVER, 5000))).toEqual({ kind: 'opened' });
    expect(written).toEqual(['0 02521F034C', '90 02531A01310378', '180 0253190131037B']);
    simulator.swipe(CARD);
    const seen = await clock.run(reader.awaitPresentation(['stripe'], NEVER, 5000));
    expect(seen).toEqual({ kind: 'stripe', tracks: CARD.tracks });
  });

  it('is had again on a new line', async () => {
    const { clock, simulator, written, reader } = bench();
    await clock.run(reader.open(NEVER, 5000));
    await simulator.unplug();
    simulator.replug();
    await clock.advance(2000);
    expect(reader.isOnline).toBe(true);
    expect(written).toHaveLength(6);
  });

  it('tells that nobody answers, or that time is over', async () => {
    const silent = bench(false);
    const reason = 'no ID TECH stripe reader answers (sim)';
    expect(await silent.clock.run(silent.reader.open(NEVER, 5000))).toEqual({ kind: 'failed', reason });
    expect(silent.clock.now()).toBe(500);
    const hasty = silent.reader.open(NEVER, 600);
    expect(await silent.clock.run(hasty)).toEqual({ kind: 'failed', reason: 'no answer in time (sim)' });
    expect(silent.clock.now()).toBe(600);
    const waiting = silent.reader.awaitPresentation(['stripe'], NEVER, 5000);
    expect(await waiting).toEqual({ kind: 'offline', reason: 'no answer in time (sim)' });
  });

  it('tells of a refusal, and of a swipe that comes in between', async () => {
    const refused = bench();
    const opening = refused.reader.open(NEVER, 5000);
    refused.clock.after(50, () => refused.simulator.fault('nak' satisfies MagstripeFault));
    const reason = 'the reader refuses its settings (sim)';
    expect(await refused.clock.run(opening)).toEqual({ kind: 'failed', reason });
    const disturbed = bench();
    const other = disturbed.reader.open(NEVER, 5000);
    disturbed.clock.after(170, () => disturbed.simulator.swipe(CARD));
    expect((await disturbed.clock.run(other)).kind).toBe('opened');
  });

  it('is cancelled, and may be tried again', async () => {
    const { clock, reader } = bench();
    const controller = new AbortController();
    const opening = reader.open(controller.signal, 5000);
    clock.after(50, () => controller.abort());
    await expect(clock.run(opening)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(reader.isOnline).toBe(false);
    expect(await clock.run(reader.open(NEVER, 5000))).toEqual({ kind: 'opened' });
  });

  it('is ended by a line that is cut', async () => {
    const { clock, simulator, reader } = bench();
    const opening = reader.open(NEVER, 5000);
    clock.after(50, () => void simulator.unplug());
    expect((await clock.run(opening)).kind).toBe('failed');
    expect(clock.now()).toBeLessThan(1000);
  });
});
