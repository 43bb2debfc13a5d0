import type { SerialPort } from 'serialport';
import { type Clock, cancelled, type Timer, until } from '../../src/platform/clock.ts';
import { Inbox } from './inbox.ts';
import { type Line, type LinesUnavailable, lineClosed, type OpenedLine, type OpenFailure } from './line.ts';
import type { LineSettings } from './line-settings.ts';
import { explainOpenFailure } from './serial-failure.ts';

type Binding = typeof SerialPort.binding;
type Port = Awaited<ReturnType<Binding['open']>>;

/** How often an idle port is asked whether it is still there. */
const PULSE_MS = 1000;
/** The largest piece that one read takes. */
const CHUNK = 4096;
/** Above this many unread bytes the port is left to its own buffer. */
const UNREAD_LIMIT = 256 * 1024;
/** A close that the operating system does not finish is given up. */
const CLOSE_MS = 2000;

let loaded: Promise<Binding> | undefined;

/** The native binding, loaded on first use. */
export function serialBinding(): Promise<Binding> {
  loaded ??= import('serialport').then((module) => module.SerialPort.binding);
  return loaded;
}

/**
 * Opens a serial port: `/dev/ttyUSB0`, a name in `/dev/serial/by-id`, a pseudo-terminal, `COM3`. It is locked against
 * other programs that ask for a lock.
 * @param clock wire time
 * @param deadlineMs a reading of `clock`
 * @throws PossumError `CANCELLED` when `signal` is aborted
 */
export async function openSerial(
  path: string,
  settings: LineSettings,
  clock: Clock,
  signal: AbortSignal,
  deadlineMs: number,
): Promise<OpenedLine> {
  if (signal.aborted) throw cancelled();
  const opening = open(path, settings);
  try {
    const opened = await until(clock, deadlineMs, opening, signal);
    if (opened !== undefined)
      return 'port' in opened
        ? { kind: 'open', line: new SerialLine(opened.port, path, settings, clock) }
        : opened;
  } catch (error) {
    closeLate(opening);
    throw error;
  }
  closeLate(opening);
  return {
    kind: 'failed',
    why: 'timeout',
    where: path,
    message: 'the port did not open in time',
    remedy: 'Unplug the device and plug it in again.',
  };
}

async function open(path: string, settings: LineSettings): Promise<{ readonly port: Port } | OpenFailure> {
  let binding: Binding;
  try {
    binding = await serialBinding();
  } catch (cause) {
    return {
      kind: 'failed',
      why: 'no driver',
      where: path,
      message: `the serialport package does not load (${textOf(cause)})`,
      remedy: 'Install it again: npm ci.',
    };
  }
  try {
    const port: Port = await binding.open({
      path,
      baudRate: settings.baud,
      dataBits: settings.dataBits,
      parity: settings.parity,
      stopBits: settings.stopBits,
      rtscts: settings.flow === 'rtscts',
      xon: settings.flow === 'xon',
      // Only the device stops the flow: bytes of our own would end up inside what is printed.
      xoff: false,
      lock: true,
    });
    watchBothDirections(port);
    return { port };
  } catch (cause) {
    return explainOpenFailure(path, textOf(cause));
  }
}

/** What the binding waits with on Unix; Windows has none. */
interface Poller {
  poll(events: number): void;
  listenerCount(event: 'readable' | 'writable'): number;
}

/**
 * The binding's poller forgets that a write waits when a read begins to wait, and the other way round: a device that
 * stops the flow would not be heard, and a write could wait for ever. So each wait names all that is waited for.
 */
function watchBothDirections(port: Port): void {
  const { poller } = port as { readonly poller?: Partial<Poller> };
  if (typeof poller?.poll !== 'function' || typeof poller.listenerCount !== 'function') return;
  const { listenerCount } = poller;
  const poll = poller.poll.bind(poller);
  const waiting = (event: 'readable' | 'writable', flag: number) =>
    listenerCount.call(poller, event) > 0 ? flag : 0;
  poller.poll = (events) => poll(events | waiting('readable', 1) | waiting('writable', 2));
}

function closeLate(opening: Promise<{ readonly port: Port } | OpenFailure>): void {
  void opening.then((opened) => ('port' in opened ? opened.port.close().catch(() => {}) : undefined));
}

