import {
  parseTrack1,
  parseTrack2,
  parseTrack2Equivalent,
  type TrackResult,
  track2FromEquivalent,
  trackLrc,
  unwrapTrack,
} from '../../emv/magstripe/tracks.ts';
import { PossumError } from '../../platform/errors.ts';
import { luhnValid } from '../../platform/secret.ts';
import type { Answer, Fields, Topic } from './fields.ts';

/** Magnetic stripe tracks and what stands for them on a chip. */
export const tracks: Topic = {
  luhn: (input) => ({ valid: luhnValid(input.digits('pan', 1, 19)) }),
  track1: (input) => {
    const raw = input.text('track1');
    const body = taken('track1', unwrapTrack(1, raw));
    return { ...taken('track1', parseTrack1(body)), ...lrc(1, raw) };
  },
  track2,
  'track2-reject': track2,
  'track2-equivalent': (input) => {
    const tag57 = input.hex('tag57');
    return {
      ...taken('tag57', parseTrack2Equivalent(tag57)),
      track2Ascii: track2FromEquivalent(tag57),
    };
  },
};

function track2(input: Fields): Answer {
  const raw = input.text('track2');
  const body = taken('track2', unwrapTrack(2, raw));
  return { ...taken('track2', parseTrack2(body)), ...lrc(2, raw) };
}

function lrc(track: 1 | 2, raw: string): Answer {
  return { lrcCharacter: trackLrc(track, raw.slice(0, raw.indexOf('?') + 1)) };
}

function taken<T>(field: string, result: TrackResult<T>): T {
  if (result.ok) return result.value;
  throw new PossumError('FORMAT', `${result.error.message} (${result.error.code})`, { where: field });
}
