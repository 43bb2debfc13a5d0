import { type Clock, cancelled, type Timer } from '../platform/clock.ts';
import type { Keypad, PinKey, PinPrompt } from '../ports/index.ts';

/** How an entry ended. The digits are in the caller's buffer, which the caller wipes. */
export type PinEntry =
  | { readonly kind: 'entered'; readonly length: number }
  | { readonly kind: 'bypassed' | 'cancelled' | 'timeout' };

const KEYS: ReadonlySet<unknown> = new Set<PinKey>([
  0,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  'enter',
  'clear',
  'cancel',
]);
const MIN_DIGITS = 4;
export const MAX_DIGITS = 12;

/** Waits of a PIN entry, in milliseconds. */
export interface PinTimeouts {
  readonly firstKeyMs: number;
  readonly betweenKeysMs: number;
  readonly totalMs: number;
}

export const PIN_TIMEOUTS: PinTimeouts = { firstKeyMs: 30_000, betweenKeysMs: 10_000, totalMs: 60_000 };

/**
 * Takes one PIN, key by key, into `buffer`. Enter with no digit bypasses; with fewer than 4 or more than 12 it
 * is refused and the entry begins again (ISO 9564-1, 4 to 12 digits). What is no key is passed over, and whatever
 * comes after the end.
 * @param buffer at least {@link MAX_DIGITS} bytes, filled with digit values
 * @throws PossumError `CANCELLED` when `signal` is aborted
 */
export function enterPin(
  pad: Keypad,
  prompt: PinPrompt,
  buffer: Uint8Array,
  clock: Clock,
  signal: AbortSignal,
  timeouts: PinTimeouts = PIN_TIMEOUTS,
): Promise<PinEntry> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(cancelled());
      return;
    }
    let length = 0;
    let isOver = false;
    let close: (() => void) | undefined;
    let keyTimer: Timer | undefined;
    const finish = (then: () => void) => {
      if (isOver) return;
      isOver = true;
      close?.();
      keyTimer?.cancel();
      totalTimer.cancel();
      signal.removeEventListener('abort', onAbort);
      then();
    };
    const end = (entry: PinEntry) => finish(() => resolve(entry));
    const onAbort = () => finish(() => reject(cancelled()));
    const waitForKey = (ms: number) => {
      keyTimer?.cancel();
      keyTimer = clock.after(ms, () => end({ kind: 'timeout' }));
    };
    const restart = () => {
      buffer.fill(0);
      length = 0;
      pad.stars(0);
    };
    const takeDigit = (digit: number) => {
      if (length < MAX_DIGITS) buffer[length] = digit;
      length++;
      pad.stars(Math.min(length, MAX_DIGITS));
    };
    const press = (key: PinKey) => {
      if (isOver || !KEYS.has(key)) return;
      waitForKey(timeouts.betweenKeysMs);
      if (typeof key === 'number') takeDigit(key);
      else if (key === 'cancel') end({ kind: 'cancelled' });
      else if (key === 'clear') restart();
      else if (length === 0) end({ kind: 'bypassed' });
      else if (length < MIN_DIGITS || length > MAX_DIGITS) restart();
      else end({ kind: 'entered', length });
    };
    const totalTimer = clock.after(timeouts.totalMs, () => end({ kind: 'timeout' }));
    signal.addEventListener('abort', onAbort, { once: true });
    waitForKey(timeouts.firstKeyMs);
    try {
      close = pad.open(prompt, { press });
    } catch (cause) {
      finish(() => reject(cause));
    }
    // A pad that had its keys ready has ended the entry before it could be closed.
    if (isOver) close?.();
  });
}
