import { describe, expect, it } from 'vitest';
import { issuerOf } from '../../../devices/cards/issuer.ts';
import { createCard } from '../../../devices/cards/load.ts';
import { rsaPublic } from '../../../src/crypto/rsa.ts';
import { concat, fromHex, toHex } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import { iccKey } from './certificates.ts';
import { Hand, length } from './hand.ts';

/** A contactless card that takes its issuer's data at a second presentment, and signs when it goes online. */

const AID = 'A0000000031010';

/** A tap that ends with an ARQC, and what its issuer answers. */
function tapped(ttq = '36808080', name = 'visa-contactless-update') {
  const hand = new Hand(name, 'contactless');
  hand.set(0x9f66, ttq).set(0x95, '0000000000');
  hand.select(AID);
  hand.start();
  const data = issuerOf(hand.file)?.authenticationData((tag) => hand.get(tag), { arc: '00', approved: true });
  const arpc = toHex(data ?? new Uint8Array(0));
  return { hand, externalAuthenticate: `00820000${length(arpc)}${arpc}` };
}

describe('the second presentment', () => {
  it('takes EXTERNAL AUTHENTICATE after SELECT, once', () => {
    const { hand, externalAuthenticate } = tapped();
    hand.face.reset();
    hand.select(AID);
    hand.send(externalAuthenticate);
    expect(hand.sw).toBe('9000');
    hand.send(externalAuthenticate);
    expect(hand.sw).toBe('6985');
  });

  it('may come after the card was kept and made again', () => {
    const { hand, externalAuthenticate } = tapped();
    const other = createCard(hand.file, { random: seededRandom('other') });
    other.restore(JSON.parse(JSON.stringify(hand.card.state())));
    const answer = (hex: string) => toHex(other.contactless?.respond(fromHex(hex)) ?? new Uint8Array(0));
    answer(`00A40400${length(AID)}${AID}00`);
    expect(answer(externalAuthenticate)).toBe('9000');
  });

  it.each([
    ['the reader does not know it', '36800080', 'visa-contactless-update'],
    ['the card does not know it', '36808080', 'visa-contactless'],
  ])('is of no use when %s', (_, ttq, name) => {
    const { hand, externalAuthenticate } = tapped(ttq, name);
    hand.select(AID);
    hand.send(externalAuthenticate);
    expect(hand.sw).toBe('6985');
  });

  it('is over when another transaction has begun', () => {
    const { hand, externalAuthenticate } = tapped();
    hand.select(AID);
    hand.set(0x9f66, '36000080');
    hand.start();
    hand.select(AID);
    hand.send(externalAuthenticate);
    expect(hand.sw).toBe('6985');
  });

  it('takes scripts of the issuer only', () => {
    const { hand } = tapped();
    hand.select(AID);
    const object = (tag: number) => hand.get(tag);
    const command = issuerOf(hand.file)?.scriptCommand(object, fromHex('841E0000'), new Uint8Array(0));
    const forged = command?.map((byte, i) => (i === command.length - 1 ? byte ^ 1 : byte));
    hand.send(toHex(forged ?? new Uint8Array(0)));
    expect([hand.sw, hand.card.state().applications[AID]?.blocked]).toEqual(['6988', false]);
    hand.send(toHex(command ?? new Uint8Array(0)));
    expect([hand.sw, hand.card.state().applications[AID]?.blocked]).toEqual(['9000', true]);
  });
});

describe('a request for an online authorisation', () => {
  it('is signed in format 95 when the reader asks for it', () => {
    const { hand } = tapped('37808080');
    expect(hand.hex(0x9f27)).toBe('80');
    const key = iccKey((tag) => hand.get(tag), AID.slice(0, 10), hand.readRecords());
    const recovered = rsaPublic(key.modulus, key.exponent, hand.get(0x9f4b) ?? new Uint8Array(0));
    const related = hand.get(0x9f69) ?? new Uint8Array(0);
    expect(toHex(recovered.subarray(0, 4))).toBe('6A950103');
    expect(toHex(concat(related.subarray(0, 1), related.subarray(5)))).toBe('012040');
  });

  it('is not signed otherwise, and names no records', () => {
    const { hand } = tapped('36808080');
    expect([hand.hex(0x9f27), hand.get(0x9f4b), hand.get(0x94)]).toEqual(['80', undefined, undefined]);
  });
});
