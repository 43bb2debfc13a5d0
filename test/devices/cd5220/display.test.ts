import { describe, expect, it } from 'vitest';
import { type Cd5220Services, createCd5220Display } from '../../../devices/cd5220/driver.ts';
import { brightness, type Command, CommandReader } from '../../../devices/cd5220/frames.ts';
import { cd5220Options } from '../../../devices/cd5220/options.ts';
import { createCd5220Simulator } from '../../../devices/cd5220/simulator.ts';
import { memoryPair } from '../../../devices/transport/memory.ts';
import { parseDeviceSpec } from '../../../devices/transport/spec.ts';
import { fromHex, latin1, toHex } from '../../../src/platform/bytes.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import type { ByteStream } from '../../../src/ports/index.ts';

const EXAMPLE = '0C1B5141544F54414C0D1B51424555522031322E33340D';
const row = (text: string) => text.padEnd(20);

async function opened(settings: Cd5220Services['settings'] = {}) {
  const clock = new VirtualClock(0);
  const simulator = createCd5220Simulator();
  const written: string[] = [];
  const devices: ByteStream[] = [];
  let isPlugged = true;
  const display = createCd5220Display({
    clock,
    settings,
    dialler: {
      address: 'sim',
      dial: async () => {
        if (!isPlugged) return { kind: 'refused', reason: 'no such device' };
        const [driver, device] = memoryPair(clock);
        devices.push(device);
        void simulator.serve(device);
        const write = (bytes: Uint8Array) => {
          written.push(toHex(bytes));
          return driver.write(bytes);
        };
        return { kind: 'connected', stream: { ...driver, write } };
      },
    },
  });
  expect(await clock.run(display.open(NEVER, 5000))).toEqual({ kind: 'opened' });
  await clock.advance(1);
  const plug = async (isIn: boolean) => {
    isPlugged = isIn;
    if (!isIn) await devices.at(-1)?.close();
  };
  return { clock, simulator, display, written, plug };
}

/** What a display shows after some bytes. */
async function shown(hex: string) {
  const clock = new VirtualClock(0);
  const simulator = createCd5220Simulator();
  const [host, device] = memoryPair(clock);
  void simulator.serve(device);
  await host.write(fromHex(hex));
  await clock.advance(1);
  return simulator;
}

describe('a display behind the port', () => {
  it('is sent the documented bytes', async () => {
    const { clock, simulator, display, written } = await opened();
    display.show(['TOTAL', 'EUR 12.34']);
    await clock.advance(1);
    expect(written.at(-1)).toBe(EXAMPLE);
    expect(simulator.lines).toEqual([row('TOTAL'), row('EUR 12.34')]);
    expect(simulator.unknown).toBe(0);
  });

  it('shows what fits, and obeys nothing in a text', async () => {
    const { clock, simulator, display } = await opened();
    display.show(['x'.repeat(30), 'é 费 \x0c\x1b@', 'third']);
    await clock.advance(1);
    expect(simulator.lines).toEqual(['x'.repeat(20), row('é ? ??@')]);
  });

  it('gives the line back to the printer behind it', async () => {
    const { clock, simulator, display, written } = await opened({ passThrough: true });
    display.show(['TOTAL']);
    await clock.advance(1);
    expect(written.at(-1)).toMatch(/^1B3D020C.*1B3D01$/);
    expect(simulator.lines).toEqual([row('TOTAL'), row('')]);
    display.show(['THANK YOU']);
    await clock.advance(1);
    expect(simulator.lines).toEqual([row('THANK YOU'), row('')]);
  });

  it('shows the newest screen when it is plugged in again', async () => {
    const { clock, simulator, display, plug } = await opened();
    await plug(false);
    await clock.advance(100);
    expect(display.isOnline).toBe(false);
    display.show(['while away']);
    await clock.advance(4000);
    await plug(true);
    await clock.advance(6000);
    expect(display.isOnline).toBe(true);
    expect(simulator.lines[0]).toBe(row('while away'));
    await display.close();
    await plug(false);
    await clock.advance(60_000);
    expect(display.isOnline).toBe(false);
  });
});

describe('a simulated display', () => {
  it.each([
    ['text from the first place on', toHex(latin1('AB')), ['AB', '']],
    ['a place', `1B6C0302${toHex(latin1('X'))}`, ['', '  X']],
    ['a place that is none', '1B6C150358', ['X', '']],
    ['moves', '410A42084308080D44', ['A', 'DC']],
    ['the end of the lower line', `1B6C1402${toHex(latin1('XY'))}`, ['Y', `${' '.repeat(19)}X`]],
    ['a cleared line', '410A4218', ['A', '']],
    ['line mode, which ends with a clear', '1B5141410D421B6C010243', ['A', '']],
    ['line mode, ended', '1B5141410D0C42', ['B', '']],
    ['text for the printer', '1B3D01411B3D0242', ['B', '']],
  ])('shows %s', async (_, hex, [upper = '', lower = '']) => {
    expect((await shown(hex)).lines).toEqual([row(upper), row(lower)]);
  });

  it('has its brightness, and counts what it does not know', async () => {
    expect((await shown(toHex(brightness(2)))).brightness).toBe(2);
    expect((await shown('1B2A09')).brightness).toBe(4);
    expect((await shown('1B7F1B51430141')).unknown).toBe(3);
  });

  it('stands any bytes', () => {
    const reader = new CommandReader();
    const kinds = new Set<Command['kind']>();
    let held = 0;
    const noise = seededRandom('cd5220')
      .bytes(50_000)
      .map((byte, index) => (index % 4 === 0 ? 0x1b : index % 4 === 1 && byte < 128 ? 0x51 : byte));
    for (const byte of noise) {
      held++;
      const command = reader.take(byte);
      if (command === undefined) continue;
      kinds.add(command.kind);
      expect(held).toBeLessThanOrEqual(43);
      held = 0;
    }
    expect(kinds).toContain('unknown');
    expect(kinds).toContain('text');
  });
});

describe('keys of the driver', () => {
  it('are read', () => {
    const drivers = { cd5220: cd5220Options() };
    expect(parseDeviceSpec('cd5220:/dev/ttyS0?passThrough=true', drivers)).toMatchObject({
      own: { passThrough: true },
    });
    expect(() => parseDeviceSpec('cd5220:sim?passThrough=1', drivers)).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    );
  });
});
