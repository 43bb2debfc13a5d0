import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type Clock, cancelled, until } from '../../src/platform/clock.ts';
import { Inbox } from './inbox.ts';
import { asLine, lineClosed, type OpenedLine } from './line.ts';
import { COMMON_SETTINGS } from './line-settings.ts';
import { explainOpenFailure } from './serial-failure.ts';

/** A device that takes nothing for this long is given up: a printer without paper stops the writes. */
const STALL_MS = 30_000;
const RETRY_MS = 10;

/**
 * Opens a path for plain writes: a USB printer (`/dev/usb/lp0`) or a file, which is made when it is missing and
 * appended to. Nothing is ever read from it; a read waits for the end.
 * @param deadlineMs a reading of `clock`
 * @throws PossumError `CANCELLED` when `signal` is aborted
 */
export async function openFile(
  path: string,
  clock: Clock,
  signal: AbortSignal,
  deadlineMs: number,
): Promise<OpenedLine> {
  if (signal.aborted) throw cancelled();
  // A FIFO without a reader refuses at once and does not wait; devices take part of a write and do not block.
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK | creation(path);
  const opening = open(path, flags, 0o600);
  opening.catch(() => {});
  try {
    const handle = await until(clock, deadlineMs, opening, signal);
    if (handle !== undefined)
      return { kind: 'open', line: asLine(new PlainFile(handle, path, clock), path, clock, COMMON_SETTINGS) };
  } catch (error) {
    if (signal.aborted) {
      void opening.then((handle) => handle.close()).catch(() => {});
      throw error;
    }
    return explainOpenFailure(path, error instanceof Error ? error.message : String(error));
  }
  void opening.then((handle) => handle.close()).catch(() => {});
  return {
    kind: 'failed',
    why: 'timeout',
    where: path,
    message: 'the file did not open in time',
    remedy: 'Switch the device off and on.',
  };
}

/** A device that is not plugged in must not become a plain file of its name. */
function creation(path: string): number {
  return path.startsWith('/dev/') ? 0 : constants.O_CREAT;
}

class PlainFile {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #inbox = new Inbox();
  #closing: Promise<void> | undefined;
  #writes: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle, path: string, clock: Clock) {
    this.#handle = handle;
    this.#path = path;
    this.#clock = clock;
  }

  write(bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice();
    const written = this.#writes.then(() => this.#write(copy));
    this.#writes = written.catch(() => {});
    return written;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let at = 0;
    let giveUpMs = this.#clock.now() + STALL_MS;
    while (at < bytes.length) {
      if (this.#closing !== undefined) throw lineClosed(this.#path);
      const taken = await this.#take(bytes.subarray(at));
      at += taken;
      if (taken > 0) giveUpMs = this.#clock.now() + STALL_MS;
      else if (this.#clock.now() >= giveUpMs) throw lineClosed(this.#path, 'the device takes nothing');
      else await new Promise<void>((done) => this.#clock.after(RETRY_MS, done));
    }
  }

  async #take(piece: Uint8Array): Promise<number> {
    try {
      return (await this.#handle.write(piece)).bytesWritten;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      throw lineClosed(this.#path, cause);
    }
  }

  read(signal: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#inbox.read(signal);
  }

  close(): Promise<void> {
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  async #shut(): Promise<void> {
    this.#inbox.discard();
    await this.#writes;
    await this.#handle.close().catch(() => {});
  }
}
