import type { ExchangeFault } from '../../src/ports/index.ts';

/** What a reader brings back for one TPDU of T=0 or one block of T=1. */
export type TpduAnswer =
  | { readonly kind: 'answer'; readonly bytes: Uint8Array }
  /** The card said nothing in time. */
  | { readonly kind: 'silence' }
  /** The card said something that the reader could not make out: parity, a break within a block. */
  | { readonly kind: 'garbled' }
  /** The reader or the card is gone, or the card broke the protocol. */
  | { readonly kind: 'fault'; readonly fault: ExchangeFault };

export interface TpduWait {
  /** Longest silence before the card's answer, in milliseconds. */
  readonly waitMs: number;
  /** T=1: the multiple of the block waiting time that the card asked for, else 1. */
  readonly extension: number;
}

/**
 * The way to one powered card below the APDU. A port never sends anything twice: repetition is the business of the
 * protocol above it.
 */
export interface TpduPort {
  /**
   * Sends one TPDU (CLA INS P1 P2 P3 and data) or one block and waits for what comes back.
   * @throws PossumError `CANCELLED` when `signal` is aborted
   */
  exchange(bytes: Uint8Array, wait: TpduWait, signal: AbortSignal): Promise<TpduAnswer>;
}
