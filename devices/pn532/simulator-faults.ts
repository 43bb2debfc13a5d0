import type { Random } from '../../src/platform/random.ts';

/** What a simulated chip can do wrong, for a number of commands each. */
export const PN532_FAULTS = [
  'ignore', // it does not hear the command
  'silent', // it executes the command and says nothing
  'no-ack', // the answer comes without its ACK
  'no-answer', // the ACK comes without its answer
  'deny', // NACK, and the command is not executed
  'bad-sum', // the sum of the answer is wrong; asked again, the chip sends it right
  'syntax-error', // the error frame, and the command is not executed
  'other-answer', // the answer to another command
  'noise', // bytes that mean nothing before the answer
  'air-error', // status 0B after the card executed the command
  'slow', // the card asks for more time, again and again
] as const;

export type Pn532Fault = (typeof PN532_FAULTS)[number];

/** The faults that are due. */
export class FaultPlan {
  readonly #left = new Map<Pn532Fault, number>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  add(kind: Pn532Fault, count = 1): void {
    this.#left.set(kind, (this.#left.get(kind) ?? 0) + count);
  }

  /** True when this fault happens now. */
  takes(kind: Pn532Fault): boolean {
    const left = this.#left.get(kind) ?? 0;
    if (left > 0) this.#left.set(kind, left - 1);
    return left > 0;
  }

  noise(): Uint8Array {
    return this.#random.bytes(1 + this.#random.below(40));
  }
}
