import { readServiceCode } from './service-code.ts';

/** From chip to stripe: when a swipe is taken, refused, or counts as fallback. */

/** How often the chip failed in this transaction. */
export interface FallbackState {
  readonly chipFailures: number;
}

export const FALLBACK_START: FallbackState = { chipFailures: 0 };

/** Failures of the chip before the stripe is accepted instead. */
export const MAX_CHIP_TRIES = 3;

/** POS entry modes, tag 9F39 and the first two digits of field 22 (Book 4, annex A). */
export const ENTRY_MODE = {
  manual: 0x01,
  chip: 0x05,
  contactless: 0x07,
  fallback: 0x80,
  stripe: 0x90,
  contactlessStripe: 0x91,
} as const;

/** Counts a chip that could not be read: no valid answer to reset, or a result that allows fallback. */
export function chipFailed(state: FallbackState): {
  readonly state: FallbackState;
  readonly next: 'insert-again' | 'use-stripe';
} {
  const chipFailures = Math.min(state.chipFailures + 1, MAX_CHIP_TRIES);
  return { state: { chipFailures }, next: chipFailures >= MAX_CHIP_TRIES ? 'use-stripe' : 'insert-again' };
}

export type SwipeJudgement =
  | { readonly kind: 'accepted'; readonly entryMode: number; readonly fallback: boolean }
  | { readonly kind: 'insert-chip' };

/**
 * Judges a swipe by its service code: a chip card has to be inserted where the terminal reads chips, unless its
 * chip failed often enough.
 */
export function judgeSwipe(
  state: FallbackState,
  serviceCode: string,
  terminalReadsChips: boolean,
): SwipeJudgement {
  if (!terminalReadsChips || !readServiceCode(serviceCode).chip) {
    return { kind: 'accepted', entryMode: ENTRY_MODE.stripe, fallback: false };
  }
  return state.chipFailures >= MAX_CHIP_TRIES
    ? { kind: 'accepted', entryMode: ENTRY_MODE.fallback, fallback: true }
    : { kind: 'insert-chip' };
}
