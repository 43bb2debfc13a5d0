import { describe, expect, it } from 'vitest';
import { describeAtr, parseAtr } from '../../../devices/iso7816/atr.ts';
import { missingOfAtr } from '../../../devices/iso7816/atr-characters.ts';
import { cardParameters } from '../../../devices/iso7816/atr-parameters.ts';
import type { Atr } from '../../../devices/iso7816/atr-structure.ts';
import { judgeEmvAtr } from '../../../devices/iso7816/emv-atr.ts';
import { lineTiming } from '../../../devices/iso7816/timing.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';

const T0_CARD = '3B68000000 73C84012009000';
const T1_CARD = '3BF81300008131FE454A434F5076323431B7';

function atrOf(hex: string): Atr {
  const parsed = parseAtr(fromHex(hex));
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.atr;
}

/** Completes TCK. */
function withTck(hex: string): string {
  const bytes = fromHex(hex);
  return hex + toHex(Uint8Array.of(bytes.subarray(1).reduce((sum, byte) => sum ^ byte, 0)));
}

describe('the structure of an answer to reset', () => {
  it('gives the parameters of a T=0 card, with their defaults', () => {
    expect(cardParameters(atrOf(T0_CARD))).toEqual({
      ta1: 0x11,
      extraGuardTime: 0,
      firstProtocol: 0,
      protocols: [0],
      t0: { waitingInteger: 10 },
      t1: { cardFieldSize: 32, characterWaitingInteger: 13, blockWaitingInteger: 4, check: 'lrc' },
    });
  });

  it('gives the parameters of a T=1 card', () => {
    expect(cardParameters(atrOf(T1_CARD))).toMatchObject({
      ta1: 0x13,
      firstProtocol: 1,
      protocols: [1],
      t1: { cardFieldSize: 0xfe, blockWaitingInteger: 4, characterWaitingInteger: 5, check: 'lrc' },
    });
  });

  it('reads specific mode, the waiting integer of T=0, and the operating classes', () => {
    // TD1 D0: TA2 93 (specific, T=3 named, implicit), TC2 14, TD2 1F: TA3 C7 for T=15.
    const card = cardParameters(atrOf(withTck('3B80D093141FC7')));
    expect(card.specificMode).toEqual({ protocol: 3, implicit: true, changeable: false });
    expect(card.t0.waitingInteger).toBe(20);
    expect(card.classesAndClockStop).toBe(0xc7);
  });

  it('takes the first characters for T=1 and a check code that is a CRC', () => {
    const card = cardParameters(atrOf(withTck('3B8081F1203301314077')));
    expect(card.t1).toEqual({
      cardFieldSize: 0x20,
      blockWaitingInteger: 3,
      characterWaitingInteger: 3,
      check: 'crc',
    });
  });

  it.each([
    ['', 'length'],
    ['3B', 'length'],
    ['3B'.repeat(34), 'length'],
    ['3A00', 'convention'],
    ['3B10', 'truncated'],
    ['3B04414243', 'truncated'],
    ['3B8001', 'truncated'],
    ['3B800182', 'tck'],
    ['3B0000', 'trailing'],
  ])('refuses %s as %s', (hex, code) => {
    const parsed = parseAtr(fromHex(hex));
    expect(parsed).toMatchObject({ ok: false, error: { code } });
  });

  it('answers any bytes with a value or an error', () => {
    const random = seededRandom('atr');
    for (let i = 0; i < 5000; i++) {
      const bytes = random.bytes(random.below(40));
      if (bytes.length > 0) bytes[0] = random.below(2) === 0 ? 0x3b : 0x3f;
      const parsed = parseAtr(bytes);
      if (parsed.ok) judgeEmvAtr(parsed.atr);
      expect(missingOfAtr(bytes)).toBeGreaterThanOrEqual(0);
      if (parsed.ok) expect(missingOfAtr(bytes)).toBe(0);
    }
  });

  it.each([T0_CARD, T1_CARD, '3B00', '3F00'])('knows at each character of %s whether more follows', (hex) => {
    const bytes = fromHex(hex);
    for (let n = 0; n < bytes.length; n++) {
      const missing = missingOfAtr(bytes.subarray(0, n));
      expect(missing).toBeGreaterThan(0);
      expect(missing).toBeLessThanOrEqual(bytes.length - n);
    }
    expect(missingOfAtr(bytes)).toBe(0);
  });
});

describe('the judgement of an EMV terminal', () => {
  it.each([
    [T0_CARD, []],
    [T1_CARD, []],
    ['3B00', ['TB1']],
    ['3B2080', ['TB1']],
    ['3B3013 00', []],
    // Specific mode at another speed, implicit parameters, another protocol than the first.
    [withTck('3BB01800910131FE45'), ['TA1']],
    [withTck('3BB01300911131FE45'), ['TA2']],
    ['3BB013001001', ['TA2']],
    [withTck('3BA000A10031FE45'), ['TB2']],
    ['3BA000400B', ['TC2']],
    ['3BA000400A', []],
    [withTck('3BA0000E'), ['TD1']],
    [withTck('3BA0008031FE45'), []],
    [withTck('3BA0008001'), ['TB3']],
    [withTck('3BA000800F'), ['TD2']],
    [withTck('3BA00081310F45'), ['TA3']],
    [withTck('3BA0008131FE55'), ['TB3']],
    [withTck('3BA0008131FE46'), ['TB3']],
    [withTck('3BA0008111FE'), ['TB3']],
    [withTck('3BA00001'), ['TB3']],
    // Guard time 4: 2^2 is below 5.
    [withTck('3BE000048131FE42'), ['TB3']],
    [withTck('3BE000FF8131FE40'), []],
    [withTck('3BA0008171FE4501'), ['TC3']],
    [withTck('3BA0008171FE4500'), []],
  ] as const)('of %s: %j', (hex, characters) => {
    expect(judgeEmvAtr(atrOf(hex)).map(({ character }) => character)).toEqual(characters);
  });

  it('forgives TB1 after a warm reset', () => {
    expect(judgeEmvAtr(atrOf('3B00'), { warm: true })).toEqual([]);
  });

  it('closes the description', () => {
    expect(describeAtr(atrOf(T0_CARD)).at(-1)).toBe('EMV Level 1: accepted after a cold reset');
    expect(describeAtr(atrOf('3B00')).at(-1)).toBe('EMV Level 1: TB1 is missing after a cold reset');
  });
});

describe('waiting times', () => {
  it('follow the answer to reset and the speed in use', () => {
    const t0 = lineTiming(cardParameters(atrOf(T0_CARD)), 0x11);
    expect(t0.etuMs).toBeCloseTo(1000 / 9600, 6);
    expect(t0.workWaitingMs).toBeCloseTo((10_080 * 1000) / 9600, 3);
    const t1 = lineTiming(cardParameters(atrOf(T1_CARD)), 0x13);
    expect(t1.etuMs).toBeCloseTo(1000 / 38_400, 6);
    // 2^4 units of 100 ms, 11 etu and a tolerance of 4 x 960 etu.
    expect(t1.blockWaitingMs).toBeCloseTo(1600 + ((11 + 3840) * 1000) / 38_400, 3);
    expect(t1.characterWaitingMs).toBeCloseTo((47 * 1000) / 38_400, 4);
  });
});
