import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import { Hand, tagIn } from './hand.ts';

const PSE = '315041592E5359532E4444463031';
const VISA = 'A0000000031010';
const SELECT = '00A4040007A000000003101000';
const GPO = '80A8000002830000';

describe('selection', () => {
  it('finds the application through the directory', () => {
    const hand = new Hand('two-applications');
    const fci = hand.select(PSE);
    expect(tagIn(fci, 0x88)).toBe('01');
    const record = hand.send('00B2010C00');
    expect(record).toContain('4F08A000000003101001');
    expect(record).toContain('4F08A000000003101002');
    hand.send('00B2020C00');
    expect(hand.sw).toBe('6A83');
  });

  it('goes through partial names with "next occurrence"', () => {
    const hand = new Hand('two-applications');
    const first = hand.select('A000000003');
    expect(tagIn(first, 0x84)).toBe('A000000003101001');
    expect(tagIn(hand.select('A000000003', '02'), 0x84)).toBe('A000000003101002');
    hand.select('A000000003', '02');
    expect(hand.sw).toBe('6A82');
    expect(tagIn(hand.select('A000000003'), 0x84)).toBe('A000000003101001');
    hand.select('A00000000310100102');
    expect(hand.sw).toBe('6A82');
  });

  it('shows blocks', () => {
    const application = new Hand('blocked');
    expect(tagIn(application.select('A0000000041010'), 0x84)).toBe('A0000000041010');
    expect(application.sw).toBe('6283');
    application.start();
    expect(application.sw).toBe('6985');
    const card = new Hand('card-blocked');
    card.select(VISA);
    expect(card.sw).toBe('6A81');
    card.send('00B2010C00');
    expect(card.sw).toBe('6985');
  });
});

describe('wrong commands', () => {
  it.each([
    ['no command', '', '6700'],
    ['three bytes', '00A404', '6700'],
    ['Lc beyond the data', '00A4040008A0000000031010', '6700'],
    ['data beyond Le', '00A4040002A00000000310', '6700'],
    ['extended length', '00A40400000007A0000000031010', '6700'],
    ['unknown class', '90A8000000', '6E00'],
    ['instruction of another class', '00A8000002830000', '6E00'],
    ['unknown instruction', '00FF000000', '6D00'],
    ['selection by file', '00A40000023F00', '6A86'],
    ['selection without a name', '00A4040000', '6700'],
    ['processing options before selection', GPO, '6985'],
    ['records before selection', '00B2010C00', '6985'],
    ['data before selection', '80CA9F3600', '6985'],
    ['PIN before selection', '0020008008241234FFFFFFFFFF', '6985'],
    ['signature before selection', '00880000040102030400', '6985'],
  ])('%s: %s is answered %s', (_, command, sw) => {
    const hand = new Hand('debit-offline-pin');
    hand.send(command);
    expect(hand.sw).toBe(sw);
  });

  it.each([
    ['processing options by another template', '80A8000002850000', '6A80'],
    ['processing options of another length', '80A800000483020000', '6700'],
    ['processing options with two objects', '80A800000483008300', '6A80'],
    ['a cryptogram before processing options', '80AE800000', '6985'],
    ['record 0', '00B2000C00', '6A86'],
    ['a record by a wrong reference', '00B2010800', '6A86'],
    ['a record that is not there', '00B2090C00', '6A83'],
    ['a file that is not there', '00B201EC00', '6A82'],
    ['an object that is not there', '80CA9F5000', '6A88'],
    ['issuer authentication without an ARQC', '00820000080102030405060708', '6985'],
    ['a challenge', '0084000000', '9000'],
    ['a challenge with parameters', '0084010000', '6A86'],
  ])('after selection, %s is answered %3$s', (_, command, sw) => {
    const hand = new Hand('debit-offline-pin');
    hand.send(SELECT);
    hand.send(command);
    expect(hand.sw).toBe(sw);
  });

  it.each([
    ['processing options again', GPO, '6985'],
    ['a cryptogram of no type', '80AEC0001D', '6A86'],
    ['a cryptogram with unknown bits', '80AE810000', '6A86'],
    ['a cryptogram without CDOL data', '80AE800000', '6700'],
    ['a signature over too much', '008800000501020304050', '6700'],
  ])('after processing options, %s is answered %3$s', (_, command, sw) => {
    const hand = new Hand('debit-offline-pin');
    hand.prepare(VISA);
    hand.send(command.length % 2 === 0 ? command : `${command}0`);
    expect(hand.sw).toBe(sw);
  });

  it('takes the issuer’s answer once', () => {
    const hand = new Hand('debit-offline-pin');
    hand.prepare(VISA);
    hand.generate('80', 0x8c);
    hand.send('00820000020102');
    expect(hand.sw).toBe('6700');
    hand.send('008200000A01020304050607083030');
    expect(hand.sw).toBe('6300');
    hand.send('008200000A01020304050607083030');
    expect(hand.sw).toBe('6985');
  });
});

