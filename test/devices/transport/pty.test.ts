import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Line } from '../../../devices/transport/line.ts';
import { LineReader } from '../../../devices/transport/line-reader.ts';
import { COMMON_SETTINGS, type LineSettings } from '../../../devices/transport/line-settings.ts';
import { openPty, type Pty, pointLink, removeLink } from '../../../devices/transport/pty.ts';
import { openSerial } from '../../../devices/transport/serial.ts';
import { wireClock } from '../../../devices/transport/wire-clock.ts';
import { concat, toHex } from '../../../src/platform/bytes.ts';
import { NEVER } from '../../../src/platform/clock.ts';
import { onLinux } from '../../support/linux.ts';

const clock = wireClock();
const settings: LineSettings = { ...COMMON_SETTINGS, baud: 115_200 };
const open: Line[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((line) => line.close()));
});

async function pty(): Promise<Pty> {
  const made = await openPty(settings, clock);
  open.push(made.line);
  return made;
}

async function serial(path: string, wanted: LineSettings = settings): Promise<Line> {
  const opened = await openSerial(path, wanted, clock, NEVER, clock.now() + 5000);
  if (opened.kind !== 'open') throw new Error(`${opened.message}. ${opened.remedy}`);
  open.push(opened.line);
  return opened.line;
}

/** Reads until `length` bytes are there, at most five seconds. */
async function exactly(line: Line, length: number): Promise<string> {
  const reader = new LineReader(line);
  const deadlineMs = clock.now() + 5000;
  let got: Uint8Array = new Uint8Array(0);
  while (got.length < length) {
    const received = await reader.next(NEVER, deadlineMs);
    if (received.kind !== 'bytes') return `${toHex(got)} ${received.kind}`;
    got = concat(got, received.bytes);
  }
  return toHex(got);
}

const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);

