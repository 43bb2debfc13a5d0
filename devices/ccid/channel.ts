import type { CardChannel, Exchange, ExchangeFault } from '../../src/ports/index.ts';
import type { ContactLink } from '../iso7816/contact-link.ts';

/** A powered card in the slot. Once it is lost, every exchange answers `removed`. */
export class CcidChannel implements CardChannel {
  readonly interface = 'contact';
  readonly answerToReset: Uint8Array;
  readonly #link: ContactLink;
  readonly #abandon: (fault: ExchangeFault | undefined) => Promise<void>;
  #lost: ExchangeFault | undefined;

  /** @param abandon powers the card off; the fault that led to it, if one did */
  constructor(
    answerToReset: Uint8Array,
    link: ContactLink,
    abandon: (fault: ExchangeFault | undefined) => Promise<void>,
  ) {
    this.answerToReset = answerToReset;
    this.#link = link;
    this.#abandon = abandon;
  }

  async transmit(command: Uint8Array, signal: AbortSignal): Promise<Exchange> {
    if (this.#lost !== undefined) return { kind: 'fault', fault: 'removed' };
    const exchange = await this.#link.transmit(command, signal);
    if (exchange.kind === 'response') return exchange;
    // A card that was pulled out meanwhile, or a reader that vanished, explains whatever went wrong.
    const fault = this.#lost ?? exchange.fault;
    this.#lost = fault;
    await this.#abandon(fault);
    return { kind: 'fault', fault };
  }

  async release(): Promise<void> {
    if (this.#lost !== undefined) return;
    this.#lost = 'removed';
    await this.#abandon(undefined);
  }

  /**
   * Ends the channel without a word to the reader.
   * @param cause `lost` when it is not known what became of an exchange that is under way
   */
  lose(cause: 'removed' | 'lost'): void {
    this.#lost ??= cause;
  }
}
