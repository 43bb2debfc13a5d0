import { describe, expect, it } from 'vitest';
import type { IccFile } from '../../../devices/cards/schema.ts';
import { rsaKeyFromPrimes, rsaPublic } from '../../../src/crypto/rsa.ts';
import { concat, fromHex, toHex } from '../../../src/platform/bytes.ts';
import { Hand, length } from './hand.ts';

/** VERIFY with an enciphered PIN: EMV 4.3 Book 2, section 7; Book 3, section 6.5.12. */

const AID = 'A0000000031010';
const RIGHT = '241234FFFFFFFFFF';
const WRONG = '249999FFFFFFFFFF';

function cardWith(tries?: number): Hand {
  const hand = new Hand('debit-enciphered-pin');
  const file = hand.file as IccFile;
  const changed =
    tries === undefined ? hand : new Hand({ ...file, pin: { value: '1234', tries: 3, triesLeft: tries } });
  changed.prepare(AID);
  return changed;
}

function pinKey(hand: Hand) {
  const { pinRsa } = hand.file as IccFile;
  if (pinRsa === undefined) throw new Error('the card has no key for PINs');
  return rsaKeyFromPrimes(pinRsa.primeP, pinRsa.primeQ, pinRsa.exponent);
}

interface Verify {
  readonly header?: string;
  readonly block?: string;
  readonly challenge?: string;
}

function verify(hand: Hand, { header = '7F', block = RIGHT, challenge }: Verify = {}): string {
  const key = pinKey(hand);
  const number = challenge ?? hand.send('0084000000');
  const front = fromHex(header + block + number);
  const plain = concat(front, new Uint8Array(key.modulus.length - front.length).fill(0x5a));
  const data = toHex(rsaPublic(key.modulus, key.exponent, plain));
  hand.send(`00200088${length(data)}${data}`);
  return hand.sw;
}

describe('VERIFY with an enciphered PIN', () => {
  it('accepts the right one', () => {
    expect(verify(cardWith())).toBe('9000');
  });

  it('counts wrong ones, blocks, and gives the tries back after a right one', () => {
    const hand = cardWith();
    expect([verify(hand, { block: WRONG }), verify(hand, { block: WRONG })]).toEqual(['63C2', '63C1']);
    expect([verify(hand), verify(hand, { block: WRONG })]).toEqual(['9000', '63C2']);
    expect([verify(hand, { block: WRONG }), verify(hand, { block: WRONG })]).toEqual(['63C1', '63C0']);
    expect(verify(hand)).toBe('6983');
  });

  it('shares its tries with the PIN in the clear', () => {
    const hand = cardWith();
    hand.send(`0020008008${WRONG}`);
    expect([hand.sw, verify(hand, { block: WRONG })]).toEqual(['63C2', '63C1']);
  });

  it('is refused when it is blocked', () => expect(verify(cardWith(0))).toBe('6983'));

  it.each([
    ['another header', { header: '6A' }, '6A80'],
    ['another challenge', { challenge: '0000000000000000' }, '6985'],
    ['no PIN block inside', { block: '0000000000000000' }, '6A80'],
  ])('with %s costs no try', (_, change, sw) => {
    const hand = cardWith();
    expect(verify(hand, change)).toBe(sw);
    expect(hand.send('80CA9F1700')).toBe('9F170103');
  });

  it('with the challenge of an earlier command is refused', () => {
    const hand = cardWith();
    const old = hand.send('0084000000');
    hand.send('0084000000');
    expect(verify(hand, { challenge: old })).toBe('6A80');
    const fresh = hand.send('0084000000');
    hand.send('80CA9F1700');
    expect(verify(hand, { challenge: fresh })).toBe('6985');
  });

  it('of another length than the key is refused', () => {
    const hand = cardWith();
    hand.send('0084000000');
    hand.send(`0020008808${RIGHT}`);
    expect(hand.sw).toBe('6700');
  });

  it('above the modulus is refused', () => {
    const hand = cardWith();
    hand.send('0084000000');
    const data = 'FF'.repeat(pinKey(hand).modulus.length);
    hand.send(`00200088${length(data)}${data}`);
    expect(hand.sw).toBe('6A80');
  });

  it('is unknown to a card without a key', () => {
    const hand = new Hand('sda');
    hand.prepare('A0000000041010');
    hand.send(`0020008808${RIGHT}`);
    expect(hand.sw).toBe('6A86');
  });

  it('is taken by a card with a key of data authentication only', () => {
    const { pinRsa: _, ...file } = new Hand('debit-enciphered-pin').file as IccFile;
    const hand = new Hand(file);
    hand.prepare(AID);
    const { rsa } = file;
    if (rsa === undefined) throw new Error('no key');
    const { modulus, exponent } = rsaKeyFromPrimes(rsa.primeP, rsa.primeQ, rsa.exponent);
    const front = fromHex(`7F${RIGHT}${hand.send('0084000000')}`);
    const plain = concat(front, new Uint8Array(modulus.length - front.length));
    const data = toHex(rsaPublic(modulus, exponent, plain));
    hand.send(`00200088${length(data)}${data}`);
    expect(hand.sw).toBe('9000');
  });
});
