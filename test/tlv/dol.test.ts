import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { buildDol, parseDol } from '../../src/tlv/dol.ts';

const values = new Map<number, string>([
  [0x9f02, '000000001234'],
  [0x9f37, '01020304'],
  [0x5a, '4761739001010119'],
  [0x9f1a, '0840'],
  [0x50, '56495341'],
  [0x70, '5A00'],
]);
const get = (tag: number) => {
  const hex = values.get(tag);
  return hex === undefined ? undefined : fromHex(hex);
};

function build(dol: string): string {
  const result = buildDol(fromHex(dol), get);
  return result.ok ? toHex(result.value) : result.message;
}

describe('buildDol', () => {
  it.each([
    ['as long as asked', '9F02069F3704', '00000000123401020304'],
    ['numeric, cut on the left', '9F0202', '1234'],
    ['numeric, padded on the left', '9F0208', '0000000000001234'],
    ['binary, cut on the right', '9F3702', '0102'],
    ['binary, padded on the right', '9F3706', '010203040000'],
    ['compressed numeric, padded with F', '5A0A', '4761739001010119FFFF'],
    ['text, padded with zeros', '5006', '564953410000'],
    ['unknown', 'DF7F03', '000000'],
    ['absent', '9F0303', '000000'],
    ['a template', '7004', '00000000'],
    ['of no length', '9F0200', ''],
  ])('gives a value %s', (_, dol, expected) => expect(build(dol)).toBe(expected));

  it('refuses more than a command holds', () => {
    expect(build('9F02FC')).toHaveLength(504);
    expect(build('9F02FD')).toMatch(/asks for 253 bytes/);
    expect(build('DF01FFDF02FF')).toMatch(/asks for 510 bytes/);
  });

  it.each(['9F', '9F02', '9F8181810104', '5A'])('refuses the malformed list %s', (dol) => {
    expect(parseDol(fromHex(dol)).ok).toBe(false);
    expect(buildDol(fromHex(dol), get).ok).toBe(false);
  });
});
