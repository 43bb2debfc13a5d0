import { describe, expect, it } from 'vitest';
import { asLine, type Line, through } from '../../../devices/transport/line.ts';
import { LineReader } from '../../../devices/transport/line-reader.ts';
import {
  bitsPerByte,
  COMMON_SETTINGS,
  formatName,
  type LineSettings,
  parseFormat,
  wireTimeMs,
} from '../../../devices/transport/line-settings.ts';
import { memoryPair } from '../../../devices/transport/memory.ts';
import { linePair } from '../../../devices/transport/memory-line.ts';
import { record } from '../../../devices/transport/recorder.ts';
import { asReceived } from '../../../devices/transport/uart.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';

function settings(baud: number, format: string): LineSettings {
  const parsed = parseFormat(format);
  if (parsed === undefined) throw new Error(format);
  return { ...COMMON_SETTINGS, ...parsed, baud };
}

const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);
const text = new TextEncoder().encode('\u0002PIN pad\u0003');

async function received(line: Line): Promise<string> {
  const chunk = await line.read(NEVER);
  return chunk === undefined ? 'end' : toHex(chunk);
}

describe('line formats', () => {
  it.each([
    ['8N1', 10],
    ['7E1', 10],
    ['8N2', 11],
    ['7O2', 11],
    ['8E1', 11],
  ])('%s takes %i bits', (name, bits) => {
    const parsed = settings(9600, name);
    expect(formatName(parsed)).toBe(name);
    expect(bitsPerByte(parsed)).toBe(bits);
    expect(wireTimeMs(parsed, 96)).toBe(10 * bits);
  });

  it.each(['9N1', '8N', '8X1', '8N3', '', '8N1 ', '18N1'])('refuses %j', (name) => {
    expect(parseFormat(name)).toBeUndefined();
  });
});

describe('what a receiver makes of another setting', () => {
  it.each([
    ['9600 8N1', settings(9600, '8N1'), settings(9600, '8N1')],
    ['two stop bits', settings(9600, '8N2'), settings(9600, '8N1')],
    ['one stop bit', settings(9600, '8N1'), settings(9600, '8N2')],
    ['a speed that is 2 % off', settings(9600, '8N1'), settings(9408, '8N1')],
  ])('%s: the same bytes', (_, sender, receiver) => {
    expect(asReceived(everyByte, sender, receiver)).toEqual(everyByte);
  });

  it.each([
    ['half the speed', settings(9600, '8N1'), settings(4800, '8N1')],
    ['twice the speed', settings(9600, '8N1'), settings(19_200, '8N1')],
    ['a twelfth', settings(115_200, '8N1'), settings(9600, '8N1')],
    ['twelve times', settings(9600, '8N1'), settings(115_200, '8N1')],
    ['another parity', settings(9600, '7E1'), settings(9600, '7O1')],
    ['eight bits for seven and parity', settings(9600, '7E1'), settings(9600, '8N1')],
    ['seven bits and parity for eight', settings(9600, '8N1'), settings(9600, '7E1')],
  ])('%s: other bytes', (_, sender, receiver) => {
    expect(toHex(asReceived(text, sender, receiver))).not.toBe(toHex(text));
    expect(asReceived(text, sender, receiver)).toEqual(asReceived(text, sender, receiver));
  });

  it('sees the parity as the eighth bit, and drops what has the wrong parity', () => {
    expect(toHex(asReceived(fromHex('010307'), settings(9600, '7E1'), settings(9600, '8N1')))).toBe('810387');
    expect(toHex(asReceived(fromHex('810387'), settings(9600, '8N1'), settings(9600, '7E1')))).toBe('010307');
    expect(toHex(asReceived(fromHex('010307'), settings(9600, '8N1'), settings(9600, '7E1')))).toBe('03');
    expect(toHex(asReceived(fromHex('010307'), settings(9600, '7E1'), settings(9600, '7O1')))).toBe('');
  });

  it('samples the levels as a port does', () => {
    // 55 on a slow line is 00 11 00 11 00 11 00 11 00 11 in bits of the fast one: 66 without a stop bit, then E6.
    expect(toHex(asReceived(fromHex('55'), settings(9600, '8N1'), settings(19_200, '8N1')))).toBe('E6');
  });
});

describe('any bytes at any settings', () => {
  const random = seededRandom('uart');
  const formats = ['7E1', '7O1', '7N2', '8N1', '8N2', '8E1'];
  const bauds = [1200, 9600, 19_200, 57_600, 115_200];
  const some = () => settings(bauds[random.below(5)] as number, formats[random.below(6)] as string);

  it('arrive unchanged when the settings agree, and else are no more than the line had time for', () => {
    for (let i = 0; i < 300; i++) {
      const [sender, receiver] = [some(), some()];
      const bytes = random.bytes(random.below(40)).map((byte) => byte & (2 ** sender.dataBits - 1));
      expect(asReceived(bytes, sender, sender)).toEqual(bytes);
      const most = wireTimeMs(sender, bytes.length) / wireTimeMs({ ...receiver, stopBits: 1 }, 1);
      expect(asReceived(bytes, sender, receiver).length).toBeLessThanOrEqual(Math.ceil(most) + 1);
    }
  });
});

