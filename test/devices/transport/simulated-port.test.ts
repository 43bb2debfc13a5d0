import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Line } from '../../../devices/transport/line.ts';
import { LineReader } from '../../../devices/transport/line-reader.ts';
import { COMMON_SETTINGS, type LineSettings, wireTimeMs } from '../../../devices/transport/line-settings.ts';
import { lineDialler } from '../../../devices/transport/open.ts';
import { ptyPort, type SimulatedPort, tcpPort } from '../../../devices/transport/simulated-port.ts';
import { wireClock } from '../../../devices/transport/wire-clock.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { NEVER } from '../../../src/platform/clock.ts';
import { isPossumError } from '../../../src/platform/errors.ts';
import type { ByteStream } from '../../../src/ports/stream.ts';
import { onLinux } from '../../support/linux.ts';

const clock = wireClock();
const settings: LineSettings = { ...COMMON_SETTINGS, baud: 115_200 };
const folder = mkdtempSync(join(tmpdir(), 'possum-sim-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Answers each piece with itself. */
function echo(stream: ByteStream): void {
  const loop = async () => {
    for (let piece = await stream.read(NEVER); piece !== undefined; piece = await stream.read(NEVER))
      await stream.write(piece);
    await stream.close();
  };
  void loop().catch(() => {});
}

async function connect(port: SimulatedPort, wanted = settings): Promise<Line> {
  const target = port.path.startsWith('tcp:')
    ? ({ kind: 'tcp', address: port.path } as const)
    : ({ kind: 'serial', path: port.path } as const);
  const dialled = await lineDialler(target, wanted, clock).dial(NEVER, clock.now() + 5000);
  if (dialled.kind !== 'connected') throw new Error(dialled.reason);
  return dialled.stream;
}

/** @returns the answer, `silence` or `lost`; a device that hangs up at once may do so before the write has ended */
async function ask(line: Line, hex: string, waitMs = 3000): Promise<string> {
  const written = await line.write(fromHex(hex)).then(
    () => true,
    (error: unknown) => {
      if (!isPossumError(error, 'UNAVAILABLE')) throw error;
      return false;
    },
  );
  if (!written) return 'lost';
  const received = await new LineReader(line).next(NEVER, clock.now() + waitMs);
  return received.kind === 'bytes' ? toHex(received.bytes) : received.kind;
}

const ports: readonly [string, () => Promise<SimulatedPort>][] = [
  [
    'a socket',
    () => tcpPort({ host: '127.0.0.1', port: 0 }, { clock, settings: () => settings, serve: echo }),
  ],
  [
    'a pseudo-terminal',
    () => ptyPort({ clock, settings: () => settings, serve: echo, link: join(folder, 'dev') }),
  ],
];

describe.each(onLinux ? ports : ports.slice(0, 1))('a device on %s', (_, make) => {
  it('vanishes when it is unplugged and is found again under the same name', async () => {
    const port = await make();
    const { path } = port;
    const before = await connect(port);
    expect(await ask(before, '01')).toBe('01');
    await port.unplug();
    expect(await new LineReader(before).next(NEVER, clock.now() + 3000)).toEqual({ kind: 'lost' });
    await before.close();
    await expect(connect(port)).rejects.toThrow(/\. /);
    await port.replug();
    await port.replug();
    expect(port.path).toBe(path);
    const after = await connect(port);
    expect(await ask(after, '02')).toBe('02');
    await after.close();
    await port.close();
    await port.close();
    await expect(connect(port)).rejects.toThrow();
  });
});

describe.runIf(onLinux)('a device on a pseudo-terminal', () => {
  it('speaks nonsense to a program with another speed, until that is set right', async () => {
    const port = await ptyPort({ clock, settings: () => settings, serve: echo, honourSpeed: true });
    const line = await connect(port, { ...settings, baud: 57_600 });
    expect(await ask(line, '0000FF02FED4022A00', 300)).not.toBe('0000FF02FED4022A00');
    expect(await new LineReader(line).discardUntilQuiet(250, NEVER, clock.now() + 3000)).toMatchObject({
      kind: 'quiet',
    });
    await line.setBaud(115_200);
    expect(await ask(line, '0000FF02FED4022A00')).toBe('0000FF02FED4022A00');
    await line.close();
    await port.close();
  });

  it('takes the time of the wire when it is paced', async () => {
    const slow: LineSettings = { ...settings, baud: 9600 };
    const port = await ptyPort({ clock, settings: () => slow, serve: echo, pace: true });
    const line = await connect(port, slow);
    const startMs = clock.now();
    expect(await ask(line, '55'.repeat(48))).toBe('55'.repeat(48));
    // There and back, less the grain of a timer each way.
    expect(clock.now() - startMs).toBeGreaterThan(2 * wireTimeMs(slow, 48) - 3);
    await line.close();
    await port.close();
  });

  it('is plugged in anew after the device hung up by itself', async () => {
    const hangUp = (stream: ByteStream) => void stream.read(NEVER).then(() => stream.close());
    const link = join(folder, 'hangs-up');
    const port = await ptyPort({ clock, settings: () => settings, serve: hangUp, link });
    for (let round = 0; round < 2; round++) {
      const line = await connect(port);
      expect(await ask(line, '01')).toBe('lost');
      await line.close();
      await expect(connect(port)).rejects.toThrow();
      await port.replug();
    }
    await port.close();
  });

  it('does not take the name of a file', async () => {
    const link = join(folder, 'file');
    writeFileSync(link, 'text');
    await expect(ptyPort({ clock, settings: () => settings, serve: echo, link })).rejects.toMatchObject({
      code: 'USAGE',
    });
    expect(existsSync(link)).toBe(true);
  });
});
