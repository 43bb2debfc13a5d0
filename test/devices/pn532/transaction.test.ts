import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createCard, loadCard } from '../../../devices/cards/load.ts';
import { createPn532Reader } from '../../../devices/pn532/driver.ts';
import { PN532_LINE } from '../../../devices/pn532/options.ts';
import { createPn532Simulator } from '../../../devices/pn532/simulator.ts';
import { memoryPair } from '../../../devices/transport/memory.ts';
import { paced } from '../../../devices/transport/pace.ts';
import { createVirtualReader } from '../../../devices/virtual/reader.ts';
import { buildEmvConfig, emvConfigShape } from '../../../src/emv/config.ts';
import { toHex } from '../../../src/platform/bytes.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';
import { loadConfig } from '../../../src/platform/config.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import { createTrace, type TraceEvent } from '../../../src/platform/trace.ts';
import type { CardChannel, CardReader, Dialler } from '../../../src/ports/index.ts';
import { pins, run, type Setting } from '../../emv/support/world.ts';
import { cardPath } from '../cards/hand.ts';
import { type Bench, channelOf, opened } from './bench.ts';

const TERMINAL = new URL('../../../emv-fixtures/terminals/demo.yaml', import.meta.url).pathname;
const config = buildEmvConfig(
  loadConfig(TERMINAL, () => z.looseObject(emvConfigShape())),
  TERMINAL,
);
const visa = () => createCard(loadCard(cardPath('visa-contactless')), { random: seededRandom('visa') });

/** Kernel C-3 over a channel. */
const pay = (channel: CardChannel, amountMinor: number, setting: Setting = {}) =>
  run(channel, {
    config,
    parameters: { amountMinor },
    ...setting,
    services: { pin: pins('entered'), ...setting.services },
  });

const told = ({ code, tvr, record, result }: Awaited<ReturnType<typeof pay>>) => ({
  code,
  tvr,
  cvm: result.cvm,
  exchanges: record.exchanges,
  decisions: record.decisions,
});

async function powered(reader: CardReader): Promise<CardChannel> {
  const presentation = await reader.awaitPresentation(['contactless'], NEVER, 60_000);
  if (presentation.kind !== 'card') throw new Error(presentation.kind);
  return presentation.channel;
}

async function tapped(
  options: Parameters<typeof opened>[0] = {},
): Promise<{ made: Bench; channel: CardChannel }> {
  const made = await opened(options);
  made.simulator.tap(visa());
  return { made, channel: await channelOf(made) };
}

describe('a contactless transaction through driver and chip', () => {
  it.each([
    [1200, 'APPROVED_OFFLINE'],
    [12_000, 'APPROVED_ONLINE'],
  ])('of %i is the same as in the virtual reader', async (amountMinor, code) => {
    const { made, channel } = await tapped();
    const wired = await made.clock.run(pay(channel, amountMinor));
    expect(wired.code).toBe(code);
    const virtual = createVirtualReader({ clock: new VirtualClock(0) });
    virtual.tap(visa());
    expect(told(wired)).toEqual(told(await pay(await powered(virtual), amountMinor)));
    expect(made.simulator.state().executed).toBe(wired.record.exchanges.length);
    await made.clock.run(channel.release());
    made.clock.after(1000, () => made.simulator.remove());
    expect(await made.clock.run(made.reader.awaitRemoval(NEVER, made.clock.now() + 9000))).toBe(true);
  });

  it('is torn at each command, before and after: nothing is approved', async () => {
    const whole = (await tapped().then(({ made, channel }) => made.clock.run(pay(channel, 1200)))).record
      .exchanges;
    expect(whole.length).toBeGreaterThan(3);
    for (let apdu = 0; apdu < whole.length; apdu++) {
      for (const when of ['before', 'after'] as const) {
        const { made, channel } = await tapped();
        made.simulator.tear({ apdu, when });
        const { code } = await made.clock.run(pay(channel, 1200));
        expect(code).not.toContain('APPROVED');
        expect(made.simulator.state()).toMatchObject({
          executed: apdu + (when === 'after' ? 1 : 0),
          field: false,
        });
      }
    }
  });

  it('at 115,200 bits a second takes little more than its bytes', async () => {
    const clock = new VirtualClock(0);
    const simulator = createPn532Simulator({ clock });
    let bytes = 0;
    const dialler: Dialler = {
      address: 'paced',
      dial: async () => {
        const [host, device] = memoryPair(clock);
        const counted = {
          ...device,
          read: async (signal: AbortSignal) => {
            const chunk = await device.read(signal);
            bytes += chunk?.length ?? 0;
            return chunk;
          },
          write: (chunk: Uint8Array) => {
            bytes += chunk.length;
            return device.write(chunk);
          },
        };
        void simulator.serve(paced(counted, clock, () => PN532_LINE, 0));
        return { kind: 'connected', stream: host };
      },
    };
    const reader = createPn532Reader({ clock, dialler });
    await clock.run(reader.open(NEVER, 5000));
    simulator.tap(visa());
    const channel = await clock.run(powered(reader));
    const [start, before] = [clock.now(), bytes];
    expect((await clock.run(pay(channel, 1200))).code).toBe('APPROVED_OFFLINE');
    const byteTimeMs = ((bytes - before) * 10 * 1000) / PN532_LINE.baud;
    expect(clock.now() - start).toBeGreaterThan(0.99 * byteTimeMs);
    expect(clock.now() - start).toBeLessThan(1.01 * byteTimeMs);
  });

  it('shows no card data in the frames of the trace', async () => {
    const clock = new VirtualClock(0);
    const trace = createTrace(clock, (event) => event);
    const frames: TraceEvent[] = [];
    trace.subscribe((event) => frames.push(event), ['device']);
    const { made, channel } = await tapped({ reader: { trace } });
    await made.clock.run(pay(channel, 1200));
    const shown = frames.map((event) => (event.kind === 'device' ? toHex(event.bytes) : ''));
    expect(shown.some((hex) => hex.includes('D54B01'))).toBe(true);
    expect(shown.filter((hex) => hex.includes('D541') || hex.includes('D440')).length).toBeGreaterThan(6);
    expect(shown.join(' ')).not.toContain('4761739001010119');
    expect(Math.max(...shown.map((hex) => (/D440|D541/.test(hex) ? hex.length / 2 : 0)))).toBeLessThanOrEqual(
      9,
    );
  });
});
