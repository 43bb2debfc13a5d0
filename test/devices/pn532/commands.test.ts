import { describe, expect, it } from 'vitest';
import { frameWaitingMs, fwiOfAtqb, parseAts } from '../../../devices/pn532/ats.ts';
import {
  type CardType,
  meaningOfStatus,
  parseFirmwareVersion,
  parseTargets,
} from '../../../devices/pn532/commands.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';

const ONE_A = '0101000420 04 04A1B2C3 0A78808102454D554C41';
const TWO_A = `02 01000420 04 04A1B2C3 0A78808102454D554C41 02004408 07 04112233445566`;
const ONE_B = '01015011223344000000000081810100';

describe('target data', () => {
  it.each<[CardType, string, readonly object[]]>([
    ['A', '00', []],
    [
      'A',
      ONE_A,
      [
        {
          number: 1,
          type: 'A',
          takesApdus: true,
          uid: fromHex('04A1B2C3'),
          answer: fromHex('0A78808102454D554C41'),
        },
      ],
    ],
    ['A', TWO_A, [{ takesApdus: true }, { number: 2, takesApdus: false, uid: fromHex('04112233445566') }]],
    // It announces ISO/IEC 14443-4 and gave no ATS.
    ['A', '0101000420 04 04A1B2C3', [{ takesApdus: false }]],
    ['B', ONE_B, [{ number: 1, type: 'B', takesApdus: true, uid: fromHex('11223344') }]],
  ])('of type %s: %s', (type, data, expected) => {
    expect(parseTargets(type, fromHex(data))).toMatchObject(expected);
  });

  it.each<[CardType, string]>([
    ['A', TWO_A],
    ['B', ONE_B],
  ])('of type %s are refused when they are cut or too long', (type, hex) => {
    const data = fromHex(hex);
    for (let length = 0; length < data.length; length++)
      expect(parseTargets(type, data.subarray(0, length))).toBeUndefined();
    expect(parseTargets(type, fromHex(`${hex}00`))).toBeUndefined();
  });

  it('are a list or nothing, whatever the bytes', () => {
    const random = seededRandom('targets');
    for (let trial = 0; trial < 5000; trial++) {
      const data = random.bytes(random.below(60));
      if (data.length > 0) data[0] = random.below(4);
      for (const type of ['A', 'B'] as const) {
        const targets = parseTargets(type, data);
        expect(targets === undefined || targets.length === data[0]).toBe(true);
      }
    }
  });
});

describe('other answers', () => {
  it('name the chip in four bytes', () => {
    expect(parseFirmwareVersion(fromHex('32010607'))).toEqual({
      ic: 50,
      version: 1,
      revision: 6,
      support: 7,
    });
    for (const hex of ['', '320106', '3201060700'])
      expect(parseFirmwareVersion(fromHex(hex))).toBeUndefined();
  });

  it.each([
    [0x01, 'removed'],
    [0x0b, 'removed'],
    [0x27, 'removed'],
    [0x29, 'removed'],
    [0x2b, 'removed'],
    [0x02, 'lost'],
    [0x06, 'lost'],
    [0x3f, 'lost'],
    [0x10, 'protocol'],
    [0x26, 'protocol'],
  ] as const)('with status %i mean that the card is %s', (code, meaning) => {
    expect(meaningOfStatus(code)).toBe(meaning);
  });
});

describe('the answer to select', () => {
  it.each([
    ['0A78808102454D554C41', { frameSize: 256, fwi: 8 }, '454D554C41'],
    ['01', { frameSize: 32, fwi: 4 }, ''],
    ['0205', { frameSize: 64, fwi: 4 }, ''],
    ['0320E0', { frameSize: 16, fwi: 14 }, ''],
    ['0320F0', { frameSize: 16, fwi: 4 }, ''],
    ['04108001', { frameSize: 16, fwi: 4 }, '01'],
  ])('%s', (hex, fields, historical) => {
    const ats = parseAts(fromHex(hex));
    expect(ats).toMatchObject(fields);
    expect(ats && toHex(ats.historical)).toBe(historical);
  });

  it.each(['', '00', '0278', '03788081', '0378 80'])('is none: %s', (hex) => {
    expect(parseAts(fromHex(hex))).toBeUndefined();
  });

  it('tells how long a card may take', () => {
    expect(frameWaitingMs(8)).toBeCloseTo(77.33, 2);
    expect(frameWaitingMs(14)).toBeCloseTo(4949, 0);
    expect(fwiOfAtqb(fromHex('1122334400000000008081'))).toBe(8);
    expect(fwiOfAtqb(fromHex('11'))).toBe(4);
  });
});
