/**
 * A keypad feeds single keys into a sink that the secure module owns. A key never travels as text: `press`
 * takes the digit's value, and the sink keeps it in a buffer that it wipes.
 */

/** 0 to 9, or a function key. */
export type PinKey = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 'enter' | 'clear' | 'cancel';

/** Where the keys go while a PIN is being entered. */
export interface PinKeySink {
  press(key: PinKey): void;
}

/** What the pad shows while it takes a PIN. */
export interface PinPrompt {
  readonly purpose: 'online' | 'offline';
  /** Minor units, already confirmed by the cardholder. */
  readonly amountMinor: number;
  /** ISO 4217 numeric, three digits. */
  readonly currency: string;
  readonly exponent: number;
  /** The last try, or a repeat after a wrong PIN. */
  readonly hint?: 'wrong-pin' | 'last-try';
}

/** A keypad (virtual pad, text UI): online and offline PIN. */
export interface Keypad {
  readonly kind: 'keypad';
  /** Directs keys into `sink` and shows the prompt, until the returned function is called. */
  open(prompt: PinPrompt, sink: PinKeySink): () => void;
  /** Shows `count` asterisks. */
  stars(count: number): void;
}

export type PinPad = Keypad;

/** What sort of pad is bound. An `encrypting` one gives PIN blocks and never digits: no card can check its PINs. */
export type PinPadKind = PinPad['kind'] | 'encrypting';
