import { type Clock, type Release, type Timer, until } from '../../src/platform/clock.ts';
import { isPossumError, PossumError } from '../../src/platform/errors.ts';
import { silentTrace, type Trace } from '../../src/platform/trace.ts';
import type { Dialler } from '../../src/ports/index.ts';
import type { PrinterStatus } from './answers.ts';
import { EscposLink } from './link.ts';
import { ESCPOS_DEFAULTS, type EscposSettings } from './settings.ts';

export interface DeviceServices {
  /** Opens the line, again and again after it was lost. */
  readonly dialler: Dialler;
  /** Business time: deadlines of the printer port. */
  readonly clock: Clock;
  /** Wire time, when it is another. */
  readonly wireClock?: Clock;
  readonly trace?: Trace;
  readonly settings?: Partial<EscposSettings>;
}

export type Opened =
  /** `status` is absent on a line without answers; `name` where the printer tells none. */
  | {
      readonly kind: 'opened';
      readonly status: PrinterStatus | undefined;
      readonly name: string | undefined;
    }
  | { readonly kind: 'failed'; readonly reason: string };

/** The life of one printer on its line: opened, identified, watched, lost, found again. */
export class EscposDevice {
  readonly wire: Clock;
  readonly settings: EscposSettings;
  readonly #services: DeviceServices;
  readonly #isIdle: () => boolean;
  readonly #ending = new AbortController();
  link: EscposLink | undefined;
  name: string | undefined;
  reason = 'not opened';
  #isOpening = false;
  #attempts = 0;
  #timer: Timer | undefined;

  /** @param isIdle false keeps the heartbeat off */
  constructor(services: DeviceServices, isIdle: () => boolean) {
    this.#services = services;
    this.#isIdle = isIdle;
    this.wire = services.wireClock ?? services.clock;
    this.settings = { ...ESCPOS_DEFAULTS, ...services.settings };
  }

  async open(signal: AbortSignal, deadlineMs: number): Promise<Opened> {
    if (this.#isOpening || this.link !== undefined || this.#ending.signal.aborted)
      throw new PossumError('STATE', 'the printer is open already, or was closed');
    this.#isOpening = true;
    try {
      const opened = await this.#connect(signal, deadlineMs);
      if (opened.kind === 'failed') this.reason = opened.reason;
      return opened;
    } finally {
      this.#isOpening = false;
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

  /** Gives a connection up, and opens another one later. */
  lose(link: EscposLink, reason: string): void {
    if (link !== this.link) return;
    this.link = undefined;
    this.reason = `${reason} (${this.#services.dialler.address})`;
    this.#tell('offline', this.reason);
    void link.close();
    this.#reopenLater();
  }

  async #connect(signal: AbortSignal, deadlineMs: number): Promise<Opened> {
    const dialled = await this.#services.dialler.dial(signal, deadlineMs);
    if (dialled.kind === 'refused') return this.#failed(dialled.reason);
    const link: EscposLink = new EscposLink({
      stream: dialled.stream,
      clock: this.wire,
      settings: this.settings,
      hold: () => this.#hold(),
      onClosed: () => this.lose(link, 'the line is gone'),
    });
    const late = new AbortController();
    const ended = AbortSignal.any([signal, late.signal, this.#ending.signal]);
    try {
      const greeted = await until(this.wire, deadlineMs, this.#greet(link, ended), signal);
      if (greeted?.kind === 'opened' && !this.#ending.signal.aborted && !link.isClosed) {
        this.link = link;
        this.name = greeted.name ?? this.name;
        this.#attempts = 0;
        this.#tell('online', greeted.name);
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

  async #greet(link: EscposLink, signal: AbortSignal): Promise<Opened> {
    if (!this.settings.answers) return { kind: 'opened', status: undefined, name: undefined };
    const status = await link.status(signal);
    if (status === undefined)
      return this.#failed(link.isClosed ? 'the line is gone' : 'no ESC/POS printer answers');
    // The name is told in turn with the slips: a printer that stands still keeps it for later.
    const name = status.online ? await link.name(signal) : undefined;
    if (name !== undefined && this.name !== undefined && name !== this.name)
      return this.#failed('another device answers');
    return { kind: 'opened', status, name };
  }

  #reopenLater(): void {
    if (this.#ending.signal.aborted) return;
    const waits = this.settings.reconnectMs;
    const delay = waits[Math.min(this.#attempts++, waits.length - 1)] ?? 0;
    this.#later(delay, () => this.#reopen());
  }

  async #reopen(): Promise<void> {
    if (this.link !== undefined || this.#isOpening) return;
    const opened = await this.open(this.#ending.signal, this.wire.now() + this.settings.openMs);
    if (opened.kind === 'failed') this.#reopenLater();
  }

  /** Asks an idle printer whether it is there, again and again. */
  #beat(): void {
    if (this.settings.answers) this.#later(this.settings.heartbeatMs, () => this.#check());
  }

  async #check(): Promise<void> {
    const { link } = this;
    if (link === undefined) return;
    const isThere = !this.#isIdle() || (await link.query(1, this.#ending.signal)) !== undefined;
    if (link !== this.link) return;
    if (isThere || !this.#isIdle()) this.#beat();
    else this.lose(link, 'the printer does not answer');
  }

  /** One housekeeping timer at a time: heartbeat of an open device, or the next attempt to open it. */
  #later(delayMs: number, then: () => Promise<void>): void {
    const run = () => {
      if (this.#ending.signal.aborted) return;
      then().catch((cause) => {
        if (!isPossumError(cause, 'CANCELLED')) throw cause;
      });
    };
    this.#timer?.cancel();
    this.#timer = this.wire.after(delayMs, run, { background: true });
  }

  #hold(): Release {
    return this.wire === this.#services.clock ? () => {} : this.#services.clock.hold();
  }

  #failed(reason: string): Opened {
    return { kind: 'failed', reason: `${reason} (${this.#services.dialler.address})` };
  }

  #tell(to: string, detail: string | undefined): void {
    const { trace = silentTrace } = this.#services;
    if (trace.wants('state'))
      trace.emit({ kind: 'state', part: 'escpos', to, ...(detail === undefined ? {} : { detail }) });
  }
}
