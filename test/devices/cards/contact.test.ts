import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { issuerOf } from '../../../devices/cards/issuer.ts';
import type { CardFile } from '../../../devices/cards/schema.ts';
import { concat, fromHex, toHex } from '../../../src/platform/bytes.ts';
import { dynamicData, iccKey, staticAuthentication } from './certificates.ts';
import { Hand, length } from './hand.ts';

const VISA = 'A0000000031010';
const MASTERCARD = 'A0000000041010';
const UNIONPAY = 'A000000333010102';

const CONTACT: readonly (readonly [name: string, aid: string])[] = [
  ['visa-credit', VISA],
  ['debit-offline-pin', VISA],
  ['mastercard-cda', MASTERCARD],
  ['sda', MASTERCARD],
  ['unionpay-credit', UNIONPAY],
  ['expired', VISA],
];

const issuer = (hand: Hand) => {
  const found = issuerOf(hand.file);
  if (found === undefined) throw new Error('no issuer keys');
  return found;
};

/** Hands the issuer's answer over, by EXTERNAL AUTHENTICATE or inside CDOL2. */
function answerOnline(hand: Hand, arc: string, approved: boolean): void {
  const data = issuer(hand).authenticationData((tag) => hand.get(tag), { arc, approved });
  hand.set(0x91, toHex(data ?? new Uint8Array(0))).set(0x8a, toHex(new TextEncoder().encode(arc)));
  if (((hand.get(0x82)?.[0] ?? 0) & 0x04) === 0) return;
  hand.send(`00820000${length(hand.hex(0x91) ?? '')}${hand.hex(0x91)}`);
}

describe.each(CONTACT)('%s', (name, aid) => {
  it('gives an ARQC that its issuer verifies and a TC for the issuer’s answer', () => {
    const hand = new Hand(name);
    hand.prepare(aid);
    const atc = Number.parseInt(toHex(hand.face.respond(fromHex('80CA9F3600'))).slice(6, 10), 16);
    hand.generate('80', 0x8c);
    expect(hand.sw).toBe('9000');
    expect(hand.hex(0x9f27)).toBe('80');
    expect(Number.parseInt(hand.hex(0x9f36) ?? '', 16)).toBe(atc);
    expect(issuer(hand).verifies((tag) => hand.get(tag))).toBe(true);
    answerOnline(hand, '00', true);
    hand.generate('40', 0x8d);
    expect(hand.sw).toBe('9000');
    expect(hand.hex(0x9f27)).toBe('40');
    expect(issuer(hand).verifies((tag) => hand.get(tag))).toBe(true);
  });

  it('binds the cryptogram to amount, number and counter', () => {
    for (const [tag, other] of [
      [0x9f02, '000000001235'],
      [0x9f37, '01020305'],
      [0x9f36, '0001'],
      [0x82, '0000'],
    ] as const) {
      const hand = new Hand(name);
      hand.prepare(aid);
      hand.generate('80', 0x8c);
      hand.set(tag, other);
      expect(issuer(hand).verifies((wanted) => hand.get(wanted))).toBe(false);
    }
  });

  it('declines when the issuer’s answer is false', () => {
    const hand = new Hand(name);
    hand.prepare(aid);
    hand.generate('80', 0x8c);
    hand.set(0x9f26, '0102030405060708');
    answerOnline(hand, '00', true);
    hand.generate('40', 0x8d);
    expect(hand.hex(0x9f27)).toBe('03');
  });

  it('gives an AAC when it is asked for one', () => {
    const hand = new Hand(name);
    hand.prepare(aid);
    hand.generate('00', 0x8c);
    expect(hand.hex(0x9f27)).toBe('00');
    hand.generate('40', 0x8d);
    expect(hand.sw).toBe('6985');
  });

  it('authenticates its data', () => {
    const hand = new Hand(name);
    const data = hand.prepare(aid);
    const get = (tag: number) => hand.get(tag);
    if (name === 'sda') {
      expect(toHex(staticAuthentication(get, aid.slice(0, 10), data))).toBe('DAC1');
      expect(() => staticAuthentication(get, aid.slice(0, 10), data.slice(1))).toThrow();
      hand.send('008800000401020304');
      expect(hand.sw).toBe('6985');
      return;
    }
    const key = iccKey(get, aid.slice(0, 10), data);
    expect(() => iccKey(get, aid.slice(0, 10), concat(data, data))).toThrow();
    const answer = hand.send('00880000040102030400');
    expect(hand.sw).toBe('9000');
    const signature = answer.startsWith('80') ? fromHex(answer.slice(6)) : (hand.get(0x9f4b) as Uint8Array);
    const dynamic = dynamicData(key, signature, fromHex('01020304'));
    expect(dynamic[0]).toBe(8);
    expect(dynamic).toHaveLength(9);
    expect(() => dynamicData(key, signature, fromHex('01020305'))).toThrow();
  });
});

