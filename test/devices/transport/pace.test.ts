import { describe, expect, it } from 'vitest';
import { honourSpeed } from '../../../devices/transport/honour-speed.ts';
import { asLine } from '../../../devices/transport/line.ts';
import { COMMON_SETTINGS, type LineSettings } from '../../../devices/transport/line-settings.ts';
import { memoryPair } from '../../../devices/transport/memory.ts';
import { paced } from '../../../devices/transport/pace.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';
import type { ByteStream } from '../../../src/ports/stream.ts';

describe('a paced line', () => {
  function setUp(settings: () => LineSettings) {
    const clock = new VirtualClock(0);
    const [near, far] = memoryPair(clock);
    return { clock, near: paced(near, clock, settings, 0), far };
  }

  it('takes the time of the wire both ways', async () => {
    const { clock, near, far } = setUp(() => COMMON_SETTINGS);
    await clock.run(
      (async () => {
        void near.write(new Uint8Array(48));
        void near.write(new Uint8Array(48));
        expect((await far.read(NEVER))?.length).toBe(48);
        expect(clock.now()).toBe(50);
        await far.read(NEVER);
        expect(clock.now()).toBe(100);
        await far.write(new Uint8Array(96));
        await near.read(NEVER);
        expect(clock.now()).toBe(200);
      })(),
    );
  });

  it('follows a change of speed', async () => {
    let baud = 9600;
    const { clock, near, far } = setUp(() => ({ ...COMMON_SETTINGS, baud }));
    await clock.run(
      (async () => {
        await near.write(new Uint8Array(96));
        expect(clock.now()).toBe(100);
        baud = 96_000;
        await near.write(new Uint8Array(96));
        expect(clock.now()).toBe(110);
        expect((await far.read(NEVER))?.length).toBe(96);
      })(),
    );
  });

  it('passes the end on in its turn, and is closed', async () => {
    const { clock, near, far } = setUp(() => COMMON_SETTINGS);
    await far.write(new Uint8Array(96));
    await far.close();
    await clock.run(
      (async () => {
        expect((await near.read(NEVER))?.length).toBe(96);
        expect(await near.read(NEVER)).toBeUndefined();
        expect(clock.now()).toBe(100);
      })(),
    );
    await near.close();
    await expect(near.write(new Uint8Array(1))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

/** What is there to be read, in hex; nonsense may be nothing at all. */
async function heard(stream: ByteStream): Promise<string> {
  const abort = new AbortController();
  setImmediate(() => abort.abort());
  return toHex((await stream.read(abort.signal).catch(() => undefined)) ?? new Uint8Array(0));
}

describe('a device that honours the speed', () => {
  const frame = fromHex('0000FF02FED4022A00');

  function setUp(speed: () => Promise<number | undefined>) {
    const clock = new VirtualClock(0);
    const [near, far] = memoryPair(clock);
    const own: LineSettings = { ...COMMON_SETTINGS, baud: 115_200 };
    let asked = 0;
    const count = () => {
      asked++;
      return speed();
    };
    const pty = { line: asLine(near, 'pty', clock, own), speed: count };
    return { clock, device: honourSpeed(pty, clock, () => own), host: far, asked: () => asked };
  }

  it('hears and speaks nonsense at another speed, both ways', async () => {
    const { device, host } = setUp(async () => 9600);
    await host.write(frame);
    expect(await heard(device)).not.toBe(toHex(frame));
    await device.write(frame);
    expect(await heard(host)).not.toBe(toHex(frame));
  });

  it('hears and speaks plainly at its own, and asks again only after silence', async () => {
    let baud = 115_200;
    const { clock, device, host, asked } = setUp(async () => baud);
    for (let i = 0; i < 5; i++) {
      await host.write(frame);
      expect(await device.read(NEVER)).toEqual(frame);
      await device.write(frame);
      expect(await host.read(NEVER)).toEqual(frame);
      await clock.advance(150);
    }
    expect(asked()).toBe(1);
    baud = 9600;
    await clock.advance(200);
    await host.write(frame);
    expect(await heard(device)).not.toBe(toHex(frame));
    expect(asked()).toBe(2);
  });

  it('assumes its own speed when the other cannot be asked', async () => {
    const { device, host } = setUp(async () => undefined);
    await host.write(frame);
    expect(await device.read(NEVER)).toEqual(frame);
  });
});
