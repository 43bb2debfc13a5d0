import { fromLatin1 } from '../../src/platform/bytes.ts';

/** What a printer says, told apart by bits that are fixed in each kind of byte. */
export type Answer =
  | { readonly kind: 'xon' | 'xoff' | 'cleared' }
  /** To DLE EOT. */
  | { readonly kind: 'real-time'; readonly value: number }
  /** To GS r: what came before is printed. */
  | { readonly kind: 'done'; readonly value: number }
  /** Sent without being asked, four bytes. */
  | { readonly kind: 'automatic'; readonly bytes: Uint8Array }
  /** To GS I. */
  | { readonly kind: 'name'; readonly text: string };

const XON = 0x11;
const XOFF = 0x13;
const NAME_HEAD = 0x5f;
const CLEAR_HEAD = [0x37, 0x25, 0x00];
const MAX_NAME = 80;
const AUTOMATIC_LENGTH = 4;
/** Both bits of a sensor are equal: near end 0 and 1, end 2 and 3. */
const PAPER_ANSWERS: readonly number[] = [0x00, 0x03, 0x0c, 0x0f];

/** Reads a printer's output; what is none of its answers is passed over. */
export class AnswerReader {
  #held: number[] = [];

  push(chunk: Uint8Array): Answer[] {
    const answers: Answer[] = [];
    for (const byte of chunk) {
      const answer = this.#take(byte);
      if (answer !== undefined) answers.push(answer);
    }
    return answers;
  }

  #take(byte: number): Answer | undefined {
    // Flow control comes between any two bytes and is part of no answer.
    if (byte === XON || byte === XOFF) return { kind: byte === XON ? 'xon' : 'xoff' };
    const head = this.#held[0];
    if (head === undefined) return this.#begin(byte);
    if (head === NAME_HEAD) return this.#continueName(byte);
    if (head === CLEAR_HEAD[0]) return this.#continueClear(byte);
    return this.#continueAutomatic(byte);
  }

  #begin(byte: number): Answer | undefined {
    if ((byte & 0x93) === 0x12) return { kind: 'real-time', value: byte };
    if ((byte & 0x93) === 0x10 || byte === NAME_HEAD || byte === CLEAR_HEAD[0]) this.#held = [byte];
    return PAPER_ANSWERS.includes(byte) ? { kind: 'done', value: byte } : undefined;
  }

  #restart(byte: number): Answer | undefined {
    this.#held = [];
    return this.#begin(byte);
  }

  #continueName(byte: number): Answer | undefined {
    if (byte === 0) {
      const text = fromLatin1(Uint8Array.from(this.#held.slice(1)));
      this.#held = [];
      return { kind: 'name', text };
    }
    if (byte < 0x20 || byte > 0x7e || this.#held.length > MAX_NAME) return this.#restart(byte);
    this.#held.push(byte);
    return undefined;
  }

  #continueClear(byte: number): Answer | undefined {
    if (byte !== CLEAR_HEAD[this.#held.length]) return this.#restart(byte);
    this.#held.push(byte);
    if (this.#held.length < CLEAR_HEAD.length) return undefined;
    this.#held = [];
    return { kind: 'cleared' };
  }

  #continueAutomatic(byte: number): Answer | undefined {
    // Only the first byte of a block has bit 4 set.
    if ((byte & 0x90) !== 0) return this.#restart(byte);
    this.#held.push(byte);
    if (this.#held.length < AUTOMATIC_LENGTH) return undefined;
    const bytes = Uint8Array.from(this.#held);
    this.#held = [];
    return { kind: 'automatic', bytes };
  }

  /** Forgets the beginning of an answer. */
  reset(): void {
    this.#held = [];
  }
}

export interface PrinterStatus {
  readonly online: boolean;
  readonly coverOpen: boolean;
  readonly paper: 'ok' | 'near' | 'out';
  /** Cutter or head failed. */
  readonly error: boolean;
  /** Level of the drawer's switch; what it means differs by drawer. */
  readonly drawerLine: boolean;
}

/** @param printer, cause, paper the answers to DLE EOT 1, 2 and 4 */
export function statusOf(printer: number, cause: number, paper: number): PrinterStatus {
  return {
    online: (printer & 0x08) === 0,
    coverOpen: (cause & 0x04) !== 0,
    paper: (paper & 0x60) !== 0 || (cause & 0x20) !== 0 ? 'out' : (paper & 0x0c) !== 0 ? 'near' : 'ok',
    error: (cause & 0x40) !== 0,
    drawerLine: (printer & 0x04) !== 0,
  };
}

/** The state in a block that the printer sent without being asked. */
export function automaticStatusOf([first = 0, second = 0, third = 0]: Uint8Array): PrinterStatus {
  return {
    online: (first & 0x08) === 0,
    coverOpen: (first & 0x20) !== 0,
    paper: (third & 0x0c) !== 0 ? 'out' : (third & 0x03) !== 0 ? 'near' : 'ok',
    error: (second & 0x2c) !== 0,
    drawerLine: (first & 0x04) !== 0,
  };
}
