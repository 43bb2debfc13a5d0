import { toHex } from '../../platform/bytes.ts';

/** Magnetic stripe tracks as characters (ISO/IEC 7811, 7813 and 4909). */

export type TrackErrorCode =
  | 'NO_START_SENTINEL'
  | 'NO_END_SENTINEL'
  | 'LRC'
  | 'TOO_LONG'
  | 'CHARACTER'
  | 'FORMAT_CODE'
  | 'NO_SEPARATOR'
  | 'SEPARATORS'
  | 'PAN_DIGITS'
  | 'NAME'
  | 'EXPIRY'
  | 'SERVICE_CODE';

export interface TrackError {
  readonly code: TrackErrorCode;
  readonly message: string;
}

export type TrackResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: TrackError };

/** What tracks 1 and 2 have in common. Holds card data: never log it. */
export interface TrackData {
  readonly pan: string;
  /** `YYMM`; absent when the track holds a separator in its place. */
  readonly expiry?: string;
  readonly serviceCode?: string;
  readonly discretionaryData: string;
}

export interface Track1 extends TrackData {
  readonly formatCode: string;
  /** As on the stripe, padding included. */
  readonly cardholderName: string;
}

export interface Track3 {
  readonly formatCode: string;
  readonly pan: string;
  /** Everything behind the first separator. */
  readonly data: string;
}

interface TrackLayout {
  readonly start: string;
  readonly separator: string;
  /** Character code of the value zero: the characters of a track are consecutive. */
  readonly base: number;
  /** Values of the track's character set. */
  readonly values: number;
  /** Characters between the sentinels. */
  readonly longest: number;
}

const LAYOUTS: Readonly<Record<1 | 2 | 3, TrackLayout>> = {
  1: { start: '%', separator: '^', base: 0x20, values: 64, longest: 76 },
  2: { start: ';', separator: '=', base: 0x30, values: 16, longest: 37 },
  3: { start: ';', separator: '=', base: 0x30, values: 16, longest: 104 },
};
const END = '?';

function fail(code: TrackErrorCode, message: string): { readonly ok: false; readonly error: TrackError } {
  return { ok: false, error: { code, message } };
}

/**
 * The characters between the sentinels of a raw track; a character behind the end sentinel must be the right
 * check character.
 */
export function unwrapTrack(track: 1 | 2 | 3, raw: string): TrackResult<string> {
  const { start } = LAYOUTS[track];
  if (!raw.startsWith(start)) return fail('NO_START_SENTINEL', `track ${track} does not begin with ${start}`);
  const end = raw.indexOf(END);
  if (end < 0) return fail('NO_END_SENTINEL', `track ${track} does not end with ${END}`);
  const rest = raw.slice(end + 1);
  if (rest.length > 1) return fail('TOO_LONG', `track ${track} goes on behind its end`);
  if (rest.length === 1 && rest !== trackLrc(track, raw.slice(0, end + 1))) {
    return fail('LRC', `the check character of track ${track} is wrong`);
  }
  return { ok: true, value: raw.slice(1, end) };
}

/** The check character over a track with its sentinels (ISO/IEC 7811-2, section 9). */
export function trackLrc(track: 1 | 2 | 3, withSentinels: string): string {
  const { base } = LAYOUTS[track];
  let lrc = 0;
  for (let i = 0; i < withSentinels.length; i++) lrc ^= withSentinels.charCodeAt(i) - base;
  return String.fromCharCode(base + lrc);
}

/** Splits track 1, without sentinels (ISO/IEC 7813, format B). */
export function parseTrack1(body: string): TrackResult<Track1> {
  const defect = checkCharacters(1, body);
  if (defect !== undefined) return defect;
  const formatCode = body.slice(0, 1);
  if (formatCode !== 'B') return fail('FORMAT_CODE', 'track 1 is not of format B');
  const [pan, afterPan] = splitAt(body.slice(1), '^');
  const [cardholderName, rest] = splitAt(afterPan ?? '', '^');
  if (rest === undefined) return fail('NO_SEPARATOR', 'track 1 has less than two separators');
  if (cardholderName.length < 2 || cardholderName.length > 26)
    return fail('NAME', 'the name has a bad length');
  const data = readTail(pan, rest, '^');
  return data.ok ? { ok: true, value: { formatCode, cardholderName, ...data.value } } : data;
}

