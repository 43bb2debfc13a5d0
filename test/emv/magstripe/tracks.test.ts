import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chipFailed, FALLBACK_START, judgeSwipe } from '../../../src/emv/magstripe/fallback.ts';
import { readServiceCode } from '../../../src/emv/magstripe/service-code.ts';
import { readStripe } from '../../../src/emv/magstripe/stripe-card.ts';
import {
  parseTrack1,
  parseTrack2,
  parseTrack2Equivalent,
  parseTrack3,
  track2FromEquivalent,
  trackLrc,
  unwrapTrack,
} from '../../../src/emv/magstripe/tracks.ts';
import { fromHex } from '../../../src/platform/bytes.ts';
import { luhnValid } from '../../../src/platform/secret.ts';

interface Vector {
  readonly name: string;
  readonly op: string;
  readonly pan: string;
  readonly valid: boolean;
  readonly track1: string;
  readonly track2: string;
  readonly tag57: string;
  readonly track2Ascii: string;
  readonly lrcCharacter: string;
  readonly formatCode: string;
  readonly cardholderName: string;
  readonly expiry?: string;
  readonly serviceCode?: string;
  readonly discretionaryData: string;
}
const file = JSON.parse(readFileSync('test/vectors/tracks.json', 'utf8')) as { vectors: Vector[] };
const of = (op: string) => file.vectors.filter((v) => v.op === op).map((v) => [v.name, v] as const);

function raw2(raw: string) {
  const body = unwrapTrack(2, raw);
  return body.ok ? parseTrack2(body.value) : body;
}
const fields = (v: Vector) => ({
  pan: v.pan,
  ...(v.expiry === undefined ? {} : { expiry: v.expiry }),
  ...(v.serviceCode === undefined ? {} : { serviceCode: v.serviceCode }),
  discretionaryData: v.discretionaryData,
});

describe('published tracks', () => {
  it.each(of('luhn'))('%s', (_, v) => expect(luhnValid(v.pan)).toBe(v.valid));

  it.each(of('track1'))('%s', (_, v) => {
    const body = unwrapTrack(1, v.track1);
    expect(body.ok && parseTrack1(body.value)).toEqual({
      ok: true,
      value: { ...fields(v), formatCode: v.formatCode, cardholderName: v.cardholderName },
    });
    expect(trackLrc(1, v.track1)).toBe(v.lrcCharacter);
  });

  it.each(of('track2'))('%s', (_, v) => {
    expect(raw2(v.track2)).toEqual({ ok: true, value: fields(v) });
    expect(raw2(v.track2 + v.lrcCharacter).ok).toBe(true);
    expect(trackLrc(2, v.track2)).toBe(v.lrcCharacter);
  });

  it.each(of('track2-reject'))('%s', (_, v) => expect(raw2(v.track2).ok).toBe(false));

  it.each(of('track2-equivalent'))('%s', (_, v) => {
    expect(parseTrack2Equivalent(fromHex(v.tag57))).toEqual({ ok: true, value: fields(v) });
    expect(track2FromEquivalent(fromHex(v.tag57))).toBe(v.track2Ascii);
  });
});

