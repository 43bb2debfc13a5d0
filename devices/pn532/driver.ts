import { type Clock, sleep } from '../../src/platform/clock.ts';
import { PossumError } from '../../src/platform/errors.ts';
import type { CardInterface, CardReader, Presentation } from '../../src/ports/index.ts';
import { Pn532Channel } from './channel.ts';
import type { Identity } from './commands.ts';
import { type DeviceServices, Pn532Device } from './device.ts';
import type { Pn532Link } from './link.ts';
import { fieldIsEmpty, pollRound, type Round } from './polling.ts';

/** Rounds in a row that may fail, each followed by a successful resynchronisation. */
const FAILED_ROUNDS = 3;

export type Opened =
  | { readonly kind: 'opened'; readonly identity: Identity }
  | { readonly kind: 'failed'; readonly reason: string };

/** A contactless reader that is a PN532 on a byte stream. */
export interface Pn532Reader extends CardReader {
  /** The chip of the last successful {@link open}. */
  readonly identity: Identity | undefined;
  readonly isOnline: boolean;
  /**
   * Opens the line, wakes the chip, identifies it and sets it up. From then on the driver keeps a heartbeat and
   * opens the line again when it was lost; a device that identifies itself otherwise is refused.
   * @param deadlineMs a reading of the wire's clock
   * @throws PossumError `CANCELLED` when `signal` is aborted, `STATE` when it is open already or was closed
   */
  open(signal: AbortSignal, deadlineMs: number): Promise<Opened>;
  /** Leaves chip and line idle. Nothing is opened again. */
  close(): Promise<void>;
}

export function createPn532Reader(services: DeviceServices): Pn532Reader {
  return new Reader(services);
}

class Reader implements Pn532Reader {
  readonly interfaces: readonly CardInterface[] = ['contactless'];
  readonly #clock: Clock;
  readonly #device: Pn532Device;
  #channel: Pn532Channel | undefined;
  #isWaitedFor = false;

  constructor(services: DeviceServices) {
    this.#clock = services.clock;
    this.#device = new Pn532Device(services, () => this.#channel?.lose());
  }

  get identity(): Identity | undefined {
    return this.#device.identity;
  }

  get isOnline(): boolean {
    return this.#device.link !== undefined;
  }

  async open(signal: AbortSignal, deadlineMs: number): Promise<Opened> {
    const connected = await this.#device.open(signal, deadlineMs);
    return connected.kind === 'failed' ? connected : { kind: 'opened', identity: connected.identity };
  }

  async close(): Promise<void> {
    this.#channel?.lose();
    await this.#device.close();
  }

  awaitPresentation(
    wanted: readonly CardInterface[],
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<Presentation> {
    return this.#exclusively(signal, async () => {
      if (wanted.includes('contactless')) return this.#poll(signal, deadlineMs);
      await sleep(this.#clock, deadlineMs - this.#clock.now(), signal);
      return { kind: 'timeout' };
    });
  }

  awaitRemoval(signal: AbortSignal, deadlineMs: number): Promise<boolean> {
    return this.#exclusively(signal, async () => {
      for (;;) {
        const { link } = this.#device;
        const empty = link && (await fieldIsEmpty(this.#device.radio(link, signal)));
        if (empty === true) return true;
        if (empty === undefined && link !== undefined) await this.#device.recover(link, signal);
        if (this.#clock.now() >= deadlineMs) return false;
        await this.#pause(signal, deadlineMs);
      }
    });
  }

  /** One wait at a time; however it ends, the card before it is gone, and without a new one the chip is idle. */
  async #exclusively<T>(signal: AbortSignal, wait: () => Promise<T>): Promise<T> {
    if (signal.aborted) throw cancelled();
    if (this.#isWaitedFor) throw new PossumError('STATE', 'the reader is already being waited for');
    this.#isWaitedFor = true;
    this.#forgetCard();
    try {
      const result = await wait();
      if (signal.aborted) throw cancelled();
      return result;
    } finally {
      if (signal.aborted) this.#forgetCard();
      if (this.#channel === undefined) await this.#device.idle();
      this.#isWaitedFor = false;
    }
  }

  #forgetCard(): void {
    this.#channel?.lose();
    this.#channel = undefined;
  }

  async #poll(signal: AbortSignal, deadlineMs: number): Promise<Presentation> {
    let failed = 0;
    for (;;) {
      const { link } = this.#device;
      if (link === undefined) return { kind: 'offline', reason: this.#device.reason };
      const round = await pollRound(this.#device.radio(link, signal));
      if (signal.aborted) throw cancelled();
      const presentation = this.#presentationOf(round, link);
      if (presentation !== undefined) return presentation;
      failed = round.kind === 'failed' ? failed + 1 : 0;
      if (failed === FAILED_ROUNDS) this.#device.lose(link, 'the device gives no usable answers');
      else if (failed > 0) await this.#device.recover(link, signal);
      if (this.#clock.now() >= deadlineMs) return { kind: 'timeout' };
      if (failed === 0) await this.#pause(signal, deadlineMs);
    }
  }

  #presentationOf(round: Round, link: Pn532Link): Presentation | undefined {
    switch (round.kind) {
      case 'collision':
        return { kind: 'collision' };
      case 'mute':
        return { kind: 'mute', interface: 'contactless' };
      case 'card': {
        const channel = new Pn532Channel(round.target, {
          settings: this.#device.settings,
          exchange: (payload, answerMs, signal) =>
            link.command(payload, { answerMs, repeatable: false, signal }),
          abandon: (isWell) => this.#abandon(channel, link, isWell),
        });
        this.#channel = channel;
        return { kind: 'card', channel };
      }
      default:
        return undefined;
    }
  }

  async #abandon(channel: Pn532Channel, link: Pn532Link, isWell: boolean): Promise<void> {
    // A later wait may own the chip by now.
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    if (!isWell) await this.#device.recover(link);
    await this.#device.idle();
  }

  async #pause(signal: AbortSignal, deadlineMs: number): Promise<void> {
    const rest = Math.max(deadlineMs - this.#clock.now(), 0);
    await sleep(this.#clock, Math.min(this.#device.settings.pauseMs, rest), signal);
  }
}

function cancelled(): PossumError {
  return new PossumError('CANCELLED', 'the wait for a card was cancelled');
}
