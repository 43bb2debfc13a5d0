import { cancelled, sleep } from '../../src/platform/clock.ts';
import { PossumError } from '../../src/platform/errors.ts';
import type { CardInterface, CardReader, ExchangeFault, Presentation } from '../../src/ports/index.ts';
import { openContactLink } from '../iso7816/activation.ts';
import { type Atr, parseAtr } from '../iso7816/atr-structure.ts';
import { judgeEmvAtr } from '../iso7816/emv-atr.ts';
import { CcidChannel } from './channel.ts';
import { ccidContactReader } from './contact-reader.ts';
import { CcidDevice, type DeviceServices, type Opened } from './device.ts';
import type { CcidLink } from './link.ts';
import { COMMAND, statusOf } from './messages.ts';

/** A contact reader that speaks CCID over a serial line, such as the GemPC Twin. */
export interface CcidReader extends CardReader {
  /** What the reader calls itself; `undefined` before the first successful {@link open}. */
  readonly firmware: string | undefined;
  readonly isOnline: boolean;
  /**
   * Opens the line and identifies the reader. From then on the driver keeps a heartbeat and opens the line again when
   * it was lost; a reader that calls itself otherwise is refused.
   * @param deadlineMs a reading of the wire's clock
   * @throws PossumError `CANCELLED` when `signal` is aborted, `STATE` when it is open already or was closed
   */
  open(signal: AbortSignal, deadlineMs: number): Promise<Opened>;
  /** Powers the card off and closes the line. Nothing is opened again. */
  close(): Promise<void>;
}

export function createCcidReader(services: DeviceServices): CcidReader {
  return new Reader(services);
}

type Slot = 'empty' | 'card' | 'unknown';

class Reader implements CcidReader {
  readonly interfaces: readonly CardInterface[] = ['contact'];
  readonly #services: DeviceServices;
  readonly #device: CcidDevice;
  #channel: CcidChannel | undefined;
  #isWaitedFor = false;

