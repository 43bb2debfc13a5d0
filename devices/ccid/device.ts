import { fromLatin1 } from '../../src/platform/bytes.ts';
import { type Clock, type Release, type Timer, until } from '../../src/platform/clock.ts';
import { isPossumError, PossumError } from '../../src/platform/errors.ts';
import { silentTrace, type Trace } from '../../src/platform/trace.ts';
import type { Dialler } from '../../src/ports/index.ts';
import { CcidLink, type Request } from './link.ts';
import { type CcidMessage, COMMAND, statusOf } from './messages.ts';
import { CCID_DEFAULTS, type CcidSettings } from './settings.ts';

export interface DeviceServices {
  /** Opens the line, again and again after it was lost. */
  readonly dialler: Dialler;
  /** Business time. */
  readonly clock: Clock;
  /** Wire time, when it is another. */
  readonly wireClock?: Clock;
  readonly trace?: Trace;
  readonly settings?: Partial<CcidSettings>;
}

export interface DeviceEvents {
  /** False keeps the heartbeat off. */
  readonly isIdle: () => boolean;
  readonly onMovement: (present: boolean) => void;
  readonly onLost: () => void;
}

export type Opened =
  /** `firmware`: what the reader calls itself. */
  | { readonly kind: 'opened'; readonly firmware: string }
  | { readonly kind: 'failed'; readonly reason: string };

const FIRMWARE_QUERY = Uint8Array.of(0x02);
/** Movements are told between echo and answer of a command only. */
const SYNCHRONOUS_MOVEMENTS = Uint8Array.of(0x01, 0x01, 0x01);

/** The life of one reader on its line: opened, identified, watched, lost, found again. */
export class CcidDevice {
  readonly wire: Clock;
  readonly settings: CcidSettings;
  readonly #services: DeviceServices;
  readonly #events: DeviceEvents;
  readonly #ending = new AbortController();
  link: CcidLink | undefined;
  firmware: string | undefined;
  reason = 'not opened';
  #opening = false;
  #attempts = 0;
  #timer: Timer | undefined;

  constructor(services: DeviceServices, events: DeviceEvents) {
    this.#services = services;
    this.#events = events;
    this.wire = services.wireClock ?? services.clock;
    this.settings = { ...CCID_DEFAULTS, ...services.settings };
  }

  /** The signal of what goes on behind the caller's back. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  async open(signal: AbortSignal, deadlineMs: number): Promise<Opened> {
    if (this.#opening || this.link !== undefined || this.ending.aborted)
      throw new PossumError('STATE', 'the reader is open already, or was closed');
    this.#opening = true;
    try {
      const opened = await this.#connect(signal, deadlineMs);
      if (opened.kind === 'failed') this.reason = opened.reason;
      return opened;
    } finally {
      this.#opening = false;
    }
  }

  async close(): Promise<void> {
    this.#ending.abort();
    this.#timer?.cancel();
    const { link } = this;
    this.link = undefined;
    this.reason = 'closed';
    await link?.close();
  }

  /** A query, or what may be said twice; `undefined` when it was not answered. */
  async ask(
    link: CcidLink,
    request: Pick<Request, 'type' | 'data' | 'specific'>,
    signal: AbortSignal,
  ): Promise<CcidMessage | undefined> {
    const reply = await link.request({
      ...request,
      answerMs: this.settings.answerMs,
      repeatable: true,
      signal,
    });
    return reply.kind === 'answer' ? reply.message : undefined;
  }

  /** Finds the reader again after it went astray, or gives it up. */
  async recover(link: CcidLink, signal: AbortSignal): Promise<void> {
    if (link !== this.link) return;
    await link.quiet(signal);
    const firmware = await this.#identify(link, signal);
    if (signal.aborted || link !== this.link) return;
    if (firmware === undefined) this.lose(link, 'the device does not answer');
    else if (firmware !== this.firmware) this.lose(link, 'another device answers');
  }

  lose(link: CcidLink, reason: string): void {
    if (link !== this.link) return;
    this.link = undefined;
    this.reason = `${reason} (${this.#services.dialler.address})`;
    this.#events.onLost();
    this.tell('offline', this.reason);
    void link.close();
    this.#reopenLater();
  }

