import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as values from '../../src/crypto/card-values.ts';
import { iccMasterKey } from '../../src/crypto/emv-keys.ts';
import { concat, fromHex, toHex } from '../../src/platform/bytes.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { bytes, rounds, type Vector, vectors } from './vectors.ts';

const cases = (...ops: string[]) => vectors('cvv-pvv', ...ops).map((v) => [v.name, v] as const);

function masterKey(v: Vector): Uint8Array {
  const key = iccMasterKey(bytes(v.imk), v.pan, v.psn, v.masterKeyOption);
  expect(toHex(key)).toBe(v.iccMasterKey);
  return key;
}

const rules = (v: Vector): values.Ibm3624Rules => ({
  decimalizationTable: v.decimalizationTable,
  pan: v.pan,
  validationDataOffset: v.validationDataOffset,
  validationDataLength: v.validationDataLength,
  padDigit: v.padDigit,
});

/** Triple DES of one block given in hex, by the platform. */
function plain(key: Uint8Array, block: string): string {
  const full = key.length === 8 ? concat(key, key, key) : concat(key, key.subarray(0, 8));
  const cipher = createCipheriv('des-ede3-ecb', full, null).setAutoPadding(false);
  return toHex(cipher.update(fromHex(block)));
}

/** Digits first, then letters by their table. */
function cut(hex: string, count: number): string {
  const digits = [...hex].filter((digit) => digit <= '9');
  const letters = [...hex]
    .filter((digit) => digit > '9')
    .map((digit) => '012345'.charAt('ABCDEF'.indexOf(digit)));
  return [...digits, ...letters].slice(0, count).join('');
}