describe('the issuer of a recorded card', () => {
  it('answers as the issuer of the card itself when the file holds its keys', () => {
    const hand = new Hand('visa-credit');
    hand.prepare(VISA);
    hand.generate('80', 0x8c);
    const { imkAc, masterKeyOption } = hand.file.issuer ?? {};
    if (imkAc === undefined || masterKeyOption === undefined) throw new Error('no keys');
    const recorded: CardFile = {
      kind: 'replay',
      interface: 'contact',
      exchanges: [],
      unmatched: 'fail',
      issuer: { imkAc, masterKeyOption, cryptogram: 'visa-cvn18' },
    };
    const get = (tag: number) => hand.get(tag);
    const answer = { arc: '00', approved: true };
    const expected = issuer(hand).authenticationData(get, answer);
    expect(issuerOf(recorded)?.verifies(get)).toBe(true);
    expect(issuerOf(recorded)?.authenticationData(get, answer)).toEqual(expected);
    expect(expected).toHaveLength(8);
    const without = (tag: number) => (tag === 0x5a || tag === 0x57 ? undefined : hand.get(tag));
    expect(issuerOf(recorded)?.authenticationData(without, answer)).toBeUndefined();
    const { issuer: _, ...keyless } = recorded;
    expect(issuerOf(keyless)).toBeUndefined();
  });
});

describe('CDA', () => {
  const READY = ['9f27', '9f36', '9f10'];

  function signed(hand: Hand, answer: string, commands: string): { cid: number; cryptogram: string } {
    const key = iccKey((tag) => hand.get(tag), MASTERCARD.slice(0, 10), hand.readRecords());
    const dynamic = dynamicData(key, hand.get(0x9f4b) as Uint8Array, hand.get(0x9f37) as Uint8Array);
    const responses = READY.map((tag) => {
      const value = hand.hex(Number.parseInt(tag, 16)) as string;
      return tag.toUpperCase() + length(value) + value;
    }).join('');
    const hash = createHash('sha1')
      .update(fromHex(commands + responses))
      .digest();
    const after = 1 + (dynamic[0] as number);
    expect(toHex(dynamic.subarray(after + 9))).toBe(toHex(hash));
    expect(answer).not.toContain(toHex(dynamic.subarray(after + 1, after + 9)));
    return {
      cid: dynamic[after] as number,
      cryptogram: toHex(dynamic.subarray(after + 1, after + 9)),
    };
  }

  it('signs ARQC and TC with everything that was exchanged', () => {
    const hand = new Hand('mastercard-cda');
    hand.select(MASTERCARD);
    const pdol = hand.dolData(0x9f38);
    hand.start();
    hand.readRecords();
    const cdol1 = hand.dolData(0x8c);
    const first = signed(hand, hand.generate('90', 0x8c), pdol + cdol1);
    expect(first.cid).toBe(0x80);
    hand.set(0x9f26, first.cryptogram);
    expect(issuer(hand).verifies((tag) => hand.get(tag))).toBe(true);
    answerOnline(hand, '00', true);
    const cdol2 = hand.dolData(0x8d);
    const second = signed(hand, hand.generate('50', 0x8d), pdol + cdol1 + cdol2);
    expect(second.cid).toBe(0x40);
    hand.set(0x9f26, second.cryptogram);
    expect(issuer(hand).verifies((tag) => hand.get(tag))).toBe(true);
  });

  it('does not sign an AAC', () => {
    const hand = new Hand('mastercard-cda');
    hand.prepare(MASTERCARD);
    hand.generate('10', 0x8c);
    expect(hand.hex(0x9f27)).toBe('00');
    expect(hand.get(0x9f4b)).toBeUndefined();
    expect(hand.hex(0x9f26)).toHaveLength(16);
  });
});

