import { NEVER } from '../platform/clock.ts';
import type { CardChannel } from '../ports/index.ts';
import { show, type TerminalContext } from './context.ts';
import type { MessageId } from './messages.ts';
import { awaitCard } from './presentation.ts';

/** How long the cardholder may take to hold the card into the field again. */
const SECOND_TAP_MS = 15_000;

/**
 * Has a contactless card presented again after the host's answer (Book B, section 3.2.1; start B with the text
 * "present card again"). The host has decided by then: no cancel key is listened to, and no card is no failure.
 */
export class SecondTap {
  readonly #context: TerminalContext;
  readonly #first: CardChannel;
  #deadlineMs: number | undefined;
  #channel: CardChannel | undefined;

  /** @param first the card as it was presented before; it loses its power when the second presentment begins */
  constructor(context: TerminalContext, first: CardChannel) {
    this.#context = context;
    this.#first = first;
  }

  /**
   * @param refused the card that is there now is another one and has to go first
   * @returns `undefined` when no card came before the deadline, which counts from the first call
   */
  async present(refused: boolean): Promise<CardChannel | undefined> {
    const { clock } = this.#context;
    this.#deadlineMs ??= clock.now() + SECOND_TAP_MS;
    await (this.#channel ?? this.#first).release();
    this.#channel = undefined;
    let prompt: MessageId = refused ? 'same-card' : 'tap-again';
    if (refused && !(await this.#fieldEmpty(prompt, this.#deadlineMs))) return undefined;
    while (clock.now() < this.#deadlineMs) {
      const again = await this.#oneCard(prompt, this.#deadlineMs);
      if (typeof again !== 'string') return again;
      prompt = again;
      if (!(await this.#fieldEmpty(prompt, this.#deadlineMs))) return undefined;
    }
    return undefined;
  }

  /** Takes the power from the card of the second presentment. */
  async release(): Promise<void> {
    await this.#channel?.release();
  }

  /** @returns the card, or what to ask for when what came is no use */
  async #oneCard(prompt: MessageId, deadlineMs: number): Promise<CardChannel | MessageId | undefined> {
    show(this.#context, prompt);
    const { reader, presentation } = await awaitCard(this.#context, ['contactless'], NEVER, deadlineMs);
    if (reader !== undefined) this.#context.usedReaders.add(reader);
    if (presentation.kind === 'collision') return 'one-card-only';
    if (presentation.kind === 'mute') return 'tap-again';
    if (presentation.kind !== 'card') return undefined;
    show(this.#context, 'processing');
    this.#channel = presentation.channel;
    return presentation.channel;
  }

  /** What is no use has to go before another card is looked for. */
  async #fieldEmpty(prompt: MessageId, deadlineMs: number): Promise<boolean> {
    const { clock, trace, usedReaders } = this.#context;
    for (const reader of usedReaders) {
      if (await reader.awaitRemoval(NEVER, clock.now())) continue;
      show(this.#context, prompt);
      if (trace.wants('state')) trace.emit({ kind: 'state', part: 'terminal', to: 'awaiting removal' });
      if (!(await reader.awaitRemoval(NEVER, deadlineMs))) return false;
    }
    return true;
  }
}
