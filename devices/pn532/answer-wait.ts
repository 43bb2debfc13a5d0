import { CHIP_TO_HOST, type Frame } from './frames.ts';

/** How a command ended. */
export type Reply =
  /** What follows the code of the answer. */
  | { readonly kind: 'answer'; readonly data: Uint8Array }
  /** The chip does not know the command, or refused it; it was not executed. */
  | { readonly kind: 'refused' }
  /** No answer in time; the chip may have executed the command. */
  | { readonly kind: 'silent' }
  /** The caller's signal; the command was stopped by an ACK frame. */
  | { readonly kind: 'cancelled' }
  /** The line is gone. */
  | { readonly kind: 'closed' };

/** `missed`: no ACK came. `denied`: the device sent NACK, so that it did not execute the command. */
export type Attempt = Reply | { readonly kind: 'missed' } | { readonly kind: 'denied' };

/** What the frames that arrive after a command mean. */
export class AnswerWait {
  readonly #code: number;
  readonly #repeatable: boolean;
  #repeatsLeft: number;
  #isAcknowledged = false;
  #isDenied = false;
  #early: Uint8Array | undefined;

  constructor(command: number, repeatable: boolean, repeats: number) {
    this.#code = command + 1;
    this.#repeatable = repeatable;
    this.#repeatsLeft = repeats;
  }

  /** The ACK has not come, and its absence will change something. */
  get hingesOnAck(): boolean {
    return !this.#isAcknowledged && (this.#repeatable || this.#isDenied || this.#early !== undefined);
  }

  take(frame: Frame): Attempt | 'ask-again' | undefined {
    switch (frame.kind) {
      case 'ack':
        // What came before it answers an earlier command.
        this.#isAcknowledged = true;
        this.#early = undefined;
        return undefined;
      case 'nack':
        // It has no check bytes: what must not happen twice is not repeated on its word.
        if (this.#repeatable && !this.#isAcknowledged) return { kind: 'denied' };
        this.#isDenied = true;
        return undefined;
      case 'syntax-error':
        return this.#isAcknowledged ? { kind: 'refused' } : undefined;
      case 'corrupt':
        return this.#isAcknowledged && this.#repeatsLeft-- > 0 ? 'ask-again' : undefined;
      case 'data':
        return this.#takeData(frame.tfi, frame.payload);
    }
  }

  #takeData(tfi: number, payload: Uint8Array): Attempt | undefined {
    if (tfi !== CHIP_TO_HOST || payload[0] !== this.#code) return undefined;
    if (this.#isAcknowledged) return { kind: 'answer', data: payload.subarray(1) };
    // An answer without its ACK counts as both, unless the ACK follows: then it was a late answer. Of two that
    // have none it is not known which is the right one.
    if (this.#early !== undefined) return { kind: 'silent' };
    this.#early = payload.subarray(1);
    return undefined;
  }

  /** A moment has passed: that of the ACK, or `last` that of the answer. */
  passed(last: boolean): Attempt | undefined {
    if (this.#early !== undefined) return { kind: 'answer', data: this.#early };
    if (!this.#isAcknowledged && this.#repeatable) return { kind: 'missed' };
    if (!this.#isAcknowledged && this.#isDenied) return { kind: 'silent' };
    return last ? { kind: 'silent' } : undefined;
  }
}
