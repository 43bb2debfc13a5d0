import { type Clock, type Release, type Timer, until } from '../../src/platform/clock.ts';
import { isPossumError, PossumError } from '../../src/platform/errors.ts';
import { silentTrace, type Trace } from '../../src/platform/trace.ts';
import type { ByteStream, Dialled, Dialler } from '../../src/ports/index.ts';
import type { Line } from '../transport/line.ts';
import { wireTimeMs } from '../transport/line-settings.ts';

/** A silence takes at least as long as so many bytes. */
const SILENT_BYTES = 20;

export interface OneWayServices {
  /** Opens the line, again and again after it was lost. */
  readonly dialler: Dialler;
  /** Business time: the deadlines of waits. */
  readonly clock: Clock;
  /** Wire time, when it is another. */
  readonly wireClock?: Clock;
  readonly trace?: Trace;
}

export interface OneWaySettings {
  /** What came belongs together until nothing came for this long, and for 20 bytes' time. */
  readonly silenceMs: number;
  /** Before each attempt to open the line again; the last one repeats. */
  readonly reconnectMs: readonly number[];
  /** For an attempt to open the line again. */
  readonly openMs: number;
}

export interface OneWayEvents {
  readonly onBytes: (bytes: Uint8Array) => void;
  /** Nothing came for a while after the last bytes. */
  readonly onSilence: () => void;
  readonly onLost: () => void;
}

export type Opened = { readonly kind: 'opened' } | { readonly kind: 'failed'; readonly reason: string };

/** The line to a device that talks when it likes and is asked nothing: opened, heard, lost, opened again. */
export class OneWayDevice {
  readonly wire: Clock;
  readonly #services: OneWayServices;
  readonly #settings: OneWaySettings;
  readonly #events: OneWayEvents;
  readonly #part: string;
  readonly #ending = new AbortController();
  #stream: ByteStream | undefined;
  #reason = 'not opened';
  #isOpening = false;
  #attempts = 0;
  #reopening: Timer | undefined;
  #silence: Timer | undefined;
  #release: Release = () => {};

  /** @param part the device's name in the trace */
  constructor(part: string, services: OneWayServices, settings: OneWaySettings, events: OneWayEvents) {
    this.#part = part;
    this.#services = services;
    this.#settings = settings;
    this.#events = events;
    this.wire = services.wireClock ?? services.clock;
  }

  get isOnline(): boolean {
    return this.#stream !== undefined;
  }

  /** Why there is no line. */
  get reason(): string {
    return this.#reason;
  }

  /**
   * @param deadlineMs a reading of the wire's clock
   * @throws PossumError `CANCELLED` when `signal` is aborted, `STATE` when it is open already or was closed
   */
  async open(signal: AbortSignal, deadlineMs: number): Promise<Opened> {
    if (this.#ending.signal.aborted) throw new PossumError('STATE', 'the device is closed');
    if (this.#stream !== undefined || this.#isOpening)
      throw new PossumError('STATE', 'the device is already open');
    this.#isOpening = true;
    this.#reopening?.cancel();
    try {
      return await this.#dial(signal, deadlineMs);
    } finally {
      this.#isOpening = false;
    }
  }

  /** Nothing is heard or opened again. */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#reopening?.cancel();
    const stream = this.#forgetLine('closed');
    if (stream !== undefined) this.#events.onLost();
    await stream?.close().catch(ignore);
  }

  /** Tells what happened, which must not name what was read. */
  tell(to: string, detail?: string): void {
    const { trace = silentTrace } = this.#services;
    if (!trace.wants('state')) return;
    trace.emit({ kind: 'state', part: this.#part, to, ...(detail === undefined ? {} : { detail }) });
  }

  async #dial(signal: AbortSignal, deadlineMs: number): Promise<Opened> {
    const { dialler } = this.#services;
    const given = new AbortController();
    const ended = AbortSignal.any([signal, given.signal, this.#ending.signal]);
    const dialling = dialler.dial(ended, deadlineMs);
    try {
      const dialled = await until(this.wire, deadlineMs, dialling, signal);
      if (dialled?.kind === 'connected' && !this.#ending.signal.aborted) {
        this.#listen(dialled.stream);
        return { kind: 'opened' };
      }
      if (dialled?.kind === 'refused') return this.#failed(dialled.reason);
      given.abort();
      abandon(dialling);
      return this.#failed(dialled === undefined ? 'no line in time' : 'closed');
    } catch (cause) {
      given.abort();
      abandon(dialling);
      throw cause;
    }
  }

  #listen(stream: ByteStream): void {
    this.#stream = stream;
    this.#attempts = 0;
    this.tell('online', this.#services.dialler.address);
    void this.#pump(stream);
  }

  async #pump(stream: ByteStream): Promise<void> {
    try {
      for (;;) {
        const bytes = await stream.read(this.#ending.signal);
        if (bytes === undefined || this.#stream !== stream) break;
        this.#awaitSilence();
        this.#events.onBytes(bytes);
      }
    } catch {
      // A stream that cannot be read is as good as closed.
    }
    this.#lose(stream);
  }

  #awaitSilence(): void {
    this.#silence?.cancel();
    this.#release();
    this.#release = this.wire === this.#services.clock ? () => {} : this.#services.clock.hold();
    this.#silence = this.wire.after(this.#silenceMs(), () => {
      this.#release();
      this.#events.onSilence();
    });
  }

  /** Slow lines need longer to be sure. */
  #silenceMs(): number {
    const { settings } = (this.#stream ?? {}) as Partial<Line>;
    return Math.max(
      this.#settings.silenceMs,
      settings === undefined ? 0 : wireTimeMs(settings, SILENT_BYTES),
    );
  }

  #lose(stream: ByteStream): void {
    if (this.#stream !== stream) return;
    this.#forgetLine(`the line is gone (${this.#services.dialler.address})`);
    void stream.close().catch(ignore);
    this.tell('offline', this.#reason);
    this.#events.onLost();
    this.#reopenLater();
  }

  #forgetLine(reason: string): ByteStream | undefined {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#reason = reason;
    this.#silence?.cancel();
    this.#release();
    return stream;
  }

  #reopenLater(): void {
    if (this.#ending.signal.aborted) return;
    const { reconnectMs } = this.#settings;
    const delay = reconnectMs[Math.min(this.#attempts++, reconnectMs.length - 1)] ?? 0;
    this.#reopening = this.wire.after(delay, () => void this.#reopen(), { background: true });
  }

  async #reopen(): Promise<void> {
    const { signal } = this.#ending;
    if (signal.aborted || this.#stream !== undefined || this.#isOpening) return;
    try {
      const opened = await this.open(signal, this.wire.now() + this.#settings.openMs);
      if (opened.kind === 'failed') this.#reopenLater();
    } catch (cause) {
      if (!isPossumError(cause, 'CANCELLED')) throw cause;
    }
  }

  #failed(reason: string): Opened {
    this.#reason = `${reason} (${this.#services.dialler.address})`;
    return { kind: 'failed', reason: this.#reason };
  }
}

/** Closes what is still opened after nobody wants it. */
function abandon(dialling: Promise<Dialled>): void {
  const close = (late: Dialled) => (late.kind === 'connected' ? late.stream.close() : undefined);
  dialling.then(close).catch(ignore);
}

function ignore(): void {}
