import { bytesToUint, uintToBytes } from '../platform/bytes.ts';
import type { Clock } from '../platform/clock.ts';
import type { KeyStore } from '../ports/index.ts';

/** How many PINs a terminal enciphers. */
export interface PinLimit {
  /** As many may come in a row. */
  readonly burst: number;
  /** Over time one may come in so many milliseconds. */
  readonly everyMs: number;
}

/**
 * PCI PTS POI lets a device encipher one PIN in 30 seconds on average, 120 in an hour, so that nobody finds out PINs
 * by having all of them enciphered for one card. An hour's worth may come in a row.
 */
export const PIN_LIMIT: PinLimit = { burst: 120, everyMs: 30_000 };

/** Counts PINs against a {@link PinLimit}, over restarts too. */
export interface PinRate {
  /** Milliseconds until the next PIN may be taken; 0 when it may be now. */
  waitMs(): number;
  /** Counts a PIN, in the unit of work that takes its key. */
  count(): void;
}

const RECORD = 'pin/rate';
const RECORD_BYTES = 6;

/**
 * A leaky bucket as one number (the generic cell rate algorithm, ITU-T I.371): the moment at which all that was taken
 * has leaked away. A clock that was put back finds the bucket full at worst.
 */
export function pinRate(store: KeyStore, clock: Clock, { burst, everyMs }: PinLimit = PIN_LIMIT): PinRate {
  const emptyAt = (now: number): number => {
    const record = store.get(RECORD);
    const stored = record === undefined ? now : bytesToUint(record);
    return Math.min(Math.max(stored, now), now + burst * everyMs);
  };
  return {
    waitMs() {
      const now = clock.now();
      return Math.max(0, emptyAt(now) - now - (burst - 1) * everyMs);
    },
    count() {
      const next = Math.floor(emptyAt(clock.now()) + everyMs);
      store.atomically((write) => write.put(RECORD, uintToBytes(Math.max(next, 0), RECORD_BYTES)));
    },
  };
}