  async #connect(signal: AbortSignal, deadlineMs: number): Promise<Opened> {
    const { dialler, trace = silentTrace } = this.#services;
    const dialled = await dialler.dial(signal, deadlineMs);
    if (dialled.kind === 'refused') return this.#failed(dialled.reason);
    const link: CcidLink = new CcidLink({
      stream: dialled.stream,
      clock: this.wire,
      settings: this.settings,
      hold: () => this.#hold(),
      trace,
      onMovement: this.#events.onMovement,
      onClosed: () => this.lose(link, 'the line is gone'),
    });
    const late = new AbortController();
    const ended = AbortSignal.any([signal, late.signal, this.ending]);
    try {
      const greeted = await until(this.wire, deadlineMs, this.#greet(link, ended), signal);
      if (greeted?.kind === 'opened' && !this.ending.aborted) {
        this.link = link;
        this.firmware = greeted.firmware;
        this.#attempts = 0;
        this.tell('online', greeted.firmware);
        this.#beat();
        return greeted;
      }
      late.abort();
      await link.close();
      return greeted?.kind === 'failed' ? greeted : this.#failed('no answer in time');
    } catch (cause) {
      late.abort();
      await link.close();
      throw cause;
    }
  }

  async #greet(link: CcidLink, signal: AbortSignal): Promise<Opened> {
    const firmware = await this.#identify(link, signal);
    if (firmware === undefined)
      return this.#failed(link.isClosed ? 'the line is gone' : 'no serial CCID reader answers');
    if (this.firmware !== undefined && firmware !== this.firmware)
      return this.#failed('another device answers');
    const mode = await this.ask(link, { type: COMMAND.escape, data: SYNCHRONOUS_MOVEMENTS }, signal);
    // Relatives without that mode tell movements at any time; both are understood.
    return mode === undefined ? this.#failed('the device stopped answering') : { kind: 'opened', firmware };
  }

  async #identify(link: CcidLink, signal: AbortSignal): Promise<string | undefined> {
    const answer = await this.ask(link, { type: COMMAND.escape, data: FIRMWARE_QUERY }, signal);
    if (answer === undefined || statusOf(answer).command !== 'done') return undefined;
    const text = fromLatin1(answer.data);
    return /^[\x20-\x7e]+$/.test(text) ? text : undefined;
  }

  #reopenLater(): void {
    if (this.ending.aborted) return;
    const waits = this.settings.reconnectMs;
    const delay = waits[Math.min(this.#attempts++, waits.length - 1)] ?? 0;
    this.#timer?.cancel();
    this.#timer = this.wire.after(delay, () => void this.#reopen(), { background: true });
  }

  async #reopen(): Promise<void> {
    if (this.ending.aborted || this.link !== undefined || this.#opening) return;
    try {
      const opened = await this.open(this.ending, this.wire.now() + this.settings.answerMs);
      if (opened.kind === 'failed') this.#reopenLater();
    } catch (cause) {
      if (!isPossumError(cause, 'CANCELLED')) throw cause;
    }
  }

  /** Asks an idle reader whether it is there, again and again. */
  #beat(): void {
    this.#timer?.cancel();
    this.#timer = this.wire.after(this.settings.heartbeatMs, () => void this.#check(), { background: true });
  }

  async #check(): Promise<void> {
    const { link } = this;
    if (link === undefined) return;
    if (!link.isBusy && this.#events.isIdle()) {
      const answer = await this.ask(link, { type: COMMAND.slotStatus }, this.ending);
      if (answer === undefined) await this.recover(link, this.ending);
    }
    if (link === this.link && !this.ending.aborted) this.#beat();
  }

  #hold(): Release {
    return this.wire === this.#services.clock ? () => {} : this.#services.clock.hold();
  }

  #failed(reason: string): Opened {
    return { kind: 'failed', reason: `${reason} (${this.#services.dialler.address})` };
  }

  /** A change of state, for the trace. */
  tell(to: string, detail: string): void {
    const { trace = silentTrace } = this.#services;
    if (trace.wants('state')) trace.emit({ kind: 'state', part: 'ccid', to, detail });
  }
}
