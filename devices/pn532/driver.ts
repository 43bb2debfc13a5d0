import { type Clock, type Release, sleep, type Timer } from '../../src/platform/clock.ts';
import { isPossumError, PossumError } from '../../src/platform/errors.ts';
import { silentTrace, type Trace } from '../../src/platform/trace.ts';
import type { CardInterface, CardReader, Dialler, Presentation } from '../../src/ports/index.ts';
import type { Reply } from './answer-wait.ts';
import { Pn532Channel } from './channel.ts';
import { type Identity, REQUEST } from './commands.ts';
import { type Connected, connect, identify, initialise, sameDevice } from './connect.ts';
import type { Pn532Link } from './link.ts';
import { fieldIsEmpty, pollRound, type Radio, type Round, toIdle } from './polling.ts';
import { PN532_DEFAULTS, type Pn532Settings } from './settings.ts';

/** Rounds in a row that may fail, each followed by a successful resynchronisation. */
const FAILED_ROUNDS = 3;

/** A contactless reader that is a PN532 on a byte stream. */
export interface Pn532Reader extends CardReader {
  /** The chip of the last successful {@link open}. */
  readonly identity: Identity | undefined;
  readonly isOnline: boolean;
  /**
   * Opens the line, wakes the chip, identifies it and sets it up. From then on the driver keeps a heartbeat and
   * opens the line again when it was lost; a device that identifies itself otherwise is refused.
   * @param deadlineMs a reading of the wire's clock
   */
  open(signal: AbortSignal, deadlineMs: number): Promise<Connected>;
  /** Leaves chip and line idle. Nothing is opened again. */
  close(): Promise<void>;
}

export interface Pn532Services {
  /** Opens the byte stream; `address` appears in reasons. */
  readonly dialler: Dialler;
  /** Business time: deadlines of the reader port. */
  readonly clock: Clock;
  /** Wire time; {@link clock} when absent. */
  readonly wireClock?: Clock;
  readonly settings?: Partial<Pn532Settings>;
  readonly trace?: Trace;
}

export function createPn532Reader(services: Pn532Services): Pn532Reader {
  return new Reader(services);
}

class Reader implements Pn532Reader {
  readonly interfaces: readonly CardInterface[] = ['contactless'];
  readonly #clock: Clock;
  readonly #wire: Clock;
  readonly #settings: Pn532Settings;
  readonly #services: Pn532Services;
  readonly #ending = new AbortController();
  #link: Pn532Link | undefined;
  #identity: Identity | undefined;
  #reason = 'not opened';
  #channel: Pn532Channel | undefined;
  #isWaitedFor = false;
  #isOpening = false;
  #timer: Timer | undefined;
  #attempts = 0;

  constructor(services: Pn532Services) {
    this.#services = services;
    this.#clock = services.clock;
    this.#wire = services.wireClock ?? services.clock;
    this.#settings = { ...PN532_DEFAULTS, ...services.settings };
  }

  get identity(): Identity | undefined {
    return this.#identity;
  }

  get isOnline(): boolean {
    return this.#link !== undefined;
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
    this.#timer?.cancel();
    this.#link = connected.link;
    this.#identity = connected.identity;
    this.#attempts = 0;
    this.#tell('ready');
    this.#beat();
    return connected;
  }

