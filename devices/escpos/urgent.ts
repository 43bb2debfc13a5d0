import { CLEAR_BUFFER, DLE } from './frames.ts';

/** What a printer obeys when it arrives, wherever it stands. */
export type Urgent =
  | { readonly kind: 'status'; readonly query: number }
  | { readonly kind: 'pulse' }
  | { readonly kind: 'clear' };

const EOT = 0x04;
const DC4 = 0x14;
const PULSE = 1;
const CLEAR = 8;

/** Looks for urgent commands in a printer's input, inside text and pictures, too. */
export class UrgentReader {
  #held: number[] = [];

  take(byte: number): Urgent | undefined {
    if (byte === DLE && this.#held.length < 3) this.#held = [];
    if (byte === DLE || this.#held.length > 0) this.#held.push(byte);
    const [, code, parameter, pin] = this.#held;
    if (parameter === undefined) return undefined;
    if (code === DC4 && parameter === CLEAR) return this.#clear();
    if (code === DC4 && parameter === PULSE && pin === undefined) return undefined;
    this.reset();
    if (code === EOT) return { kind: 'status', query: parameter };
    return code === DC4 && parameter === PULSE ? { kind: 'pulse' } : undefined;
  }

  reset(): void {
    this.#held = [];
  }

  #clear(): Urgent | undefined {
    const at = this.#held.length - 1;
    const fits = this.#held[at] === CLEAR_BUFFER[at];
    if (fits && at < CLEAR_BUFFER.length - 1) return undefined;
    this.reset();
    return fits ? { kind: 'clear' } : undefined;
  }
}
