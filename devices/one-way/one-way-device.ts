import { type Clock, type Release, type Timer, until } from '../../src/platform/clock.ts';
import { isPossumError, PossumError } from '../../src/platform/errors.ts';
import { silentTrace, type Trace } from '../../src/platform/trace.ts';
import type { ByteStream, Dialled, Dialler } from '../../src/ports/index.ts';
import type { Line } from '../transport/line.ts';
import { wireTimeMs } from '../transport/line-settings.ts';

/** A silence takes at least as long as so many bytes. */
const SILENT_BYTES = 20;
/** Longer than the longest swipe takes on a line of 1200 baud. */
const LONGEST_HOLD_MS = 10_000;

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
  /** Sets the device up on a fresh line, which is heard already. @returns why it cannot be used */
  readonly greet?: (stream: ByteStream, signal: AbortSignal) => Promise<string | undefined>;
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
  #heard: ByteStream | undefined;
  /** The line is greeted: waits may use it. */
  #isReady = false;
  #reason = 'not opened';
  #isOpening = false;
  #attempts = 0;
  #reopening: Timer | undefined;
  #silence: Timer | undefined;
  #heardSince: number | undefined;
  #release: Release = ignore;

  /** @param part the device's name in the trace */
  constructor(part: string, services: OneWayServices, settings: OneWaySettings, events: OneWayEvents) {
    this.#part = part;
    this.#services = services;
    this.#settings = settings;
    this.#events = events;
    this.wire = services.wireClock ?? services.clock;
  }

  get isOnline(): boolean {
    return this.#isReady;
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
    if (this.#heard !== undefined || this.#isOpening)
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
    if (stream !== undefined) await this.#shut(stream);
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
        return await this.#start(dialled.stream, signal, deadlineMs);
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

  async #start(stream: ByteStream, signal: AbortSignal, deadlineMs: number): Promise<Opened> {
    this.#heard = stream;
    void this.#pump(stream);
    const wrong = await this.#greet(stream, signal, deadlineMs);
    if (wrong !== undefined || this.#heard !== stream || this.#ending.signal.aborted) {
      this.#forgetLine('');
      await this.#shut(stream);
      return this.#failed(wrong ?? 'the line is gone');
    }
    this.#isReady = true;
    this.#attempts = 0;
    this.tell('online', this.#services.dialler.address);
    return { kind: 'opened' };
  }

  async #greet(stream: ByteStream, signal: AbortSignal, deadlineMs: number): Promise<string | undefined> {
    const { greet } = this.#events;
    if (greet === undefined) return undefined;
    const late = new AbortController();
    const ended = AbortSignal.any([signal, late.signal, this.#ending.signal]);
    const timer = this.wire.after(deadlineMs - this.wire.now(), () => late.abort());
    try {
      return await greet(stream, ended);
    } catch (cause) {
      if (isPossumError(cause, 'CANCELLED') && !signal.aborted) return 'no answer in time';
      this.#forgetLine('not opened');
      await this.#shut(stream);
      throw cause;
    } finally {
      timer.cancel();
    }
  }

  async #pump(stream: ByteStream): Promise<void> {
    for (;;) {
      // A stream that cannot be read is as good as closed.
      const bytes = await stream.read(this.#ending.signal).catch(ignore);
      if (bytes === undefined || this.#heard !== stream) break;
      this.#awaitSilence();
      this.#events.onBytes(bytes);
    }
    this.#lose(stream);
  }

  #awaitSilence(): void {
    this.#silence?.cancel();
    this.#release();
    this.#heardSince ??= this.wire.now();
    // Noise without end must not keep business time from moving.
    const isHeld = this.wire !== this.#services.clock && this.wire.now() - this.#heardSince < LONGEST_HOLD_MS;
    this.#release = isHeld ? this.#services.clock.hold() : ignore;
    this.#silence = this.wire.after(this.#silenceMs(), () => {
      this.#release();
      this.#heardSince = undefined;
      this.#events.onSilence();
    });
  }

  /** Slow lines need longer to be sure. */
  #silenceMs(): number {
    const { settings } = (this.#heard ?? {}) as Partial<Line>;
    return Math.max(
      this.#settings.silenceMs,
      settings === undefined ? 0 : wireTimeMs(settings, SILENT_BYTES),
    );
  }

  #lose(stream: ByteStream): void {
    if (this.#heard !== stream) return;
    const wasReady = this.#isReady;
    this.#forgetLine(`the line is gone (${this.#services.dialler.address})`);
    void this.#shut(stream);
    // Whoever is opening it tells that it failed.
    if (!wasReady) return;
    this.tell('offline', this.#reason);
    this.#events.onLost();
    this.#reopenLater();
  }

  /** A port that does not close is left behind. */
  async #shut(stream: ByteStream): Promise<void> {
    await until(this.wire, this.wire.now() + this.#settings.openMs, stream.close()).catch(ignore);
  }

  #forgetLine(reason: string): ByteStream | undefined {
    const stream = this.#heard;
    this.#heard = undefined;
    this.#isReady = false;
    this.#reason = reason;
    this.#heardSince = undefined;
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
    if (signal.aborted || this.#heard !== undefined || this.#isOpening) return;
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
