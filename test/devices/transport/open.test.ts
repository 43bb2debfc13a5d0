import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Line } from '../../../devices/transport/line.ts';
import { COMMON_SETTINGS, type LineSettings } from '../../../devices/transport/line-settings.ts';
import { openLine, settingsFor } from '../../../devices/transport/open.ts';
import type { Target } from '../../../devices/transport/spec.ts';
import { listenLine } from '../../../devices/transport/tcp-line.ts';
import { wireClock } from '../../../devices/transport/wire-clock.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';

const clock = wireClock();
const folder = mkdtempSync(join(tmpdir(), 'possum-open-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function open(target: Target, settings: LineSettings = COMMON_SETTINGS) {
  return openLine(target, settings, clock, NEVER, clock.now() + 5000);
}

describe('a plain file', () => {
  it('is appended to, in the order of the writes', async () => {
    const path = join(folder, 'receipts');
    for (const text of ['one', 'two']) {
      const opened = await open({ kind: 'file', path });
      if (opened.kind !== 'open') throw new Error(opened.message);
      await Promise.all([...text].map((letter) => opened.line.write(new TextEncoder().encode(letter))));
      const read = opened.line.read(NEVER);
      await opened.line.close();
      expect(await read).toBeUndefined();
      await expect(opened.line.write(new Uint8Array(1))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    }
    expect(readFileSync(path, 'utf8')).toBe('onetwo');
  });

  it('has neither settings nor modem lines', async () => {
    const opened = await open({ kind: 'file', path: join(folder, 'lines') });
    if (opened.kind !== 'open') throw new Error(opened.message);
    expect(await opened.line.setModem({ dtr: true, rts: true })).toMatchObject({ kind: 'lines unavailable' });
    expect(await opened.line.modem()).toMatchObject({ kind: 'lines unavailable' });
    expect(await opened.line.setBaud(1200)).toBe(true);
    expect(opened.line.settings.baud).toBe(1200);
    await opened.line.close();
  });

  it.each([
    ['/dev/no-such-printer', 'missing'],
    [join(folder, 'no', 'folder'), 'missing'],
    [folder, 'not a port'],
  ])('%s does not open', async (path, why) => {
    expect(await open({ kind: 'file', path })).toMatchObject({ kind: 'failed', why, where: path });
  });

  it('is not opened once the signal is aborted', async () => {
    const target: Target = { kind: 'file', path: join(folder, 'never') };
    await expect(
      openLine(target, COMMON_SETTINGS, clock, AbortSignal.abort(), clock.now() + 1000),
    ).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a device behind a socket', () => {
  async function serve(onLine: (line: Line) => void) {
    return listenLine({ host: '127.0.0.1', port: 0 }, onLine, clock);
  }

  it('serves one program at a time', async () => {
    const lines: Line[] = [];
    const listener = await serve((line) => lines.push(line));
    const target: Target = { kind: 'tcp', address: listener.address };
    const first = await open(target);
    const second = await open(target);
    if (first.kind !== 'open' || second.kind !== 'open') throw new Error('not open');
    expect(await second.line.read(NEVER)).toBeUndefined();
    await first.line.write(Uint8Array.of(1));
    expect(await lines[0]?.read(NEVER)).toEqual(Uint8Array.of(1));
    await first.line.close();
    expect(await lines[0]?.read(NEVER)).toBeUndefined();
    await lines[0]?.close();
    const third = await open(target);
    if (third.kind !== 'open') throw new Error('not open');
    await third.line.write(Uint8Array.of(3));
    expect(await lines[1]?.read(NEVER)).toEqual(Uint8Array.of(3));
    expect(lines.length).toBe(2);
    await third.line.close();
    await listener.close();
  });

  it('is told as refused when nobody listens there', async () => {
    const listener = await serve(() => {});
    await listener.close();
    expect(await open({ kind: 'tcp', address: listener.address })).toMatchObject({
      kind: 'failed',
      why: 'refused',
      where: `tcp://${listener.address}`,
    });
  });

  it('moves on virtual time when both ends are in this process', async () => {
    const virtual = new VirtualClock(0);
    const listener = await listenLine(
      { host: '127.0.0.1', port: 0 },
      (line) => void line.read(NEVER).then((bytes) => bytes && line.write(bytes)),
      virtual,
    );
    await virtual.run(
      (async () => {
        const target: Target = { kind: 'tcp', address: listener.address };
        const opened = await openLine(target, COMMON_SETTINGS, virtual, NEVER, 1000);
        if (opened.kind !== 'open') throw new Error(opened.message);
        await opened.line.write(Uint8Array.of(4));
        expect(await opened.line.read(NEVER)).toEqual(Uint8Array.of(4));
        expect(virtual.now()).toBe(0);
        await opened.line.close();
        await listener.close();
      })(),
    );
  });
});

describe('a target', () => {
  it('that is a simulator has no path to be opened by', async () => {
    await expect(open({ kind: 'sim' })).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('that is a port which is not there fails with a remedy', async () => {
    const opened = await open({ kind: 'serial', path: join(folder, 'ttyUSB9') });
    expect(opened).toMatchObject({ kind: 'failed', why: 'missing' });
  });

  it('takes what the specification says over the defaults of the driver', () => {
    const defaults: LineSettings = { ...COMMON_SETTINGS, baud: 115_200, stopBits: 2 };
    expect(settingsFor(defaults, {})).toEqual(defaults);
    expect(
      settingsFor(defaults, {
        baud: 1200,
        format: { dataBits: 7, parity: 'even', stopBits: 1 },
        flow: 'xon',
      }),
    ).toEqual({ baud: 1200, dataBits: 7, parity: 'even', stopBits: 1, flow: 'xon' });
  });
});
