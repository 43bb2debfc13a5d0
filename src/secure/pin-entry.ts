import { type Clock, cancelled, type Timer } from '../platform/clock.ts';
import type { Keypad, PinKey, PinPrompt } from '../ports/index.ts';

/** How an entry ended. The digits are in the caller's buffer, which the caller wipes. */
export type PinEntry =
  | { readonly kind: 'entered'; readonly length: number }
  | { readonly kind: 'bypassed' | 'cancelled' | 'timeout' };

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
 * is refused and the entry begins again (ISO 9564-1, 4 to 12 digits).
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
    let keyTimer: Timer;
    const finish = (then: () => void) => {
      close();
      keyTimer.cancel();
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
    const press = (key: PinKey) => {
      waitForKey(timeouts.betweenKeysMs);
      if (key === 'cancel') end({ kind: 'cancelled' });
      else if (key === 'clear') restart();
      else if (key !== 'enter') {
        if (length < MAX_DIGITS) buffer[length] = key;
        length++;
        pad.stars(Math.min(length, MAX_DIGITS));
      } else if (length === 0) end({ kind: 'bypassed' });
      else if (length < MIN_DIGITS || length > MAX_DIGITS) restart();
      else end({ kind: 'entered', length });
    };
    const totalTimer = clock.after(timeouts.totalMs, () => end({ kind: 'timeout' }));
    signal.addEventListener('abort', onAbort, { once: true });
    waitForKey(timeouts.firstKeyMs);
    let close = () => {};
    close = pad.open(prompt, { press });
  });
}
