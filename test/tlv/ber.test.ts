import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { encodeTlv, findTlvDeep, parseTlv, tagFromHex, tagHex } from '../../src/tlv/ber.ts';

describe('parseTlv', () => {
  it('reads nested templates with tags of one to four bytes and all length forms', () => {
    const result = parseTlv(fromHex('6F 10 84 02 A000 A5 0A 50 01 41 DF8105 01 7F 9C 00'));
    expect(result.ok && findTlvDeep(result.items, 0xdf8105)?.value).toEqual(fromHex('7F'));
    const long = parseTlv(fromHex(`70 82 0083 53 81 80 ${'11'.repeat(128)}`));
    expect(long.ok && long.items[0]?.children?.[0]?.value.length).toBe(128);
  });

  it('skips zero bytes between objects', () => {
    const result = parseTlv(fromHex('0000 5A 01 11 00 9C 01 00 00'));
    expect(result.ok && result.items.map((item) => item.tag)).toEqual([0x5a, 0x9c]);
  });

  it.each([
    ['length beyond the end', '5A081234', 'VALUE_TRUNCATED', 1],
    ['child beyond its parent', '70035A0512', 'VALUE_TRUNCATED', 3],
    ['indefinite length', '70805A01110000', 'LENGTH_INDEFINITE', 1],
    ['five length bytes', '5A850000000001FF', 'LENGTH_TOO_LONG', 1],
    ['2^63 as a length', '5A888000000000000000', 'LENGTH_TOO_LONG', 1],
    ['four length bytes with the top bit set', '5A8480000000', 'VALUE_TRUNCATED', 1],
    ['unfinished tag', '9F', 'TAG_UNFINISHED', 0],
    ['tag of five bytes', '9F8181818101', 'TAG_TOO_LONG', 0],
    ['no length', '9F26', 'LENGTH_MISSING', 2],
    ['cut length', '5A8201', 'LENGTH_MISSING', 1],
    ['fill bytes FF', 'FFFFFFFFFFFF', 'TAG_TOO_LONG', 0],
  ])('refuses %s', (_, hex, code, offset) => {
    expect(parseTlv(fromHex(hex))).toMatchObject({ ok: false, error: { code, offset } });
  });

  it('refuses deep nesting without recursing into it', () => {
    let bytes: Uint8Array = new Uint8Array(0);
    for (let i = 0; i < 9; i++) bytes = encodeTlv(0x70, bytes);
    expect(parseTlv(bytes)).toMatchObject({ ok: false, error: { code: 'TOO_DEEP' } });
    expect(parseTlv(bytes.subarray(2)).ok).toBe(true);
  });

  it('answers for every truncation and every single-byte change of a real response', () => {
    const whole = fromHex('6F1A840E315041592E5359532E4444463031A5088801015F2D02656E');
    for (let i = 0; i <= whole.length; i++) expect(typeof parseTlv(whole.subarray(0, i)).ok).toBe('boolean');
    for (let i = 0; i < whole.length; i++) {
      for (let value = 0; value < 256; value++) {
        const changed = whole.slice();
        changed[i] = value;
        expect(typeof parseTlv(changed).ok).toBe('boolean');
      }
    }
  });
});

describe('encodeTlv', () => {
  it.each([0, 1, 127, 128, 255, 256, 70000])('round-trips a value of %i bytes', (length) => {
    const value = new Uint8Array(length).fill(0x11);
    const result = parseTlv(encodeTlv(0x9f7f, value));
    expect(result.ok && result.items).toEqual([{ tag: 0x9f7f, value }]);
  });

  it('joins encoded children', () => {
    const bytes = encodeTlv(0x70, [encodeTlv(0x57, fromHex('12')), encodeTlv(0x5a, fromHex('34'))]);
    expect(toHex(bytes)).toBe('70065701125A0134');
  });
});

describe('tags as text', () => {
  it.each(['5A', '9F26', 'DF8105', 'BF0C'])('%s', (hex) => expect(tagHex(tagFromHex(hex))).toBe(hex));
  it.each(['', '9F', '5A5A', '9F8101FF', 'XY', '00', '9F2'])('refuses %j', (hex) => {
    expect(() => tagFromHex(hex)).toThrow(RangeError);
  });
});
