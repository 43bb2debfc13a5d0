import { PossumError } from '../../src/platform/errors.ts';
import type { Keypad, PinKey, PinKeySink, PinPrompt } from '../../src/ports/index.ts';

/** A keypad that is typed on by a script. */
export interface VirtualPinPad extends Keypad {
  /**
   * Queues keys: digits, `E` (or a line feed) for enter, `C` for cancel, `B` for clear. They are fed while the pad
   * is open; when an entry ends, the rest waits for the next one.
   * @throws PossumError `USAGE` on any other character
   */
  type(keys: string): void;
  /** Drops the keys that nobody has taken. */
  forget(): void;
  /** The prompt of the open entry. */
  readonly prompt: PinPrompt | undefined;
  /** Asterisks on the pad. */
  readonly starsShown: number;
  /** Prompts of all entries so far. */
  readonly prompts: readonly PinPrompt[];
}

const FUNCTION_KEYS: Readonly<Record<string, PinKey>> = {
  E: 'enter',
  '\n': 'enter',
  C: 'cancel',
  B: 'clear',
};

/** A keypad in this process. Keys reach the sink in a later microtask, never inside `open` or `type`. */
export function createVirtualPinPad(): VirtualPinPad {
  return new PinPad();
}

class PinPad implements VirtualPinPad {
  readonly kind = 'keypad';
  readonly prompts: PinPrompt[] = [];
  readonly #queue: PinKey[] = [];
  #sink: PinKeySink | undefined;
  #stars = 0;
  #feeding = false;

  get prompt(): PinPrompt | undefined {
    return this.#sink === undefined ? undefined : this.prompts.at(-1);
  }

  get starsShown(): number {
    return this.#stars;
  }

  open(prompt: PinPrompt, sink: PinKeySink): () => void {
    if (this.#sink !== undefined) throw new PossumError('STATE', 'the PIN pad is already taking a PIN');
    this.prompts.push(prompt);
    this.#sink = sink;
    this.#stars = 0;
    this.#feed();
    return () => {
      if (this.#sink === sink) this.#sink = undefined;
    };
  }

  stars(count: number): void {
    this.#stars = count;
  }

  type(keys: string): void {
    for (const character of keys) {
      const key = /\d/.test(character) ? (Number(character) as PinKey) : FUNCTION_KEYS[character];
      if (key === undefined) {
        throw new PossumError('USAGE', `${JSON.stringify(character)} is no key of the PIN pad`, {
          remedy: 'Use digits, E for enter, C for cancel and B for clear.',
        });
      }
      this.#queue.push(key);
    }
    this.#feed();
  }

  forget(): void {
    this.#queue.length = 0;
  }

  #feed(): void {
    if (this.#feeding) return;
    this.#feeding = true;
    queueMicrotask(() => {
      this.#feeding = false;
      const sink = this.#sink;
      while (sink !== undefined && this.#sink === sink) {
        const key = this.#queue.shift();
        if (key === undefined) return;
        sink.press(key);
      }
    });
  }
}