describe('card risk management', () => {
  const offline = (hand: Hand, amount: string) => {
    hand.set(0x9f02, amount);
    hand.prepare(VISA);
    hand.generate('40', 0x8c);
    return hand.hex(0x9f27);
  };

  it('approves offline within its limits and sends the rest online', () => {
    const hand = new Hand('debit-offline-pin');
    expect(offline(hand, '000000005000')).toBe('40');
    expect(offline(hand, '000000005001')).toBe('80');
    const { applications } = hand.card.state();
    expect(applications[VISA]).toMatchObject({ consecutiveOffline: 1, cumulativeMinor: 5000 });
  });

  it('counts approvals in a row and their sum', () => {
    const sum = new Hand('debit-offline-pin');
    for (const cid of ['40', '40', '40', '80']) expect(offline(sum, '000000004900')).toBe(cid);
    const row = new Hand('debit-offline-pin');
    for (const cid of ['40', '40', '40', '40', '40', '80']) expect(offline(row, '000000000100')).toBe(cid);
  });

  it('goes online in other currencies and after an online transaction that never ended', () => {
    const foreign = new Hand('debit-offline-pin').set(0x5f2a, '0978');
    expect(offline(foreign, '000000000100')).toBe('80');
    const torn = new Hand('debit-offline-pin');
    torn.prepare(VISA);
    torn.generate('80', 0x8c);
    expect(offline(torn, '000000000100')).toBe('80');
    expect((torn.get(0x9f10)?.[5] ?? 0) & 0x80).toBe(0x80);
  });

  it('decides alone when the terminal cannot go online', () => {
    const hand = new Hand('debit-offline-pin');
    hand.prepare(VISA);
    hand.generate('80', 0x8c);
    hand.set(0x8a, '5933').generate('40', 0x8d);
    expect(hand.hex(0x9f27)).toBe('40');
    expect((hand.get(0x9f10)?.[4] ?? 0) & 0x01).toBe(0x01);
  });

  it('declines a declined transaction that comes as an approval request', () => {
    const hand = new Hand('visa-credit');
    hand.prepare(VISA);
    hand.generate('80', 0x8c);
    answerOnline(hand, '05', false);
    hand.generate('40', 0x8d);
    expect(hand.hex(0x9f27)).toBe('00');
  });
});

