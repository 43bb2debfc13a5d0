import type { CardChannel, CardInterface, StripeTracks } from './card.ts';

/** What a wait for a card ended with. */
export type Presentation =
  | { readonly kind: 'card'; readonly channel: CardChannel }
  | { readonly kind: 'stripe'; readonly tracks: StripeTracks }
  /** The chip was inserted and gave no valid answer to reset (mute, upside down, broken). */
  | { readonly kind: 'mute'; readonly interface: 'contact' | 'contactless' }
  /** More than one card in the field. */
  | { readonly kind: 'collision' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'offline'; readonly reason: string };

/** A transparent reader: it moves APDUs, the kernels run in `src/emv`. */
export interface CardReader {
  readonly interfaces: readonly CardInterface[];
  /**
   * Waits for a card on one of `interfaces`.
   * @param deadlineMs a reading of the clock
   * @throws PossumError `CANCELLED` when `signal` is aborted; the reader is idle by then
   */
  awaitPresentation(
    wanted: readonly CardInterface[],
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<Presentation>;
  /** Waits until no card is there. @returns false when the deadline came first */
  awaitRemoval(signal: AbortSignal, deadlineMs: number): Promise<boolean>;
}