describe('durable state', () => {
  it('counts every transaction that began and survives power', () => {
    const hand = new Hand('visa-credit');
    hand.prepare(VISA);
    hand.face.reset();
    hand.prepare(VISA);
    expect(hand.card.state().applications[VISA]?.atc).toBe(3);
    hand.face.reset();
    hand.send(GPO);
    expect(hand.sw).toBe('6985');
  });

  it('moves to another card object as JSON', () => {
    const hand = new Hand('debit-offline-pin');
    hand.prepare(VISA);
    hand.send('0020008008249999FFFFFFFFFF');
    hand.generate('40', 0x8c);
    const other = new Hand('debit-offline-pin');
    other.card.restore(JSON.parse(JSON.stringify(hand.card.state())));
    expect(other.card.state()).toEqual(hand.card.state());
    other.select(VISA);
    expect(other.send('80CA9F1700')).toBe('9F170102');
    expect(other.send('80CA9F3600')).toBe('9F36020002');
  });

  it('ends when the counter does', () => {
    const hand = new Hand('visa-credit');
    const state = hand.card.state();
    const application = state.applications[VISA];
    if (application === undefined) throw new Error('no application');
    hand.card.restore({ ...state, applications: { [VISA]: { ...application, atc: 0xffff } } });
    hand.select(VISA);
    hand.start();
    expect(hand.sw).toBe('6985');
    expect(hand.card.state().applications[VISA]?.atc).toBe(0xffff);
  });
});

describe('any bytes', () => {
  const KNOWN = [
    SELECT,
    '00A404000E315041592E5359532E444446303100',
    GPO,
    '80A80000238321360000800000000012000000000000000840000000000008402611250001020304',
    '00B2011400',
    '00B2010C00',
    '80CA9F1700',
    '0020008008241234FFFFFFFFFF',
    '0084000000',
    '00880000040102030400',
    '80AE80001D000000001234000000000000084000000080000840261125000102030400',
    '80AE40001F3030000000001234000000000000084000000080000840261125000102030400',
    '008200000A01020304050607083030',
    '8424000008010203040506070800',
    '84DA9F4F0B0102030102030405060708',
  ].map((command) => fromHex(command));

  it.each([
    ['debit-offline-pin', 'contact'],
    ['mastercard-cda', 'contact'],
    ['visa-contactless', 'contactless'],
  ] as const)('get an answer from %s', (name, on) => {
    const random = seededRandom(`fuzz ${name}`);
    const { face, card } = new Hand(name, on);
    const fresh = card.state();
    for (let i = 0; i < 7000; i++) {
      const base = KNOWN[random.below(KNOWN.length)] as Uint8Array;
      let command = base;
      const kind = random.below(4);
      if (kind === 1) command = random.bytes(random.below(40));
      if (kind >= 2) {
        command = base.slice(0, kind === 3 ? random.below(base.length + 1) : base.length);
        for (let n = random.below(3); n > 0 && command.length > 0; n--) {
          command[random.below(command.length)] = random.below(256);
        }
      }
      const response = face.respond(command);
      if (response.length < 2) throw new Error(`no answer to ${toHex(command)}`);
      if (i % 50 === 0) card.restore(fresh);
    }
  });
});