describe('card values', () => {
  it.each(cases('cvv'))('%s', (_, v) => {
    expect(values.cardVerificationValue(bytes(v.cvk), v.pan, v.expiry, v.serviceCode)).toBe(v.cvv);
  });

  it.each(cases('cavv'))('%s', (_, v) => {
    const { pan, unpredictableNumber, authenticationResultsCode, secondFactorResultsCode } = v;
    const made = values.cardholderAuthenticationValue(
      bytes(v.cvk),
      pan,
      unpredictableNumber,
      authenticationResultsCode,
      secondFactorResultsCode,
    );
    expect(made).toBe(v.cavv);
  });

  it.each(cases('pvv'))('%s', (_, v) => {
    expect(values.pinVerificationValue(bytes(v.pvk), v.pvki, v.pin, v.pan)).toBe(v.pvv);
  });

  it.each(cases('ibm3624-pin'))('%s', (_, v) => {
    expect(values.ibm3624Pin(bytes(v.pvk), rules(v), v.offset)).toBe(v.pin);
    expect(values.ibm3624Offset(bytes(v.pvk), rules(v), v.pin)).toBe(v.offset);
  });

  it.each(cases('ibm3624-offset'))('%s', (_, v) => {
    expect(values.ibm3624Offset(bytes(v.pvk), rules(v), v.pin)).toBe(v.offset);
    expect(values.ibm3624Pin(bytes(v.pvk), rules(v), v.offset)).toBe(v.pin);
  });

  it.each(cases('dcvv'))('%s', (_, v) => {
    const pan = values.dcvvPan(v.pan, v.atcDigits);
    expect(values.cardVerificationValue(masterKey(v), pan, v.expiry, v.serviceCode)).toBe(v.dcvv);
  });

  it.each(cases('cvc3'))('%s', (_, v) => {
    const key = masterKey(v);
    if (v.staticTrackData) {
      expect(toHex(values.cvc3InitialVector(key, bytes(v.staticTrackData)))).toBe(v.ivcvc3);
    }
    const made = values.cvc3(key, bytes(v.ivcvc3), bytes(v.unpredictableNumber), bytes(v.atc));
    expect(made).toHaveLength(5);
    expect(made.slice(-v.cvc3.length)).toBe(v.cvc3);
  });

  it('agree with the platform cipher', () => {
    const random = seededRandom('card-values');
    const digits = (length: number) => Array.from({ length }, () => random.below(10)).join('');
    for (let i = 0; i < rounds(500); i++) {
      const key = random.bytes(16);
      const pan = digits(12 + random.below(8));
      const [date, code, pin] = [digits(4), digits(3), digits(4)];
      const data = `${pan}${date}${code}`.padEnd(32, '0');
      const first =
        BigInt(`0x${plain(key.subarray(0, 8), data.slice(0, 16))}`) ^ BigInt(`0x${data.slice(16)}`);
      const cvv = cut(plain(key, first.toString(16).padStart(16, '0')), 3);
      expect(values.cardVerificationValue(key, pan, date, code)).toBe(cvv);
      const pvv = cut(plain(key, `${pan.slice(0, -1).slice(-11)}3${pin}`), 4);
      expect(values.pinVerificationValue(key, '3', pin, pan)).toBe(pvv);
      const natural = plain(key, pan.slice(2, 12).padEnd(16, 'C'));
      const table = digits(16);
      const ibm = {
        decimalizationTable: table,
        pan,
        validationDataOffset: 2,
        validationDataLength: 10,
        padDigit: 'C',
      };
      const expected = [...natural].map((digit) => table.charAt(Number.parseInt(digit, 16))).join('');
      expect(values.ibm3624Pin(key, ibm, '000000')).toBe(expected.slice(0, 6));
    }
  });

  it('refuse what they cannot be made of', () => {
    const key = new Uint8Array(16);
    const pan = '4761739001010010';
    const refused = (code: string) => expect.objectContaining({ code });
    const ibm = {
      decimalizationTable: '0123456789012345',
      pan,
      validationDataOffset: 0,
      validationDataLength: 16,
      padDigit: 'F',
    };
    const pin = (changes: Partial<values.Ibm3624Rules>) => () =>
      values.ibm3624Pin(key, { ...ibm, ...changes }, '0000');
    expect(pin({})()).toHaveLength(4);
    for (const work of [
      () => values.cardVerificationValue(key, '', '2812', '201'),
      () => values.cardVerificationValue(key, '12345678901234567890', '2812', '201'),
      () => values.cardVerificationValue(key, pan, '281', '201'),
      () => values.cardVerificationValue(key, pan, '2812', '20A'),
      () => values.cardholderAuthenticationValue(key, pan, '1108', '00', '0'),
      () => values.dcvvPan(pan, '123'),
      () => values.pinVerificationValue(key, '1', '123', pan),
      () => values.pinVerificationValue(key, '11', '1234', pan),
      () => values.pinVerificationValue(key, '1', '1234', '12345678901'),
      () => values.ibm3624Pin(key, ibm, '123'),
      () => values.ibm3624Offset(key, ibm, '1234567890123'),
      () => values.cvc3(key, new Uint8Array(1), new Uint8Array(4), new Uint8Array(2)),
      pin({ decimalizationTable: '012345678901234' }),
      pin({ padDigit: 'G' }),
      pin({ validationDataOffset: 1 }),
      pin({ validationDataOffset: -1 }),
      pin({ validationDataLength: 0 }),
      pin({ validationDataLength: 1.5 }),
    ]) {
      expect(work).toThrow(refused('FORMAT'));
    }
    const short = new Uint8Array(8);
    expect(() => values.cardVerificationValue(short, pan, '2812', '201')).toThrow(refused('KEY'));
    expect(() => values.pinVerificationValue(short, '1', '1234', pan)).toThrow(refused('KEY'));
    expect(() => values.cvc3InitialVector(short, new Uint8Array(20))).toThrow(refused('KEY'));
    expect(() => values.ibm3624Pin(new Uint8Array(9), ibm, '0000')).toThrow(refused('KEY'));
  });
});
