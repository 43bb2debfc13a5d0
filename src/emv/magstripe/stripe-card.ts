import { luhnValid, Pan } from '../../platform/secret.ts';
import type { StripeTracks } from '../../ports/index.ts';
import { parseTrack1, parseTrack2, type TrackError } from './tracks.ts';

/** What a swipe gives to a transaction. Track 2 is card data: it lives until the answer and is never stored. */
export interface StripeCard {
  readonly pan: Pan;
  /** `YYMM` */
  readonly expiry?: string;
  readonly serviceCode?: string;
  readonly cardholderName?: string;
  /** Track 2 without sentinels, for field 35; absent when only track 1 was read. */
  readonly track2?: string;
}

export type StripeProblem =
  | TrackError
  | { readonly code: 'NO_TRACK' | 'PAN_LUHN' | 'TRACKS_DIFFER'; readonly message: string };

export type StripeResult =
  | { readonly ok: true; readonly card: StripeCard }
  | { readonly ok: false; readonly problem: StripeProblem };

function refuse(code: 'NO_TRACK' | 'PAN_LUHN' | 'TRACKS_DIFFER', message: string): StripeResult {
  return { ok: false, problem: { code, message } };
}

/** Reads track 2, else track 1; both must name the same PAN when both were read. */
export function readStripe(tracks: StripeTracks): StripeResult {
  const first = tracks.track1 === undefined ? undefined : parseTrack1(tracks.track1);
  const second = tracks.track2 === undefined ? undefined : parseTrack2(tracks.track2);
  const main = second ?? first;
  if (main === undefined) return refuse('NO_TRACK', 'neither track 1 nor track 2 was read');
  if (!main.ok) return { ok: false, problem: main.error };
  const { pan, expiry, serviceCode } = main.value;
  if (!luhnValid(pan)) return refuse('PAN_LUHN', 'the check digit of the PAN is wrong');
  if (first?.ok && first.value.pan !== pan)
    return refuse('TRACKS_DIFFER', 'tracks 1 and 2 name different PANs');
  return {
    ok: true,
    card: {
      pan: new Pan(pan),
      ...(expiry === undefined ? {} : { expiry }),
      ...(serviceCode === undefined ? {} : { serviceCode }),
      ...(first?.ok ? { cardholderName: first.value.cardholderName.trim() } : {}),
      ...(second?.ok && tracks.track2 !== undefined ? { track2: tracks.track2 } : {}),
    },
  };
}