/** Splits track 2, without sentinels (ISO/IEC 7813). */
export function parseTrack2(body: string): TrackResult<TrackData> {
  const defect = checkCharacters(2, body);
  if (defect !== undefined) return defect;
  const [pan, rest] = splitAt(body, '=');
  return rest === undefined ? fail('NO_SEPARATOR', 'track 2 has no separator') : readTail(pan, rest, '=');
}

/** Splits track 3, without sentinels (ISO/IEC 4909), as far as a terminal looks at it. */
export function parseTrack3(body: string): TrackResult<Track3> {
  const defect = checkCharacters(3, body);
  if (defect !== undefined) return defect;
  const end = body.indexOf('=');
  if (end < 0) return fail('NO_SEPARATOR', 'track 3 has no separator');
  const formatCode = body.slice(0, 2);
  if (!/^\d\d$/.test(formatCode)) return fail('FORMAT_CODE', 'track 3 has no format code');
  const pan = body.slice(2, end);
  const wrong = checkPan(pan);
  return wrong ?? { ok: true, value: { formatCode, pan, data: body.slice(end + 1) } };
}

function splitAt(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function checkCharacters(track: 1 | 2 | 3, body: string) {
  const { base, values, longest } = LAYOUTS[track];
  if (body.length > longest) return fail('TOO_LONG', `track ${track} has ${body.length} characters`);
  for (let i = 0; i < body.length; i++) {
    const value = body.charCodeAt(i) - base;
    if (value >= 0 && value < values) continue;
    if (track !== 1) return fail('PAN_DIGITS', `track ${track} has a character that is no digit`);
    return fail('CHARACTER', 'track 1 has a character that the stripe cannot hold');
  }
  return undefined;
}

function checkPan(pan: string) {
  return /^\d{8,19}$/.test(pan) ? undefined : fail('PAN_DIGITS', 'the PAN does not have 8 to 19 digits');
}

/** Reads what follows the PAN; a separator stands in place of an absent expiry date or service code. */
function readTail(pan: string, rest: string, separator: string): TrackResult<TrackData> {
  const wrong = checkPan(pan);
  if (wrong !== undefined) return wrong;
  const expiry = rest.startsWith(separator) ? undefined : rest.slice(0, 4);
  if (expiry !== undefined && !/^\d\d(0[1-9]|1[0-2])$/.test(expiry)) {
    return fail('EXPIRY', 'the expiry date is not YYMM');
  }
  const behind = rest.slice(expiry?.length ?? 1);
  const serviceCode = behind.startsWith(separator) ? undefined : behind.slice(0, 3);
  if (serviceCode !== undefined && !/^\d{3}$/.test(serviceCode)) {
    return fail('SERVICE_CODE', 'the service code does not have three digits');
  }
  const discretionaryData = behind.slice(serviceCode?.length ?? 1);
  // Cards leave out both fields or none: a lone second separator is a reading error.
  if ((expiry === undefined) !== (serviceCode === undefined)) {
    return fail('SEPARATORS', 'the track has a second separator');
  }
  if (discretionaryData.includes(separator)) return fail('SEPARATORS', 'the track has too many separators');
  return {
    ok: true,
    value: {
      pan,
      ...(expiry === undefined ? {} : { expiry }),
      ...(serviceCode === undefined ? {} : { serviceCode }),
      discretionaryData,
    },
  };
}

/**
 * Splits Track 2 Equivalent Data, tag 57 (EMV Book 3, annex A): `D` separates, one `F` pads an odd number of
 * digits.
 */
export function parseTrack2Equivalent(value: Uint8Array): TrackResult<TrackData> {
  const text = toHex(value);
  const body = text.endsWith('F') ? text.slice(0, -1) : text;
  if (body.indexOf('D') !== body.lastIndexOf('D')) {
    return fail('SEPARATORS', 'track 2 equivalent data has two separators');
  }
  if (/[A-CEF]/.test(body)) {
    return fail('PAN_DIGITS', 'track 2 equivalent data has a nibble that is no digit');
  }
  return parseTrack2(body.replace('D', '='));
}

/** Track 2 as the stripe would hold it, from tag 57. */
export function track2FromEquivalent(value: Uint8Array): string {
  return toHex(value).replace(/F$/, '').replaceAll('D', '=');
}
