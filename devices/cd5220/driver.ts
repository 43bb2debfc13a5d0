import { concat } from '../../src/platform/bytes.ts';
import { type Clock, type Timer, until } from '../../src/platform/clock.ts';
import { isPossumError, PossumError } from '../../src/platform/errors.ts';
import type { ByteStream, Dialler, Display } from '../../src/ports/index.ts';
import { CLEAR, COLUMNS, ROWS, SELECT_DISPLAY, SELECT_PRINTER, writeAll, writeLine } from './frames.ts';

export interface Cd5220Services {
  /** Opens the line, again and again after it was lost. */
  readonly dialler: Dialler;
  /** Wire time. */
  readonly clock: Clock;
  readonly settings?: Partial<Cd5220Settings>;
}

/** All times are wire time in milliseconds. */
export interface Cd5220Settings {
  /** The display hangs between host and printer and must be selected before each screen. */
  readonly passThrough: boolean;
  /** A screen that the line does not take in this time means that the line is lost. */
  readonly writeMs: number;
  /** Before each attempt to open the line again; the last one repeats. */
  readonly reconnectMs: readonly number[];
  /** Time for opening the line again. */
  readonly openMs: number;
}

export const CD5220_DEFAULTS: Cd5220Settings = {
  passThrough: false,
  writeMs: 2000,
  reconnectMs: [500, 1000, 2000, 5000, 10_000],
  openMs: 5000,
};

/** A customer display of two lines, which never answers: that it is there is not known. */
export interface Cd5220Display extends Display {
  /** True while the line is open. */
  readonly isOnline: boolean;
  /**
   * Opens the line. A line that is lost is opened again, and the last screen shown on it.
   * @param deadlineMs a reading of the wire's clock
   * @throws PossumError `CANCELLED` when `signal` is aborted, `STATE` when it is open already or was closed
   */
  open(
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<{ readonly kind: 'opened' } | { readonly kind: 'failed'; readonly reason: string }>;
  close(): Promise<void>;
}

export function createCd5220Display(services: Cd5220Services): Cd5220Display {
  return new DrivenDisplay(services);
}

class DrivenDisplay implements Cd5220Display {
  readonly columns = COLUMNS;
  readonly rows = ROWS;
  readonly #services: Cd5220Services;
  readonly #settings: Cd5220Settings;
  readonly #ending = new AbortController();
  #stream: ByteStream | undefined;
  #isOpening = false;
  #screen: readonly string[] = [];
  /** Whether the newest screen is still to be written. */
  #isDue = false;
  #isWriting = false;
  #attempts = 0;
  #timer: Timer | undefined;

  constructor(services: Cd5220Services) {
    this.#services = services;
    this.#settings = { ...CD5220_DEFAULTS, ...services.settings };
  }

  get isOnline(): boolean {
    return this.#stream !== undefined;
  }

  async open(signal: AbortSignal, deadlineMs: number) {
    if (this.#isOpening || this.#stream !== undefined || this.#ending.signal.aborted)
      throw new PossumError('STATE', 'the display is open already, or was closed');
    this.#isOpening = true;
    try {
      const dialled = await this.#services.dialler.dial(signal, deadlineMs);
      if (dialled.kind === 'refused') return { kind: 'failed', reason: dialled.reason } as const;
      if (this.#ending.signal.aborted) {
        await dialled.stream.close();
        return { kind: 'failed', reason: 'closed' } as const;
      }
      this.#stream = dialled.stream;
      this.#attempts = 0;
      void this.#watch(dialled.stream);
      this.#refresh();
      return { kind: 'opened' } as const;
    } finally {
      this.#isOpening = false;
    }
  }

  show(lines: readonly string[]): void {
    this.#screen = lines.slice(0, ROWS);
    this.#refresh();
  }

  async close(): Promise<void> {
    this.#ending.abort();
    this.#timer?.cancel();
    const stream = this.#stream;
    this.#stream = undefined;
    await stream?.close();
  }

  #refresh(): void {
    this.#isDue = true;
    if (!this.#isWriting) void this.#write();
  }

  /** Writes the newest screen; those that were overtaken meanwhile are left out. */
  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#isDue && this.#stream !== undefined) {
      const stream = this.#stream;
      this.#isDue = false;
      const writing = stream.write(this.#bytes()).then(
        () => true,
        () => false,
      );
      const { clock } = this.#services;
      if ((await until(clock, clock.now() + this.#settings.writeMs, writing)) !== true) this.#lose(stream);
    }
    this.#isWriting = false;
  }

  #bytes(): Uint8Array {
    const [upper = '', lower = ''] = this.#screen;
    // In line mode the display would not obey the command that gives the line back to the printer.
    if (this.#settings.passThrough)
      return concat(SELECT_DISPLAY, CLEAR, writeAll(upper, lower), SELECT_PRINTER);
    return concat(CLEAR, writeLine(0, upper), writeLine(1, lower));
  }

  /** Hears the end of the line; nothing else is ever said. */
  async #watch(stream: ByteStream): Promise<void> {
    try {
      while ((await stream.read(this.#ending.signal)) !== undefined);
    } catch (cause) {
      if (!isPossumError(cause, 'CANCELLED') && !isPossumError(cause, 'UNAVAILABLE')) throw cause;
    }
    this.#lose(stream);
  }

  #lose(stream: ByteStream): void {
    if (stream !== this.#stream) return;
    this.#stream = undefined;
    void stream.close().catch(() => {});
    this.#reopenLater();
  }

  #reopenLater(): void {
    if (this.#ending.signal.aborted) return;
    const waits = this.#settings.reconnectMs;
    const delay = waits[Math.min(this.#attempts++, waits.length - 1)] ?? 0;
    this.#timer?.cancel();
    this.#timer = this.#services.clock.after(delay, () => void this.#reopen(), { background: true });
  }

  async #reopen(): Promise<void> {
    if (this.#ending.signal.aborted || this.#stream !== undefined || this.#isOpening) return;
    try {
      const opened = await this.open(this.#ending.signal, this.#services.clock.now() + this.#settings.openMs);
      if (opened.kind === 'failed') this.#reopenLater();
    } catch (cause) {
      if (!isPossumError(cause, 'CANCELLED')) throw cause;
    }
  }
}
