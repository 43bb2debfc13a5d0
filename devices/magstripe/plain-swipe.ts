import type { StripeTracks } from '../../src/ports/index.ts';
import type { StripeFormat } from './settings.ts';
import type { TrackCodec } from './track-codec.ts';

/** Why a track of a swipe was not read: the reader says so, or the codes of the track reading. */
export interface TrackDefect {
  readonly track: 1 | 2 | 3;
  readonly code: string;
}

/** What a reader of plain tracks sent for one swipe. Holds card data: never log it. */
export type PlainSwipe =
  /** Every track that came was read. */
  | { readonly kind: 'read'; readonly tracks: StripeTracks }
  | { readonly kind: 'partial'; readonly tracks: StripeTracks; readonly defects: readonly TrackDefect[] }
  /** Tracks came, none could be read. */
  | { readonly kind: 'garbled'; readonly defects: readonly TrackDefect[] };

type TrackNumber = TrackDefect['track'];

/** Characters between which readers send a track: CR, LF, STX, ETX, DLE, ESC. */
const BETWEEN_TRACKS = '\r\n\x02\x03\x10\x1b';
const NAMES = { 1: 'track1', 2: 'track2', 3: 'track3' } as const;
const LONGEST_TRACK_2 = 37;
/** What readers send in place of the content of a bad track. */
const ERROR_MARK = 'E';
/** No card holds it: what readers with a key show in place of digits. */
const MASK = '*';

/**
 * Reads plain output: tracks from start to end sentinel, perhaps with a check character, whatever stands between them.
 * @param text one character a byte
 * @returns the swipes in order; none when no track begins anywhere
 */
export function readPlain(text: string, format: StripeFormat, codec: TrackCodec): readonly PlainSwipe[] {
  const swipes: SwipeBuilder[] = [];
  for (const segment of segmentsOf(text))
    for (const piece of piecesOf(segment, format)) {
      let swipe = swipes.at(-1);
      let track = swipe?.numberOf(piece);
      if (swipe === undefined || track === undefined) {
        swipe = new SwipeBuilder(format, codec);
        swipes.push(swipe);
        track = swipe.numberOf(piece);
      }
      if (track !== undefined) swipe.take(track, piece);
    }
  return swipes.map((swipe) => swipe.result());
}

function segmentsOf(text: string): readonly string[] {
  const segments = [''];
  for (const character of text)
    if (BETWEEN_TRACKS.includes(character)) segments.push('');
    else segments.push((segments.pop() ?? '') + character);
  return segments;
}

/** One track as it was sent; `end` is what follows the body: nothing, or the end sentinel and a check character. */
interface Piece {
  readonly start: '%' | ';';
  readonly body: string;
  readonly end: string;
}

/** A segment holds one track, or several when the reader sends nothing between them. */
function* piecesOf(segment: string, { lrc }: StripeFormat): Iterable<Piece> {
  // Some readers show the start of track 3 as a plus sign.
  let rest = segment.startsWith('+') ? `;${segment.slice(1)}` : segment;
  for (;;) {
    const at = rest.search(/[%;]/);
    if (at < 0) return;
    const start = rest[at] === '%' ? '%' : ';';
    const end = rest.indexOf('?', at);
    if (end < 0) {
      yield { start, body: rest.slice(at + 1), end: '' };
      return;
    }
    const behind = rest.slice(end + 1);
    const hasCheck = lrc !== 'never' && (behind.length === 1 || /^.[%;]/s.test(behind));
    yield { start, body: rest.slice(at + 1, end), end: hasCheck ? `?${behind[0]}` : '?' };
    rest = hasCheck ? behind.slice(1) : behind;
  }
}

/** Collects the tracks of one swipe. */
class SwipeBuilder {
  readonly #format: StripeFormat;
  readonly #codec: TrackCodec;
  readonly #tracks: { track1?: string; track2?: string; track3?: string } = {};
  readonly #defects: TrackDefect[] = [];
  #last = 0;

  constructor(format: StripeFormat, codec: TrackCodec) {
    this.#format = format;
    this.#codec = codec;
  }

  /** The track that a piece is; `undefined` when it belongs to the next swipe. */
  numberOf({ start, body }: Piece): TrackNumber | undefined {
    if (start === '%') return this.#last === 0 ? 1 : undefined;
    // Without a track 2 before it, only its length shows a track 3.
    if (this.#last < 2 && this.#format.track2 && body.length <= LONGEST_TRACK_2) return 2;
    return this.#last < 3 ? 3 : undefined;
  }

  take(track: TrackNumber, { start, body, end }: Piece): void {
    this.#last = track;
    if (body === ERROR_MARK) this.#defects.push({ track, code: 'UNREADABLE' });
    else if (body.includes(MASK)) this.#defects.push({ track, code: 'MASKED' });
    else if (/[^\x20-\x5f]|[%;]/.test(body)) this.#defects.push({ track, code: 'CHARACTER' });
    else if (end === '?' && this.#format.lrc === 'required') this.#defects.push({ track, code: 'NO_LRC' });
    else {
      const read = this.#codec.unwrapTrack(track, start + body + end);
      if (read.ok && read.value !== '') this.#tracks[NAMES[track]] = read.value;
      else this.#defects.push({ track, code: read.ok ? 'EMPTY' : read.error.code });
    }
  }

  result(): PlainSwipe {
    const tracks = this.#tracks;
    const defects = this.#defects;
    if (Object.keys(tracks).length === 0) return { kind: 'garbled', defects };
    return defects.length === 0 ? { kind: 'read', tracks } : { kind: 'partial', tracks, defects };
  }
}
