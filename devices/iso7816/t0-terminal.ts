import type { ExtensionBudget } from './extension-budget.ts';

/** Why an exchange of characters failed. */
export type T0Failure =
  | 'silent' // the card fell silent for longer than the work waiting time
  | 'procedure' // a procedure byte that has no meaning here
  | 'extensions'; // the card asked for more time than there is

export type T0CharacterStep =
  /** Send `bytes`, then wait up to `waitMs` for each character. */
  | { readonly kind: 'send'; readonly bytes: Uint8Array; readonly waitMs: number }
  | { readonly kind: 'wait'; readonly waitMs: number }
  /** `response`: data, SW1, SW2. */
  | { readonly kind: 'done'; readonly response: Uint8Array }
  | { readonly kind: 'failed'; readonly reason: T0Failure };

type Mode = 'idle' | 'procedure' | 'data' | 'one' | 'status';

const NULL = 0x60;
const NOTHING = new Uint8Array(0);

/**
 * The terminal's end of one T=0 exchange, character by character (ISO/IEC 7816-3:2006, section 10.3; EMV Book 1,
 * section 9.2.2): the header goes out, procedure bytes ask for the rest.
 */
export class T0Terminal {
  readonly #budget: ExtensionBudget;
  readonly #waitMs: number;
  #mode: Mode = 'idle';
  #instruction = 0;
  #outgoing: Uint8Array = NOTHING;
  #incoming = 0;
  #received: number[] = [];

  constructor(settings: { readonly budget: ExtensionBudget; readonly workWaitingMs: number }) {
    this.#budget = settings.budget;
    this.#waitMs = settings.workWaitingMs;
  }

  /** @param tpdu CLA INS P1 P2 P3, and P3 bytes of data when the command carries any */
  begin(tpdu: Uint8Array): T0CharacterStep {
    const p3 = tpdu[4] ?? 0;
    this.#budget.reset();
    this.#instruction = tpdu[1] ?? 0;
    this.#outgoing = tpdu.slice(5);
    this.#incoming = this.#outgoing.length > 0 ? 0 : p3 || 256;
    this.#received = [];
    this.#mode = 'procedure';
    return this.#send(tpdu.slice(0, 5));
  }

  /** Takes what arrived, in pieces of any size; what follows the end of the exchange is dropped. */
  take(bytes: Uint8Array): T0CharacterStep {
    let waitMs = this.#waitMs;
    for (const byte of bytes) {
      const step = this.#character(byte);
      if (step.kind !== 'wait') return step;
      waitMs = step.waitMs;
    }
    return { kind: 'wait', waitMs };
  }

  /** Nothing came in the time that the last step gave. */
  silence(): T0CharacterStep {
    return this.#fail(this.#budget.exhausted ? 'extensions' : 'silent');
  }

  #character(byte: number): T0CharacterStep {
    switch (this.#mode) {
      case 'procedure':
        return this.#procedure(byte);
      case 'status':
        this.#received.push(byte);
        this.#mode = 'idle';
        return { kind: 'done', response: Uint8Array.from(this.#received) };
      case 'data':
      case 'one':
        this.#received.push(byte);
        this.#incoming--;
        if (this.#mode === 'one' || this.#incoming === 0) this.#mode = 'procedure';
        return this.#wait();
      default:
        return this.#fail('procedure');
    }
  }

  #procedure(byte: number): T0CharacterStep {
    if (byte === NULL) {
      const waitMs = this.#budget.grant(this.#waitMs);
      return waitMs === undefined ? this.#fail('extensions') : { kind: 'wait', waitMs };
    }
    if (byte === this.#instruction) return this.#transfer('data');
    if (byte === (this.#instruction ^ 0xff)) return this.#transfer('one');
    if (byte >> 4 !== 6 && byte >> 4 !== 9) return this.#fail('procedure');
    this.#received.push(byte);
    this.#mode = 'status';
    return this.#wait();
  }

  #transfer(how: 'data' | 'one'): T0CharacterStep {
    if (this.#outgoing.length > 0) {
      const piece = this.#outgoing.slice(0, how === 'one' ? 1 : this.#outgoing.length);
      this.#outgoing = this.#outgoing.slice(piece.length);
      return this.#send(piece);
    }
    if (this.#incoming === 0) return this.#fail('procedure');
    this.#mode = how;
    return this.#wait();
  }

  #send(bytes: Uint8Array): T0CharacterStep {
    return { kind: 'send', bytes, waitMs: this.#waitMs };
  }

  #wait(): T0CharacterStep {
    return { kind: 'wait', waitMs: this.#waitMs };
  }

  #fail(reason: T0Failure): T0CharacterStep {
    this.#mode = 'idle';
    return { kind: 'failed', reason };
  }
}