class SerialLine implements Line {
  readonly where: string;
  readonly clock: Clock;
  readonly #port: Port;
  readonly #inbox = new Inbox();
  #settings: LineSettings;
  #closing: Promise<void> | undefined;
  #pulse: Timer | undefined;
  #reading = false;
  /** The writes that the operating system has not taken yet, one after the other. */
  #writes: Promise<void> = Promise.resolve();
  readonly #lost = new AbortController();

  constructor(port: Port, path: string, settings: LineSettings, clock: Clock) {
    this.#port = port;
    this.where = path;
    this.#settings = settings;
    this.clock = clock;
    void this.#pump();
    this.#beat();
  }

  get settings(): LineSettings {
    return this.#settings;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#lost.signal.aborted) return Promise.reject(lineClosed(this.where));
    const piece = Buffer.from(bytes);
    const written = this.#writes.then(() => this.#write(piece));
    this.#writes = written.catch(() => {});
    return written;
  }

  /** A write to a port that vanished may never come back: it ends with the line. */
  #write(piece: Buffer): Promise<void> {
    const { signal } = this.#lost;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(lineClosed(this.where));
        return;
      }
      const onLost = () => reject(lineClosed(this.where));
      signal.addEventListener('abort', onLost, { once: true });
      this.#port.write(piece).then(
        () => {
          signal.removeEventListener('abort', onLost);
          resolve();
        },
        () => {
          signal.removeEventListener('abort', onLost);
          reject(lineClosed(this.where));
          void this.#end();
        },
      );
    });
  }

  async read(signal: AbortSignal): Promise<Uint8Array | undefined> {
    const chunk = await this.#inbox.read(signal);
    if (!this.#reading && this.#inbox.size <= UNREAD_LIMIT / 2) void this.#pump();
    return chunk;
  }

  close(): Promise<void> {
    this.#inbox.discard();
    return this.#end();
  }

  async setBaud(baud: number): Promise<boolean> {
    if (this.#lost.signal.aborted) throw lineClosed(this.where);
    try {
      await this.#port.update({ baudRate: baud });
    } catch {
      return false;
    }
    this.#settings = { ...this.#settings, baud };
    return true;
  }

  async setModem(outputs: {
    readonly dtr: boolean;
    readonly rts: boolean;
  }): Promise<{ readonly kind: 'set' } | LinesUnavailable> {
    try {
      await this.#port.set({ brk: false, cts: false, dsr: false, ...outputs });
      return { kind: 'set' };
    } catch (cause) {
      return linesUnavailable(cause);
    }
  }

  async modem() {
    try {
      const { cts, dsr, dcd } = await this.#port.get();
      return { kind: 'lines' as const, cts, dsr, dcd };
    } catch (cause) {
      return linesUnavailable(cause);
    }
  }

  async #pump(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    const buffer = Buffer.alloc(CHUNK);
    try {
      while (!this.#lost.signal.aborted && this.#inbox.size <= UNREAD_LIMIT) {
        const { bytesRead } = await this.#port.read(buffer, 0, CHUNK);
        this.#inbox.push(Uint8Array.from(buffer.subarray(0, bytesRead)));
      }
    } catch {
      void this.#end();
    } finally {
      this.#reading = false;
    }
  }

  /** A port that is unplugged while nobody polls it gives no event, and reads of it never end: it is asked. */
  #beat(): void {
    this.#pulse = this.clock.after(
      PULSE_MS,
      async () => {
        const alive = await this.#port.getBaudRate().then(
          () => true,
          (error: unknown) =>
            !/input\/output|i\/o error|EIO|no such device|ENXIO|ENODEV|EBADF/i.test(textOf(error)),
        );
        if (!alive) void this.#end();
        else if (!this.#lost.signal.aborted) this.#beat();
      },
      { background: true },
    );
  }

  #end(): Promise<void> {
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  async #shut(): Promise<void> {
    this.#pulse?.cancel();
    this.#lost.abort();
    this.#inbox.end();
    const closed = this.#port.close().catch(() => {});
    await until(this.clock, this.clock.now() + CLOSE_MS, closed);
  }
}

function linesUnavailable(cause: unknown): LinesUnavailable {
  return { kind: 'lines unavailable', reason: textOf(cause) };
}

function textOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).replace(/^Error:? /, '');
}