describe('offline PIN', () => {
  const RIGHT = '241234FFFFFFFFFF';
  const WRONG = '249999FFFFFFFFFF';
  const verify = (hand: Hand, block: string) => {
    hand.send(`0020008008${block}`);
    return hand.sw;
  };

  it('counts the tries down, blocks, and says so', () => {
    const hand = new Hand('debit-offline-pin');
    hand.prepare(VISA);
    expect(verify(hand, WRONG)).toBe('63C2');
    expect(hand.send('80CA9F1700')).toBe('9F170102');
    expect(verify(hand, RIGHT)).toBe('9000');
    expect(hand.send('80CA9F1700')).toBe('9F170103');
    for (const sw of ['63C2', '63C1', '63C0', '6983']) expect(verify(hand, WRONG)).toBe(sw);
    expect(verify(hand, RIGHT)).toBe('6983');
  });

  it('tells the issuer what happened', () => {
    const results = (block: string | undefined) => {
      const hand = new Hand('debit-offline-pin');
      hand.prepare(VISA);
      if (block !== undefined) verify(hand, block);
      hand.generate('80', 0x8c);
      return (hand.get(0x9f10)?.[4] ?? 0) & 0x06;
    };
    expect(results(undefined)).toBe(0x00);
    expect(results(RIGHT)).toBe(0x04);
    expect(results(WRONG)).toBe(0x06);
  });

  it('refuses other forms without costing a try', () => {
    const hand = new Hand('debit-offline-pin');
    hand.prepare(VISA);
    const cases: readonly (readonly [command: string, sw: string])[] = [
      ['0020008108241234FFFFFFFFFF', '6A86'],
      ['0020008007241234FFFFFFFF', '6700'],
      ['0020008008041234FFFFFFFFFF', '6A80'],
      ['002000800824123AFFFFFFFFFF', '6A80'],
    ];
    for (const [command, sw] of cases) {
      hand.send(command);
      expect([command, hand.sw]).toEqual([command, sw]);
    }
    expect(hand.card.state().pin?.triesLeft).toBe(3);
    const without = new Hand('visa-credit');
    without.prepare(VISA);
    expect(verify(without, RIGHT)).toBe('6984');
  });
});

describe('issuer scripts', () => {
  const header = (text: string) => fromHex(text);

  function online(name: string, aid: string): Hand {
    const hand = new Hand(name);
    hand.prepare(aid);
    hand.generate('80', 0x8c);
    return hand;
  }

  const run = (hand: Hand, head: string, payload = '', mac = 8) => {
    const command = issuer(hand).scriptCommand((tag) => hand.get(tag), header(head), fromHex(payload), mac);
    hand.send(toHex(command as Uint8Array));
    return hand.sw;
  };

  it.each(CONTACT.slice(0, 5))('of %s block and unblock the application', (name, aid) => {
    const hand = online(name, aid);
    expect(run(hand, '841E0000', '', 4)).toBe('9000');
    expect(run(hand, '84180000')).toBe('9000');
    expect(run(hand, '841E0000')).toBe('9000');
    hand.generate('40', 0x8d);
    expect(hand.hex(0x9f27)).toBe('00');
    hand.select(aid);
    expect(hand.sw).toBe('6283');
    hand.send('80A800000283000000');
    expect(hand.sw).not.toBe('9000');
  });

  it('unblock the PIN', () => {
    const hand = new Hand('debit-offline-pin');
    hand.prepare(VISA);
    for (let i = 0; i < 3; i++) hand.send('0020008008249999FFFFFFFFFF');
    hand.generate('80', 0x8c);
    expect(run(hand, '84240000')).toBe('9000');
    expect(hand.card.state().pin?.triesLeft).toBe(3);
    expect((hand.get(0x9f10)?.[5] ?? 0) & 0x40).toBe(0x40);
  });

  it('block the whole card', () => {
    const hand = online('visa-credit', VISA);
    expect(run(hand, '84160000')).toBe('9000');
    hand.select(VISA);
    expect(hand.sw).toBe('6A81');
  });

  it('change objects of their own length', () => {
    const hand = online('visa-credit', VISA);
    expect(run(hand, '84DA9F4F', '9A039F21039F02065F2A029F3601')).toBe('9000');
    expect(hand.send('80CA9F4F00')).toBe('9F4F0E9A039F21039F02065F2A029F3601');
    expect(run(hand, '84DA9F4F', '9A03')).toBe('6700');
    expect(run(hand, '84DA9F58', '01')).toBe('6A88');
  });

  it('fail without the right MAC or the right moment, and the card tells so', () => {
    const hand = online('visa-credit', VISA);
    hand.send('841E0000080102030405060708');
    expect(hand.sw).toBe('6988');
    hand.send('841E000003010203');
    expect(hand.sw).toBe('6700');
    hand.generate('00', 0x8d);
    expect((hand.get(0x9f10)?.[6] ?? 0) & 0x08).toBe(0x08);
    const early = new Hand('visa-credit');
    early.prepare(VISA);
    early.send('841E0000080102030405060708');
    expect(early.sw).toBe('6985');
  });
});
