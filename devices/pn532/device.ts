import { type Clock, type Release, sleep, type Timer } from '../../src/platform/clock.ts';
import { isPossumError, PossumError } from '../../src/platform/errors.ts';
import { silentTrace, type Trace } from '../../src/platform/trace.ts';
import type { Dialler } from '../../src/ports/index.ts';
import { type Identity, REQUEST } from './commands.ts';
import { type Connected, connect, identify, initialise, sameDevice } from './connect.ts';
import type { Pn532Link } from './link.ts';
import { type Radio, toIdle } from './polling.ts';
import { PN532_DEFAULTS, type Pn532Settings } from './settings.ts';

export interface DeviceServices {
  /** Opens the byte stream; `address` appears in reasons. */
  readonly dialler: Dialler;
  /** Business time: deadlines of the reader port. */
  readonly clock: Clock;
  /** Wire time; {@link clock} when absent. */
  readonly wireClock?: Clock;
  readonly settings?: Partial<Pn532Settings>;
  readonly trace?: Trace;
}

/** The life of the connection to one chip: opened, watched, lost, opened again. */
export class Pn532Device {
  readonly settings: Pn532Settings;
  readonly #services: DeviceServices;
  readonly #clock: Clock;
  readonly #wire: Clock;
  readonly #onLost: () => void;
  readonly #ending = new AbortController();
  #link: Pn532Link | undefined;
  #identity: Identity | undefined;
  #reason = 'not opened';
  #isOpening = false;
  #timer: Timer | undefined;
  #attempts = 0;

  /** @param onLost called whenever the connection is lost */
  constructor(services: DeviceServices, onLost: () => void) {
    this.#services = services;
    this.#clock = services.clock;
    this.#wire = services.wireClock ?? services.clock;
    this.settings = { ...PN532_DEFAULTS, ...services.settings };
    this.#onLost = onLost;
  }

  /** The connection; `undefined` while there is none. */
  get link(): Pn532Link | undefined {
    return this.#link;
  }

  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** Why there is no connection. */
  get reason(): string {
    return this.#reason;
  }

  async open(signal: AbortSignal, deadlineMs: number): Promise<Connected> {
    if (this.#ending.signal.aborted) throw new PossumError('STATE', 'the reader is closed');
    if (this.#link !== undefined || this.#isOpening)
      throw new PossumError('STATE', 'the reader is already open');
    this.#isOpening = true;
    const connected = await this.#connect(signal, deadlineMs).finally(() => {
      this.#isOpening = false;
    });
    if (connected.kind === 'failed') {
      this.#reason = connected.reason;
      return connected;
    }
    if (this.#ending.signal.aborted) {
      await connected.link.close();
      return { kind: 'failed', reason: 'closed' };
    }
    this.#link = connected.link;
    this.#identity = connected.identity;
    this.#attempts = 0;
    this.#tell('ready');
    this.#beat();
    return connected;
  }

  async close(): Promise<void> {
    this.#ending.abort();
    this.#timer?.cancel();
    const link = this.#link;
    this.#link = undefined;
    this.#reason = 'closed';
    if (link === undefined) return;
    await toIdle(this.radio(link, new AbortController().signal));
    await link.close();
  }

  /** Forgets the cards and switches the field off; whoever cannot do that is found again, or given up. */
  async idle(): Promise<void> {
    const link = this.#link;
    if (link === undefined) return;
    const { signal } = this.#ending;
    if (!(await toIdle(this.radio(link, signal)))) await this.recover(link, signal);
  }

  /** Finds the chip again after it went astray, or gives it up. @param signal absent: until the device is closed */
  async recover(link: Pn532Link, signal = this.#ending.signal): Promise<void> {
    if (link !== this.#link) return;
    const version = await link.resynchronise(signal);
    if (signal.aborted) return;
    const identity = version && identify(version);
    if (identity === undefined) this.lose(link, 'the device does not answer');
    else if (!sameDevice(identity, this.#identity)) this.lose(link, 'another device answers');
    else if (!(await initialise(link, this.settings, signal)) && !signal.aborted)
      this.lose(link, 'the device refuses its settings');
  }

  /** Gives a connection up, and opens another one later. */
  lose(link: Pn532Link, reason: string): void {
    if (link !== this.#link) return;
    this.#link = undefined;
    this.#reason = `${reason} (${this.#services.dialler.address})`;
    this.#onLost();
    this.#tell('offline', this.#reason);
    void link.close();
    this.#reopenLater();
  }

  radio(link: Pn532Link, signal: AbortSignal): Radio {
    const { answerMs } = this.settings;
    return {
      settings: this.settings,
      ask: async (payload, timeMs = answerMs) => {
        const reply = await link.command(payload, { answerMs: timeMs, repeatable: true, signal });
        return reply.kind === 'answer' ? reply.data : undefined;
      },
      rest: async (ms) => {
        const release = this.#hold();
        try {
          await sleep(this.#wire, ms);
        } finally {
          release();
        }
      },
    };
  }

  #connect(signal: AbortSignal, deadlineMs: number): Promise<Connected> {
    const services = {
      dialler: this.#services.dialler,
      clock: this.#wire,
      settings: this.settings,
      hold: () => this.#hold(),
      trace: this.#services.trace ?? silentTrace,
      onClosed: (link: Pn532Link) => this.lose(link, 'the line is gone'),
    };
    return connect(services, this.#identity, signal, deadlineMs);
  }

  #reopenLater(): void {
    if (this.#ending.signal.aborted) return;
    const waits = this.settings.reconnectMs;
    const delay = waits[Math.min(this.#attempts++, waits.length - 1)] ?? 0;
    this.#later(delay, () => void this.#reopen());
  }

  async #reopen(): Promise<void> {
    const { signal } = this.#ending;
    if (signal.aborted || this.#link !== undefined || this.#isOpening) return;
    try {
      const opened = await this.open(signal, this.#wire.now() + this.settings.openMs);
      if (opened.kind === 'failed') this.#reopenLater();
    } catch (cause) {
      if (!isPossumError(cause, 'CANCELLED')) throw cause;
    }
  }

  /** Asks an idle chip who it is, again and again. */
  #beat(): void {
    this.#later(this.settings.heartbeatMs, () => void this.#check());
  }

  async #check(): Promise<void> {
    const link = this.#link;
    if (link === undefined) return;
    if (!link.isBusy) await this.#askWho(link);
    if (link === this.#link) this.#beat();
  }

  async #askWho(link: Pn532Link): Promise<void> {
    const { signal } = this.#ending;
    const reply = await this.radio(link, signal).ask(REQUEST.getFirmwareVersion);
    if (signal.aborted) return;
    const identity = reply && identify(reply);
    if (identity === undefined) await this.recover(link);
    else if (!sameDevice(identity, this.#identity)) this.lose(link, 'another device answers');
  }

  /** One housekeeping timer at a time: heartbeat of an open device, or the next attempt to open it. */
  #later(delayMs: number, then: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#wire.after(delayMs, then, { background: true });
  }

  #hold(): Release {
    return this.#wire === this.#clock ? () => {} : this.#clock.hold();
  }

  #tell(to: string, detail?: string): void {
    const { trace = silentTrace } = this.#services;
    if (trace.wants('state'))
      trace.emit({ kind: 'state', part: 'pn532', to, ...(detail === undefined ? {} : { detail }) });
  }
}