  constructor(services: DeviceServices) {
    this.#services = services;
    this.#device = new CcidDevice(services, {
      isIdle: () => !this.#isWaitedFor,
      onMovement: () => this.#forgetCard('removed'),
      onLost: () => this.#forgetCard('lost'),
    });
  }

  get firmware(): string | undefined {
    return this.#device.firmware;
  }

  get isOnline(): boolean {
    return this.#device.link !== undefined;
  }

  open(signal: AbortSignal, deadlineMs: number): Promise<Opened> {
    return this.#device.open(signal, deadlineMs);
  }

  async close(): Promise<void> {
    this.#forgetCard('removed');
    const { link, ending } = this.#device;
    if (link !== undefined && !ending.aborted)
      await this.#device.ask(link, { type: COMMAND.powerOff }, ending);
    await this.#device.close();
  }

  awaitPresentation(
    wanted: readonly CardInterface[],
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<Presentation> {
    return this.#exclusively(signal, async () => {
      if (wanted.includes('contact')) return this.#poll(signal, deadlineMs);
      await sleep(this.#services.clock, deadlineMs - this.#services.clock.now(), signal);
      return { kind: 'timeout' };
    });
  }

  awaitRemoval(signal: AbortSignal, deadlineMs: number): Promise<boolean> {
    return this.#exclusively(signal, async () => {
      for (;;) {
        const { link } = this.#device;
        if (link !== undefined && (await this.#slot(link, signal)) === 'empty') return true;
        if (this.#services.clock.now() >= deadlineMs) return false;
        await this.#pause(signal, deadlineMs);
      }
    });
  }

  /** One wait at a time; the card before it is given up, and without a new one the slot is left unpowered. */
  async #exclusively<T>(signal: AbortSignal, wait: () => Promise<T>): Promise<T> {
    if (signal.aborted) throw cancelled();
    if (this.#isWaitedFor) throw new PossumError('STATE', 'the reader is already being waited for');
    this.#isWaitedFor = true;
    this.#forgetCard('removed');
    try {
      const result = await wait();
      if (signal.aborted) throw cancelled();
      return result;
    } finally {
      if (signal.aborted) this.#forgetCard('removed');
      if (this.#channel === undefined) await this.#powerOff();
      this.#isWaitedFor = false;
    }
  }

  async #poll(signal: AbortSignal, deadlineMs: number): Promise<Presentation> {
    for (;;) {
      const { link } = this.#device;
      if (link === undefined) return { kind: 'offline', reason: this.#device.reason };
      const slot = await this.#slot(link, signal);
      const presentation = slot === 'card' ? await this.#activate(link, signal) : undefined;
      if (signal.aborted) throw cancelled();
      if (presentation !== undefined) return presentation;
      if (this.#services.clock.now() >= deadlineMs) return { kind: 'timeout' };
      if (link === this.#device.link) await this.#pause(signal, deadlineMs);
    }
  }

  async #slot(link: CcidLink, signal: AbortSignal): Promise<Slot> {
    const answer = await this.#device.ask(link, { type: COMMAND.slotStatus }, signal);
    if (signal.aborted) throw cancelled();
    if (answer === undefined) {
      await this.#device.recover(link, signal);
      return 'unknown';
    }
    return statusOf(answer).card === 'absent' ? 'empty' : 'card';
  }

  /** @returns `undefined` when the card left, or the reader did */
  async #activate(link: CcidLink, signal: AbortSignal): Promise<Presentation | undefined> {
    const { resets, voltages } = this.#device.settings;
    for (const voltage of voltages) {
      // The first reset is a cold one; on a powered card IccPowerOn is a warm reset.
      for (let reset = 0; reset < resets; reset++) {
        const channel = await this.#powerOn(link, voltage, reset > 0, signal);
        if (channel !== undefined) {
          this.#channel = channel;
          return { kind: 'card', channel };
        }
      }
      await this.#powerOff();
    }
    if (link !== this.#device.link || (await this.#slot(link, signal)) !== 'card') return undefined;
    return { kind: 'mute', interface: 'contact' };
  }

  async #powerOn(
    link: CcidLink,
    voltage: number,
    warm: boolean,
    signal: AbortSignal,
  ): Promise<CcidChannel | undefined> {
    const { settings, wire } = this.#device;
    const powered = await this.#device.ask(
      link,
      { type: COMMAND.powerOn, specific: [voltage, 0, 0] },
      signal,
    );
    if (signal.aborted) throw cancelled();
    if (powered === undefined || statusOf(powered).command !== 'done') return undefined;
    const parsed = parseAtr(powered.data);
    if (!parsed.ok || !this.#isWelcome(parsed.atr, warm)) return undefined;
    const { clockHz, speeds, protocol, emvRecovery } = settings;
    const reader = ccidContactReader(link, settings, parsed.atr.convention === 'inverse');
    const activation = await openContactLink(
      reader,
      parsed.atr,
      {
        now: () => wire.now(),
        clockHz,
        // A card that was lost to a selection is taken as it comes.
        bears: (ta1) => !warm && speeds.includes(ta1),
        emvRecovery,
        ...(!warm && protocol !== undefined && { protocol }),
      },
      signal,
    );
    if (activation.kind === 'failed') return undefined;
    const channel: CcidChannel = new CcidChannel(powered.data, activation.link, (fault) =>
      this.#abandon(channel, link, fault),
    );
    return channel;
  }

  /** EMV's judgement on the answer to reset is told; whether it counts is a setting. */
  #isWelcome(atr: Atr, warm: boolean): boolean {
    const findings = judgeEmvAtr(atr, { warm });
    for (const { character, message } of findings)
      this.#device.tell('card', `EMV Level 1: ${character} ${message}`);
    return findings.length === 0 || !this.#device.settings.emvAtr;
  }

  async #abandon(channel: CcidChannel, link: CcidLink, fault: ExchangeFault | undefined): Promise<void> {
    // A later wait may own the slot by now.
    if (this.#channel !== channel && this.#channel !== undefined) return;
    this.#channel = undefined;
    if (fault === 'lost') await this.#device.recover(link, this.#device.ending);
    await this.#powerOff();
  }

  async #powerOff(): Promise<void> {
    const { link, ending } = this.#device;
    if (link === undefined || ending.aborted) return;
    const answer = await this.#device.ask(link, { type: COMMAND.powerOff }, ending);
    if (answer === undefined) await this.#device.recover(link, ending);
  }

  #forgetCard(cause: 'removed' | 'lost'): void {
    this.#channel?.lose(cause);
    this.#channel = undefined;
  }

  async #pause(signal: AbortSignal, deadlineMs: number): Promise<void> {
    const leftMs = deadlineMs - this.#services.clock.now();
    await sleep(this.#services.clock, Math.max(Math.min(this.#device.settings.pollMs, leftMs), 0), signal);
  }
}
