import { describe, expect, it } from 'vitest';
import { type CardParameters, cardParameters } from '../../../devices/iso7816/atr-parameters.ts';
import { parseAtr } from '../../../devices/iso7816/atr-structure.ts';
import { answerPps, encodePps, judgePps, readPps, selectionFor } from '../../../devices/iso7816/pps.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';

function cardOf(hex: string): CardParameters {
  const parsed = parseAtr(fromHex(hex));
  if (!parsed.ok) throw new Error(parsed.error.message);
  return cardParameters(parsed.atr);
}

const T1_FAST = cardOf('3BF81300008131FE454A434F5076323431B7');
const T0_PLAIN = cardOf('3B6800000073C84012009000');

describe('protocol and parameters selection', () => {
  it.each([
    [{ protocol: 1, pps1: 0x13 }, 'FF1113FD'],
    [{ protocol: 0 }, 'FF00FF'],
    [{ protocol: 1, pps1: 0x11, pps2: 0x01, pps3: 0x02 }, 'FF711101029C'],
  ])('encodes and reads %j', (pps, hex) => {
    expect(toHex(encodePps(pps))).toBe(hex);
    const bytes = fromHex(hex);
    expect(readPps(bytes)).toEqual({ kind: 'pps', pps, length: bytes.length });
    for (let n = 0; n < bytes.length; n++)
      expect(readPps(bytes.subarray(0, n))).toMatchObject({ kind: 'incomplete' });
  });

  it.each([
    ['FF1113FC', 'check'],
    ['001113', 'start'],
  ])('refuses %s', (hex, reason) => {
    expect(readPps(fromHex(hex))).toEqual({ kind: 'invalid', reason });
  });

  it('asks for what the card offers beyond the default', () => {
    expect(selectionFor(T1_FAST)).toEqual({ protocol: 1, pps1: 0x13 });
    expect(selectionFor(T1_FAST, { bears: () => false })).toBeUndefined();
    expect(selectionFor(T0_PLAIN)).toBeUndefined();
    expect(selectionFor(T0_PLAIN, { protocol: 1 })).toBeUndefined();
    // Both protocols offered, T=0 first.
    const both = cardOf('3B80800101');
    expect(selectionFor(both, { protocol: 1 })).toEqual({ protocol: 1 });
    // Specific mode is not negotiable.
    expect(selectionFor(cardOf('3B90131000'))).toBeUndefined();
  });

  it.each([
    ['FF1113FD', { kind: 'agreed', protocol: 1, ta1: 0x13 }],
    ['FF01FE', { kind: 'agreed', protocol: 1, ta1: 0x11 }],
    ['FF1112FC', { kind: 'refused' }],
    ['FF1013FC', { kind: 'refused' }],
    ['FF1113FC', { kind: 'refused' }],
    ['FF1113FD00', { kind: 'refused' }],
    ['FF311300DD', { kind: 'refused' }],
    ['', { kind: 'refused' }],
  ])('judges the answer %s', (hex, verdict) => {
    expect(judgePps({ protocol: 1, pps1: 0x13 }, fromHex(hex))).toMatchObject(verdict);
  });

  it.each([
    ['FF1113FD', 'FF1113FD'],
    ['FF1111FF', 'FF1111FF'],
    // A speed that the card does not offer, and a parameter that it does not know, are left out.
    ['FF1118F6', 'FF01FE'],
    ['FF311300DD', 'FF1113FD'],
    // T=0 is not offered; the check is wrong: silence.
    ['FF1013FC', undefined],
    ['FF1113FC', undefined],
  ])('is answered by the card: %s with %s', (request, answer) => {
    const said = answerPps(T1_FAST, fromHex(request));
    expect(said && toHex(said)).toBe(answer);
  });

  it('takes any bytes', () => {
    const random = seededRandom('pps');
    for (let i = 0; i < 2000; i++) {
      const bytes = random.bytes(random.below(8));
      const verdict = judgePps({ protocol: 1, pps1: 0x13 }, bytes);
      if (verdict.kind === 'agreed') expect(readPps(bytes).kind).toBe('pps');
    }
  });
});
