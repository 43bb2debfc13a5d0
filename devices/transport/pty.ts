import { type StdioOptions, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { ReadStream } from 'node:tty';
import { type Clock, sleep } from '../../src/platform/clock.ts';
import { PossumError } from '../../src/platform/errors.ts';
import { Inbox } from './inbox.ts';
import { asLine, type Line, lineClosed } from './line.ts';
import type { LineSettings } from './line-settings.ts';

/** The device's end of a pseudo-terminal; another program opens `path` as if it were a serial port. */
export interface Pty {
  /** The path of the other end, `/dev/pts/N`. */
  readonly path: string;
  /** Closing it is what unplugging is to the program at the other end. */
  readonly line: Line;
  /** The speed that the other end has set, or `undefined` when it cannot be asked. */
  speed(): Promise<number | undefined>;
}

/** One write takes at most this much of a pseudo-terminal's buffer. */
const PIECE = 4096;
const RETRY_MS = 1;
/** Above this many unread bytes the other end's writes have to wait. */
const UNREAD_LIMIT = 256 * 1024;
/** What nobody reads for this long is lost, as on a wire. */
const UNREAD_MS = 1000;
/** The helpers of the recipe end long before. */
const HELPER_MS = 5000;

/** TIOCSPTLCK with 0, then TIOCGPTN: unlocks the other end and prints its number. */
const UNLOCK =
  'open(M,"+<&=3") or die $!; ioctl(M,0x40045431,$n=pack("i",0)) or die $!; ioctl(M,0x80045430,$n=pack("i",0)) or die $!; print unpack("i",$n)';

/** TCGETS2: prints the speed of output also where it is none of the usual, for which `stty` prints 0. */
const SPEED = 'ioctl(STDIN,0x802c542a,$t=pack("x44")) or die $!; print unpack("x40L",$t)';

/**
 * Makes a pseudo-terminal in raw mode. The other end is kept open here, so that a program may come and go.
 * @param settings how the device is set; a pseudo-terminal carries none
 * @param clock wire time
 * @throws PossumError `USAGE` where there are none (macOS, Windows), `UNAVAILABLE` when none can be made
 */
export async function openPty(settings: LineSettings, clock: Clock): Promise<Pty> {
  if (process.platform !== 'linux') {
    throw new PossumError('USAGE', `pseudo-terminals are made on Linux, not on ${process.platform}`, {
      remedy: 'Use --tcp instead of --pty, and open the device as tcp://127.0.0.1:PORT.',
    });
  }
  // A blocking one can hang the process at its exit.
  const master = attempt('cannot open /dev/ptmx', () =>
    openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK),
  );
  const opened = [master];
  try {
    const path = `/dev/pts/${(await helper('perl', ['-e', UNLOCK], ['ignore', 'pipe', 'pipe', master])).trim()}`;
    const slave = attempt(`cannot open ${path}`, () =>
      openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK),
    );
    opened.push(slave);
    await helper('stty', ['raw', '-echo'], [slave, 'pipe', 'pipe']);
    const stream = new MasterStream(master, slave, path, clock);
    return { path, line: asLine(stream, path, clock, settings), speed: () => stream.speed() };
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw error;
  }
}

/**
 * Runs a program of the recipe. What is handed over as standard input becomes blocking here too, so the master is not.
 * @returns what it printed
 */
function helper(command: string, args: readonly string[], stdio: StdioOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio, timeout: HELPER_MS });
    let out = '';
    let complaint = '';
    child.stdout?.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      complaint += chunk;
    });
    child.once('error', (cause) => reject(noPty(`${command} does not run`, cause)));
    child.once('close', (status) => {
      if (status === 0) resolve(out);
      else reject(noPty(`${command} failed: ${complaint.trim() || `status ${status}`}`));
    });
  });
}

function attempt<T>(message: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw noPty(message, cause);
  }
}

function noPty(message: string, cause?: unknown): PossumError {
  return new PossumError('UNAVAILABLE', `no pseudo-terminal: ${message}`, {
    remedy: 'Install perl and coreutils and mount devpts on /dev/pts, or use --tcp.',
    cause,
  });
}

/** Reads by events, writes in pieces, one at a time. */
class MasterStream {
  readonly #master: number;
  readonly #slave: number;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #events: ReadStream;
  readonly #inbox = new Inbox();
  readonly #closed: Promise<void>;
  #open = true;
  #writes: Promise<void> = Promise.resolve();

  constructor(master: number, slave: number, path: string, clock: Clock) {
    this.#master = master;
    this.#slave = slave;
    this.#path = path;
    this.#clock = clock;
    this.#events = new ReadStream(master);
    this.#events.on('data', (chunk: Uint8Array) => {
      this.#inbox.push(Uint8Array.from(chunk));
      if (this.#inbox.size > UNREAD_LIMIT) this.#events.pause();
    });
    this.#events.on('error', () => {});
    this.#closed = new Promise((done) => {
      this.#events.once('close', () => {
        // Also after an error: the number of the closed file may soon be another's.
        this.#letGo();
        this.#inbox.end();
        done();
      });
    });
  }

  #letGo(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#slave);
  }

  write(bytes: Uint8Array): Promise<void> {
    if (!this.#open) return Promise.reject(lineClosed(this.#path));
    const copy = bytes.slice();
    const written = this.#writes.then(() => this.#write(copy));
    this.#writes = written.catch(() => {});
    return written;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let at = 0;
    let giveUpMs = this.#clock.now() + UNREAD_MS;
    while (at < bytes.length) {
      if (!this.#open) throw lineClosed(this.#path);
      const taken = this.#take(bytes.subarray(at, at + PIECE));
      at += taken;
      if (taken > 0) giveUpMs = this.#clock.now() + UNREAD_MS;
      else if (this.#clock.now() >= giveUpMs) return;
      else await sleep(this.#clock, RETRY_MS);
    }
  }

  /** @returns how many bytes the buffer had room for */
  #take(piece: Uint8Array): number {
    try {
      return writeSync(this.#master, piece);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      throw lineClosed(this.#path, cause);
    }
  }

  async read(signal: AbortSignal): Promise<Uint8Array | undefined> {
    const chunk = await this.#inbox.read(signal);
    if (this.#open && this.#events.isPaused() && this.#inbox.size <= UNREAD_LIMIT / 2) this.#events.resume();
    return chunk;
  }

  close(): Promise<void> {
    this.#inbox.discard();
    this.#letGo();
    this.#events.destroy();
    return this.#closed;
  }

  async speed(): Promise<number | undefined> {
    if (!this.#open) return undefined;
    for (const [command, ...args] of [
      ['stty', 'speed'],
      ['perl', '-e', SPEED],
    ] as const) {
      const text = await helper(command, args, [this.#slave, 'pipe', 'pipe']).catch(() => '');
      const baud = Number.parseInt(text, 10);
      if (baud > 0) return baud;
    }
    return undefined;
  }
}

/**
 * Points a stable name at a pseudo-terminal, in one step.
 * @throws PossumError `USAGE` when something else than a link has that name
 */
export function pointLink(link: string, path: string): void {
  const there = lstatSync(link, { throwIfNoEntry: false });
  if (there !== undefined && !there.isSymbolicLink()) {
    throw new PossumError('USAGE', 'is there already and is no link', {
      where: link,
      remedy: 'Give another path to --link.',
    });
  }
  const fresh = `${link}.${process.pid}`;
  rmSync(fresh, { force: true });
  symlinkSync(path, fresh);
  renameSync(fresh, link);
}

/** Takes a name away that {@link pointLink} made. */
export function removeLink(link: string): void {
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) rmSync(link, { force: true });
}