describe.runIf(onLinux)('a serial port that is a pseudo-terminal', () => {
  it('carries every byte both ways, unchanged', async () => {
    const device = await pty();
    const host = await serial(device.path);
    await host.write(everyByte);
    expect(await exactly(device.line, 256)).toBe(toHex(everyByte));
    await device.line.write(everyByte);
    expect(await exactly(host, 256)).toBe(toHex(everyByte));
  });

  it('carries more than its buffer holds', async () => {
    const device = await pty();
    const host = await serial(device.path);
    const much = new Uint8Array(65_536).map((_, i) => (i * 7) >> 3);
    const [received] = await Promise.all([exactly(host, much.length), device.line.write(much)]);
    expect(received).toBe(toHex(much));
    const [back] = await Promise.all([exactly(device.line, much.length), host.write(much)]);
    expect(back).toBe(toHex(much));
  });

  it('serves one program after the other', async () => {
    const device = await pty();
    for (const byte of [1, 2, 3]) {
      const host = await serial(device.path);
      await host.write(Uint8Array.of(byte));
      expect(await exactly(device.line, 1)).toBe(toHex(Uint8Array.of(byte)));
      await host.close();
      await expect(host.write(Uint8Array.of(9))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      expect(await host.read(NEVER)).toBeUndefined();
    }
  });

  it('loses what nobody reads, and does not wait for it for ever', async () => {
    const device = await pty();
    await device.line.write(new Uint8Array(65_536));
    const host = await serial(device.path);
    await device.line.write(Uint8Array.of(0x42));
    // What had been sent before is thrown away when the port is opened.
    expect(await exactly(host, 1)).toBe('42');
  });

  it('has no modem lines, which is no fault', async () => {
    const host = await serial((await pty()).path);
    expect(await host.setModem({ dtr: true, rts: false })).toMatchObject({ kind: 'lines unavailable' });
    expect(await host.modem()).toMatchObject({ kind: 'lines unavailable' });
  });

  it('tells the device which speed the program has set', async () => {
    const device = await pty();
    const host = await serial(device.path, { ...settings, baud: 19_200 });
    expect(await device.speed()).toBe(19_200);
    expect(await host.setBaud(57_600)).toBe(true);
    expect(host.settings.baud).toBe(57_600);
    expect(await device.speed()).toBe(57_600);
    expect(await host.setBaud(128_800)).toBe(true);
    expect(await device.speed()).toBe(128_800);
  });

  it('is lost at once when the device is unplugged during a wait', async () => {
    const device = await pty();
    const host = await serial(device.path);
    const wait = new LineReader(host).next(NEVER, clock.now() + 10_000);
    const unpluggedMs = clock.now();
    await device.line.close();
    expect(await wait).toEqual({ kind: 'lost' });
    expect(clock.now() - unpluggedMs).toBeLessThan(3000);
    await expect(host.write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(host.setBaud(9600)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await device.speed()).toBeUndefined();
    await expect(device.line.write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('is lost within three seconds when the device is unplugged while bytes arrive', async () => {
    const device = await pty();
    const host = await serial(device.path);
    // Above the limit of unread bytes nobody polls the port.
    await device.line.write(new Uint8Array(400_000));
    await device.line.close();
    const unpluggedMs = clock.now();
    const reader = new LineReader(host);
    for (;;) {
      const received = await reader.next(NEVER, unpluggedMs + 10_000);
      if (received.kind === 'bytes') continue;
      expect(received).toEqual({ kind: 'lost' });
      break;
    }
    expect(clock.now() - unpluggedMs).toBeLessThan(3000);
  });

  it('is locked against a second program', async () => {
    const device = await pty();
    await serial(device.path);
    const second = await openSerial(device.path, settings, clock, NEVER, clock.now() + 5000);
    expect(second).toMatchObject({ kind: 'failed', why: 'busy', where: device.path });
  });

  it('names the program that has it', async () => {
    const device = await pty();
    const script = 'open(P,"+<",$ARGV[0]) and flock(P,6) and print("locked\\n") and <STDIN>';
    const holder = spawn('perl', ['-e', `$|=1; ${script}`, device.path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    const refused = await openSerial(device.path, settings, clock, NEVER, clock.now() + 5000);
    holder.stdin.end();
    await once(holder, 'close');
    expect(refused).toMatchObject({ kind: 'failed', why: 'busy' });
    expect(refused.kind === 'failed' && refused.message).toContain(`${holder.pid} (perl)`);
  });

  it('is stopped and started by the device under flow control', async () => {
    const device = await pty();
    const host = await serial(device.path, { ...settings, flow: 'xon' });
    const reader = new LineReader(device.line);
    await device.line.write(Uint8Array.of(0x13));
    // It takes the kernel a moment to pass it on.
    expect(await reader.next(NEVER, clock.now() + 100)).toEqual({ kind: 'silence' });
    const written = host.write(Uint8Array.of(1, 2, 3));
    expect(await reader.next(NEVER, clock.now() + 100)).toEqual({ kind: 'silence' });
    // What it has to say is heard while it takes nothing.
    await device.line.write(Uint8Array.of(0x55));
    expect(await exactly(host, 1)).toBe('55');
    await device.line.write(Uint8Array.of(0x56));
    expect(await exactly(host, 1)).toBe('56');
    expect(await reader.next(NEVER, clock.now() + 100)).toEqual({ kind: 'silence' });
    await device.line.write(Uint8Array.of(0x11));
    await written;
    expect(await exactly(device.line, 3)).toBe('010203');
  });

  it('gives up a read when the signal is aborted and loses nothing by it', async () => {
    const device = await pty();
    const host = await serial(device.path);
    const abort = new AbortController();
    const wait = new LineReader(host).next(abort.signal, clock.now() + 5000);
    abort.abort();
    await expect(wait).rejects.toMatchObject({ code: 'CANCELLED' });
    await device.line.write(Uint8Array.of(7));
    expect(await exactly(host, 1)).toBe('07');
  });

  it('is not opened once the signal is aborted', async () => {
    const device = await pty();
    await expect(
      openSerial(device.path, settings, clock, AbortSignal.abort(), clock.now() + 5000),
    ).rejects.toMatchObject({ code: 'CANCELLED' });
    const host = await serial(device.path);
    expect(host.where).toBe(device.path);
  });
});

describe.runIf(onLinux)('a stable name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'possum-link-'));
  const link = join(folder, 'reader');

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is pointed anew after a replug, and replaces nothing but links', async () => {
    const first = await pty();
    pointLink(link, first.path);
    await first.line.close();
    const second = await pty();
    pointLink(link, second.path);
    expect(readlinkSync(link)).toBe(second.path);
    const host = await serial(link);
    await host.write(Uint8Array.of(5));
    expect(await exactly(second.line, 1)).toBe('05');
    removeLink(link);
    expect(existsSync(link)).toBe(false);
    writeFileSync(link, 'a file');
    expect(() => pointLink(link, second.path)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
    removeLink(link);
    expect(existsSync(link)).toBe(true);
  });
});

/** The pseudo-terminals that this process has open. */
function openMasters(): number {
  const target = (fd: string) => readlinkSync(join('/proc/self/fd', fd));
  const names = readdirSync('/proc/self/fd').filter((fd) => existsSync(join('/proc/self/fd', fd)));
  return names.filter((fd) => target(fd) === '/dev/ptmx').length;
}

describe('where no pseudo-terminal can be made', () => {
  const { platform, env } = process;
  const { PATH } = env;

  afterEach(() => {
    Object.defineProperty(process, 'platform', { value: platform });
    env.PATH = PATH;
  });

  it.each(['darwin', 'win32'])('%s: the message says to use TCP', async (name) => {
    Object.defineProperty(process, 'platform', { value: name });
    await expect(openPty(settings, clock)).rejects.toMatchObject({
      code: 'USAGE',
      remedy: expect.stringContaining('--tcp'),
    });
  });

  it.runIf(onLinux)('without perl: the message names it, and nothing stays open', async () => {
    const open = openMasters();
    env.PATH = '/nonexistent';
    await expect(openPty(settings, clock)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('perl'),
      remedy: expect.stringContaining('--tcp'),
    });
    expect(openMasters()).toBe(open);
  });
});