describe('a stream laid over a line', () => {
  it('carries the bytes, while settings and modem lines are those of the line', async () => {
    const clock = new VirtualClock(0);
    const [host, device] = linePair(clock, { settings: [settings(9600, '8N1'), settings(19_200, '8N1')] });
    const rows: string[] = [];
    const line = through(host, record(host, clock, (row) => rows.push(row)).stream);
    expect(await line.setBaud(19_200)).toBe(true);
    expect(line.settings.baud).toBe(19_200);
    expect(await line.modem()).toMatchObject({ kind: 'lines' });
    await line.write(fromHex('01'));
    expect(await received(device)).toBe('01');
    expect(rows).toEqual(['   0.000  H>D  01']);
  });
});

describe('a line in memory with settings', () => {
  const usual = settings(9600, '8N1');

  it('carries bytes both ways when the settings agree', async () => {
    const [host, device] = linePair(new VirtualClock(0), { settings: [usual, usual] });
    await host.write(everyByte);
    expect(await received(device)).toBe(toHex(everyByte));
    await device.write(Uint8Array.of(6));
    expect(await received(host)).toBe('06');
  });

  it('carries other bytes both ways when they do not, until the host changes its speed', async () => {
    const [host, device] = linePair(new VirtualClock(0), { settings: [settings(19_200, '8N1'), usual] });
    await host.write(text);
    await device.write(text);
    expect(await received(device)).not.toBe(toHex(text));
    expect(await received(host)).not.toBe(toHex(text));
    expect(await host.setBaud(9600)).toBe(true);
    await host.write(text);
    expect(await received(device)).toBe(toHex(text));
  });

  it('takes the time of the wire when it is paced, with nothing overtaking', async () => {
    const clock = new VirtualClock(0);
    const [host, device] = linePair(clock, { settings: [usual, usual], paced: true });
    await clock.run(
      (async () => {
        await host.write(new Uint8Array(96));
        await host.write(Uint8Array.of(1));
        await host.close();
        expect((await device.read(NEVER))?.length).toBe(96);
        expect(clock.now()).toBe(100);
        expect(await received(device)).toBe('01');
        expect(clock.now()).toBeCloseTo(101.04, 1);
        expect(await received(device)).toBe('end');
      })(),
    );
  });

  it('crosses the modem lines', async () => {
    const [host, device] = linePair(new VirtualClock(0), { settings: [usual, usual] });
    await host.setModem({ dtr: true, rts: false });
    expect(await device.modem()).toEqual({ kind: 'lines', cts: false, dsr: true, dcd: true });
    await host.close();
    expect(await device.modem()).toEqual({ kind: 'lines', cts: false, dsr: false, dcd: false });
  });

  it('ends both ways when one end is closed', async () => {
    const [host, device] = linePair(new VirtualClock(0), { settings: [usual, usual] });
    await device.close();
    expect(await received(host)).toBe('end');
    await expect(host.write(text)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(device.write(text)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(host.setBaud(1200)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('a reader with deadlines', () => {
  function setUp() {
    const clock = new VirtualClock(0);
    const [near, far] = memoryPair(clock);
    const reader = new LineReader(asLine(near, 'memory', clock, COMMON_SETTINGS));
    return { clock, near, far, reader };
  }

  it('loses nothing that comes after its deadline', async () => {
    const { clock, far, reader } = setUp();
    await clock.run(
      (async () => {
        expect(await reader.next(NEVER, 50)).toEqual({ kind: 'silence' });
        expect(clock.now()).toBe(50);
        await far.write(Uint8Array.of(1));
        expect(await reader.next(NEVER, 50)).toEqual({ kind: 'bytes', bytes: Uint8Array.of(1) });
      })(),
    );
  });

  it('tells the end of the line', async () => {
    const { clock, far, reader } = setUp();
    await far.close();
    expect(await clock.run(reader.next(NEVER, 50))).toEqual({ kind: 'lost' });
    expect(await clock.run(reader.discardUntilQuiet(10, NEVER, 50))).toEqual({ kind: 'lost', dropped: 0 });
  });

  it('is cancelled by its signal, before and during a wait', async () => {
    const { reader } = setUp();
    await expect(reader.next(AbortSignal.abort(), 50)).rejects.toMatchObject({ code: 'CANCELLED' });
    const abort = new AbortController();
    const wait = reader.next(abort.signal, 50);
    abort.abort();
    await expect(wait).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('throws away until nothing comes', async () => {
    const { clock, far, reader } = setUp();
    for (const atMs of [0, 20, 45]) clock.after(atMs, () => void far.write(new Uint8Array(3)));
    expect(await clock.run(reader.discardUntilQuiet(50, NEVER, 1000))).toEqual({ kind: 'quiet', dropped: 9 });
    expect(clock.now()).toBe(95);
  });

  it('does not wait for silence beyond its deadline', async () => {
    const { clock, far, reader } = setUp();
    const babble = () => {
      void far.write(new Uint8Array(8));
      if (clock.now() < 2000) clock.after(10, babble);
    };
    babble();
    expect(await clock.run(reader.discardUntilQuiet(50, NEVER, 1000))).toMatchObject({ kind: 'noisy' });
    expect(clock.now()).toBe(1000);
  });
});
