import { describe, expect, it } from 'vitest';
import { issuerOf } from '../../../devices/cards/issuer.ts';
import { concat, fromHex, toHex } from '../../../src/platform/bytes.ts';
import { dynamicData, iccKey } from './certificates.ts';
import { Hand, tagIn } from './hand.ts';

const AID = 'A0000000031010';
const PPSE = '325041592E5359532E4444463031';

/** One tap with the reader's qualifiers and an amount. */
function tap(ttq: string, amount = '000000001200', hand = new Hand('visa-contactless', 'contactless')) {
  hand.set(0x9f66, ttq).set(0x9f02, amount).set(0x95, '0000000000');
  for (const tag of [0x94, 0x9f4b, 0x9f69, 0x9f27]) hand.objects.delete(tag);
  hand.select(PPSE);
  hand.select(AID);
  const answer = hand.start();
  return { hand, answer };
}

describe('contactless Visa card', () => {
  it('names its application in the PPSE', () => {
    const hand = new Hand('visa-contactless', 'contactless');
    const fci = hand.select(PPSE);
    expect(tagIn(fci, 0x4f)).toBe(AID);
    expect(tagIn(fci, 0x9f2a)).toBe('03');
    expect(tagIn(hand.select(AID), 0x9f38)).toContain('9F6604');
  });

  it('approves a small amount offline with a signature over what the terminal said', () => {
    const { hand, answer } = tap('36000080');
    expect(hand.hex(0x9f27)).toBe('40');
    expect(answer.length / 2).toBeLessThanOrEqual(256);
    const key = iccKey((tag) => hand.get(tag), AID.slice(0, 10), hand.readRecords());
    const related = hand.get(0x9f69) as Uint8Array;
    expect(toHex(related.subarray(5))).toBe(hand.hex(0x9f6c));
    const signed = concat(fromHex('01020304'), fromHex('000000001200'), fromHex('0840'), related);
    const dynamic = dynamicData(key, hand.get(0x9f4b) as Uint8Array, signed);
    expect(toHex(dynamic)).toBe(`02${hand.hex(0x9f36)}`);
    for (const tag of [0x57, 0x5f24, 0x9f07, 0x9f10]) expect(hand.get(tag)).toBeDefined();
  });

  it('gives a cryptogram that its issuer verifies', () => {
    for (const ttq of ['36000080', '36800080']) {
      const { hand } = tap(ttq);
      expect(issuerOf(hand.file)?.verifies((tag) => hand.get(tag))).toBe(true);
    }
  });

  it.each([
    ['the reader wants a cryptogram', '36800080', '000000001200'],
    ['the amount is above its limit', '36000080', '000000005001'],
    ['the PIN has to be checked online', '36400080', '000000001200'],
  ])('goes online when %s', (_, ttq, amount) => {
    const { hand } = tap(ttq, amount);
    expect(hand.hex(0x9f27)).toBe('80');
    expect(hand.get(0x94)).toBeUndefined();
    expect(hand.get(0x9f4b)).toBeUndefined();
  });

  it('declines above its limit when the reader is offline only', () => {
    const { hand } = tap('3E000080', '000000005001');
    expect(hand.hex(0x9f27)).toBe('00');
  });

  it.each([
    ['no verification', '36000080', '2000'],
    ['online PIN first', '36400080', 'A000'],
    ['signature when the reader has no PIN', '32400080', '6000'],
  ])('chooses %s', (_, ttq, ctq) => {
    expect(tap(ttq).hand.hex(0x9f6c)).toBe(ctq);
  });

  it('sends the reader to the contact interface when no verification fits', () => {
    expect(tap('30400080').hand.sw).toBe('6984');
  });

  it('leaves readers without EMV mode alone', () => {
    expect(tap('90000080').hand.sw).toBe('6985');
  });

  it('stops approving when its offline budget is spent', () => {
    const hand = new Hand('visa-contactless', 'contactless');
    for (const cid of ['40', '40', '40', '40', '80']) {
      expect(tap('36000080', '000000005000', hand).hand.hex(0x9f27)).toBe(cid);
    }
    expect(toHex(hand.face.respond(fromHex('80CA9F5D00')))).toBe('9F5D060000000000009000');
  });

  it('approves no foreign currency', () => {
    const hand = new Hand('visa-contactless', 'contactless').set(0x5f2a, '0978');
    expect(tap('36000080', '000000000100', hand).hand.hex(0x9f27)).toBe('80');
  });

  it('takes one cryptogram per tap', () => {
    const { hand } = tap('36800080');
    hand.send('80AE8000040102030400');
    expect(hand.sw).toBe('6985');
  });
});
