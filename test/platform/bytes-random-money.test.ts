import { describe, expect, it } from 'vitest';
import {
  bcdToNumber,
  bytesToUint,
  equalBytes,
  fromHex,
  latin1,
  numericToBytes,
  toHex,
  uintToBytes,
  xor,
} from '../../src/platform/bytes.ts';
import { formatAmount, parseAmount } from '../../src/platform/money.ts';
import { seededRandom, systemRandom } from '../../src/platform/random.ts';

describe('bytes', () => {
  it('go to hex and back', () => {
    expect(toHex(fromHex('00 ff\n1A'))).toBe('00FF1A');
    expect(() => fromHex('0')).toThrow(/odd/);
    expect(() => fromHex('0g')).toThrow(/hex/);
  });

  it('hold numbers exactly or refuse', () => {
    expect(toHex(uintToBytes(0x123456, 4))).toBe('00123456');
    expect(bytesToUint(fromHex('FFFFFFFFFFFF'))).toBe(2 ** 48 - 1);
    expect(toHex(numericToBytes(1000, 6))).toBe('000000001000');
    expect(bcdToNumber(fromHex('0A'))).toBeUndefined();
    expect(() => uintToBytes(256, 1)).toThrow(RangeError);
    expect(() => numericToBytes(1_000_000, 2)).toThrow(RangeError);
    expect(() => latin1('你')).toThrow(RangeError);
    expect(() => xor(fromHex('00'), fromHex('0000'))).toThrow(RangeError);
  });

  it('compare by value', () => {
    expect(equalBytes(fromHex('0102'), fromHex('0102'))).toBe(true);
    expect(equalBytes(fromHex('0102'), fromHex('0103'))).toBe(false);
    expect(equalBytes(fromHex('0102'), fromHex('01'))).toBe(false);
  });
});

describe('random', () => {
  it('repeats for a seed and differs for another', () => {
    const bytes = (seed: string) => toHex(seededRandom(seed).bytes(40));
    expect(bytes('a')).toBe(bytes('a'));
    expect(bytes('a')).not.toBe(bytes('b'));
  });

  it('is uniform below a bound', () => {
    const random = seededRandom('dice');
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 6000; i++) counts[random.below(6)] = (counts[random.below(6)] as number) + 1;
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(() => random.below(0)).toThrow(RangeError);
  });

  it('of the system never repeats', () => {
    expect(toHex(systemRandom().bytes(16))).not.toBe(toHex(systemRandom().bytes(16)));
  });
});

describe('amounts', () => {
  it.each([
    ['10.00', 2, 1000],
    ['10', 2, 1000],
    ['0.05', 2, 5],
    ['.5', 2, undefined],
    ['10.001', 2, undefined],
    ['-1', 2, undefined],
    ['1e3', 2, undefined],
    ['1000', 0, 1000],
    ['9999999999.99', 2, 999_999_999_999],
    ['99999999999.99', 2, undefined],
    ['', 2, undefined],
  ])('%j with exponent %i is %s', (text, exponent, minor) => {
    if (minor === undefined) expect(() => parseAmount(text, exponent)).toThrow(/is not an amount/);
    else expect(parseAmount(text, exponent)).toBe(minor);
  });

  it.each([
    [1000, 2, '10.00'],
    [5, 2, '0.05'],
    [-150, 2, '-1.50'],
    [7, 0, '7'],
    [1, 3, '0.001'],
  ])('%i with exponent %i prints %s', (minor, exponent, text) =>
    expect(formatAmount(minor, exponent)).toBe(text),
  );
});