  #connect(signal: AbortSignal, deadlineMs: number): Promise<Connected> {
    return connect(
      {
        dialler: this.#services.dialler,
        clock: this.#wire,
        settings: this.#settings,
        hold: () => this.#hold(),
        trace: this.#services.trace ?? silentTrace,
        onClosed: (link) => this.#lost(link, 'the line is gone'),
      },
      this.#identity,
      signal,
      deadlineMs,
    );
  }

  async close(): Promise<void> {
    this.#ending.abort();
    this.#timer?.cancel();
    this.#channel?.lose();
    const link = this.#link;
    this.#link = undefined;
    this.#reason = 'closed';
    if (link === undefined) return;
    await toIdle(this.#radio(link, new AbortController().signal));
    await link.close();
  }

  async awaitPresentation(
    wanted: readonly CardInterface[],
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<Presentation> {
    return this.#exclusively(signal, async () => {
      if (!wanted.includes('contactless')) {
        await sleep(this.#clock, deadlineMs - this.#clock.now(), signal);
        return { kind: 'timeout' };
      }
      return this.#poll(signal, deadlineMs);
    });
  }

  async awaitRemoval(signal: AbortSignal, deadlineMs: number): Promise<boolean> {
    return this.#exclusively(signal, async () => {
      for (;;) {
        const link = this.#link;
        const empty = link === undefined ? undefined : await fieldIsEmpty(this.#radio(link, signal));
        if (empty === true) return true;
        if (empty === undefined && link !== undefined && !signal.aborted) await this.#recover(link, signal);
        if (this.#clock.now() >= deadlineMs) return false;
        await this.#pause(signal, deadlineMs);
      }
    });
  }

  /** One wait at a time; however it ends, the card before it is gone and the chip idle. */
  async #exclusively<T>(signal: AbortSignal, wait: () => Promise<T>): Promise<T> {
    if (signal.aborted) throw cancelled();
    if (this.#isWaitedFor) throw new PossumError('STATE', 'the reader is already being waited for');
    this.#isWaitedFor = true;
    this.#channel?.lose();
    this.#channel = undefined;
    try {
      const result = await wait();
      if (signal.aborted) throw cancelled();
      return result;
    } finally {
      if (this.#channel === undefined || signal.aborted) await this.#idle();
      this.#isWaitedFor = false;
    }
  }

  async #poll(signal: AbortSignal, deadlineMs: number): Promise<Presentation> {
    let failed = 0;
    for (;;) {
      const link = this.#link;
      if (link === undefined) return { kind: 'offline', reason: this.#reason };
      const round = await pollRound(this.#radio(link, signal));
      if (signal.aborted) throw cancelled();
      const presentation = this.#presentationOf(round, link);
      if (presentation !== undefined) return presentation;
      failed = round.kind === 'failed' ? failed + 1 : 0;
      if (failed === FAILED_ROUNDS) this.#lost(link, 'the device gives no usable answers');
      else if (failed > 0) await this.#recover(link, signal);
      if (this.#clock.now() >= deadlineMs) return { kind: 'timeout' };
      if (failed === 0) await this.#pause(signal, deadlineMs);
    }
  }

  #presentationOf(round: Round, link: Pn532Link): Presentation | undefined {
    if (round.kind === 'collision') return { kind: 'collision' };
    if (round.kind === 'mute') return { kind: 'mute', interface: 'contactless' };
    if (round.kind !== 'card') return undefined;
    const channel = new Pn532Channel(round.target, {
      settings: this.#settings,
      exchange: (payload, answerMs, signal) => this.#exchange(link, payload, answerMs, signal),
      abandon: (known) => this.#abandon(channel, link, known),
    });
    this.#channel = channel;
    return { kind: 'card', channel };
  }

  async #exchange(
    link: Pn532Link,
    payload: Uint8Array,
    answerMs: number,
    signal: AbortSignal,
  ): Promise<Reply> {
    if (link !== this.#link) return { kind: 'closed' };
    return link.command(payload, { answerMs, repeatable: false, signal });
  }

  async #abandon(channel: Pn532Channel, link: Pn532Link, known: boolean): Promise<void> {
    // A later wait may own the chip by now.
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    if (!known && link === this.#link) await this.#recover(link, this.#ending.signal);
    await this.#idle();
  }

  async #idle(): Promise<void> {
    const link = this.#link;
    if (link === undefined) return;
    if (await toIdle(this.#radio(link, this.#ending.signal))) return;
    await this.#recover(link, this.#ending.signal);
  }

  /** Finds the chip again after it went astray, or gives it up. */
  async #recover(link: Pn532Link, signal: AbortSignal): Promise<void> {
    if (link !== this.#link) return;
    const version = await link.resynchronise(signal);
    if (signal.aborted) return;
    const identity = version && identify(version);
    if (identity === undefined) this.#lost(link, 'the device does not answer');
    else if (!sameDevice(identity, this.#identity)) this.#lost(link, 'another device answers');
    else if (!(await initialise(link, this.#settings, signal)) && !signal.aborted)
      this.#lost(link, 'the device refuses its settings');
  }

  #lost(link: Pn532Link, reason: string): void {
    if (link !== this.#link) return;
    this.#link = undefined;
    this.#reason = `${reason} (${this.#services.dialler.address})`;
    this.#channel?.lose();
    this.#tell('offline', this.#reason);
    void link.close();
    this.#reopenLater();
  }

  #reopenLater(): void {
    if (this.#ending.signal.aborted) return;
    const waits = this.#settings.reconnectMs;
    const delay = waits[Math.min(this.#attempts++, waits.length - 1)] ?? 0;
    this.#timer?.cancel();
    this.#timer = this.#wire.after(delay, () => void this.#reopen(), { background: true });
  }

  async #reopen(): Promise<void> {
    const { signal } = this.#ending;
    if (signal.aborted || this.#link !== undefined || this.#isOpening) return;
    try {
      const opened = await this.open(signal, this.#wire.now() + this.#settings.openMs);
      if (opened.kind === 'failed') this.#reopenLater();
    } catch (cause) {
      if (!isPossumError(cause, 'CANCELLED')) throw cause;
    }
  }

  /** Asks an idle chip who it is, again and again. */
  #beat(): void {
    this.#timer?.cancel();
    this.#timer = this.#wire.after(this.#settings.heartbeatMs, () => void this.#check(), {
      background: true,
    });
  }

  async #check(): Promise<void> {
    const link = this.#link;
    if (link === undefined) return;
    if (!link.isBusy && !this.#isWaitedFor) {
      const { signal } = this.#ending;
      const reply = await this.#radio(link, signal).ask(REQUEST.getFirmwareVersion);
      const identity = reply && identify(reply);
      if (signal.aborted) return;
      if (identity === undefined) await this.#recover(link, signal);
      else if (!sameDevice(identity, this.#identity)) this.#lost(link, 'another device answers');
    }
    if (link === this.#link) this.#beat();
  }

  async #pause(signal: AbortSignal, deadlineMs: number): Promise<void> {
    const rest = deadlineMs - this.#clock.now();
    if (rest <= 0) return;
    await sleep(this.#clock, Math.min(this.#settings.pauseMs, rest), signal);
  }

  #radio(link: Pn532Link, signal: AbortSignal): Radio {
    const { answerMs } = this.#settings;
    return {
      settings: this.#settings,
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

  #hold(): Release {
    return this.#wire === this.#clock ? () => {} : this.#clock.hold();
  }

  #tell(to: string, detail?: string): void {
    const { trace = silentTrace } = this.#services;
    if (trace.wants('state'))
      trace.emit({ kind: 'state', part: 'pn532', to, ...(detail === undefined ? {} : { detail }) });
  }
}

function cancelled(): PossumError {
  return new PossumError('CANCELLED', 'the wait for a card was cancelled');
}