describe('bad tracks', () => {
  it.each([
    ['two separators', '4111111111111111=2512=2010', 'SEPARATORS'],
    ['20 digits', '41111111111111111111=25122010', 'PAN_DIGITS'],
    ['no digits', '=25122010', 'PAN_DIGITS'],
    ['a cut service code', '4111111111111111=251220', 'SERVICE_CODE'],
    ['an empty end', '4111111111111111=', 'EXPIRY'],
    ['nothing', '', 'NO_SEPARATOR'],
  ])('track 2 with %s', (_, body, code) => {
    expect(parseTrack2(body)).toMatchObject({ ok: false, error: { code } });
  });

  it.each([
    ['no separator', '41111111111111112512201F', 'NO_SEPARATOR'],
    ['two separators', '4111111111111111D2512D2010', 'SEPARATORS'],
    ['F inside', '4111111111F11111D25122010F', 'PAN_DIGITS'],
    ['a nibble above 9', '411111111111111AD25122010F', 'PAN_DIGITS'],
  ])('tag 57 with %s', (_, hex, code) => {
    expect(parseTrack2Equivalent(fromHex(hex))).toMatchObject({ ok: false, error: { code } });
  });

  it('a wrong check character', () => {
    expect(unwrapTrack(2, ';4111111111111111=25122010?0')).toMatchObject({ error: { code: 'LRC' } });
  });

  it('track 1 of another format, with a long name, with control characters', () => {
    expect(parseTrack1('A4111111111111111^N/N^2512201')).toMatchObject({ error: { code: 'FORMAT_CODE' } });
    expect(parseTrack1(`B4111111111111111^${'N'.repeat(27)}^2512201`)).toMatchObject({ ok: false });
    expect(parseTrack1('B4111111111111111^N\u001b[2J^2512201')).toMatchObject({
      error: { code: 'CHARACTER' },
    });
  });

  it('any characters at all get an answer', () => {
    for (let i = 0; i < 0x3000; i += 7) {
      const text = `;${String.fromCharCode(i, i % 64, (i * 7) % 256)}=?`;
      expect(typeof raw2(text).ok).toBe('boolean');
    }
  });
});

describe('readStripe', () => {
  const track2 = '4111111111111111=25122010000';

  it('takes both tracks of one card', () => {
    const read = readStripe({ track1: 'B4111111111111111^DOE/JOHN  ^25122010000', track2 });
    expect(read).toMatchObject({
      ok: true,
      card: { serviceCode: '201', cardholderName: 'DOE/JOHN', track2 },
    });
  });

  it.each([
    ['nothing read', {}, 'NO_TRACK'],
    ['a wrong check digit', { track2: '4111111111111112=25122010' }, 'PAN_LUHN'],
    ['tracks of two cards', { track1: 'B5413330089600044^DOE/JOHN^2512201', track2 }, 'TRACKS_DIFFER'],
    ['a broken track 2', { track2: '4111111111111111' }, 'NO_SEPARATOR'],
  ])('refuses %s', (_, tracks, code) => {
    expect(readStripe(tracks)).toMatchObject({ ok: false, problem: { code } });
  });
});

describe('track 3', () => {
  it('gives format code and PAN', () => {
    expect(parseTrack3('014111111111111111=978100')).toEqual({
      ok: true,
      value: { formatCode: '01', pan: '4111111111111111', data: '978100' },
    });
    expect(parseTrack3('01411111')).toMatchObject({ error: { code: 'NO_SEPARATOR' } });
  });
});

describe('service codes', () => {
  it.each([
    ['201', { interchange: 'international', chip: true, authorisation: 'normal', pin: 'not-required' }],
    ['620', { interchange: 'national', chip: true, authorisation: 'issuer', pin: 'required' }],
    ['101', { interchange: 'international', chip: false, services: 'all' }],
    ['799', { interchange: 'private', chip: false, services: 'unknown' }],
  ])('%s', (code, expected) => expect(readServiceCode(code)).toMatchObject(expected));
});

describe('fallback', () => {
  it('asks for the chip until it failed three times, then marks the swipe', () => {
    let state = FALLBACK_START;
    for (const expected of ['insert-again', 'insert-again', 'use-stripe', 'use-stripe']) {
      if (state.chipFailures < 3) expect(judgeSwipe(state, '201', true)).toEqual({ kind: 'insert-chip' });
      const failed = chipFailed(state);
      expect(failed.next).toBe(expected);
      state = failed.state;
    }
    expect(judgeSwipe(state, '201', true)).toEqual({ kind: 'accepted', entryMode: 0x80, fallback: true });
  });

  it('takes a card without a chip, and any card where no chip is read', () => {
    expect(judgeSwipe(FALLBACK_START, '101', true)).toMatchObject({ entryMode: 0x90, fallback: false });
    expect(judgeSwipe(FALLBACK_START, '201', false)).toMatchObject({ kind: 'accepted', fallback: false });
  });
});
