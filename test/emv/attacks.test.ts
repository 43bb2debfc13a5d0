import { describe, expect, it } from 'vitest';
import { brandMismatch } from '../../src/emv/brand.ts';
import { fromHex } from '../../src/platform/bytes.ts';
import { systemRandom } from '../../src/platform/random.ts';
import {
  AID,
  contactAnswers,
  cryptogram,
  GAC,
  GPO,
  options,
  READ,
  record,
  SELECT_PPSE,
  scriptedCard,
  select,
  template,
} from './support/card.ts';
import { emulatedCard, flip, set, testCaKeys } from './support/emulated.ts';
import { contactlessFci, directory } from './support/tap.ts';
import { answered, config, pins, run } from './support/world.ts';

/** Attacks on the dialogue of card and terminal, and what the kernels make of them. */

/** Action codes of a terminal that sends failed data authentication online, and declines it without a line. */
const TAC = { online: '4C00000000', default: '4C00000000' };
const terminal = (data: Record<string, string> = {}) => ({
  ...config({ tac: TAC }, data),
  caKeys: testCaKeys(),
});

describe('a changed CVM list', () => {
  /** From online PIN or signature to no CVM at all; and to a PIN in the clear. */
  const NO_CVM = set(0x8e, '00000000000000001F00');
  const PLAIN_PIN = set(0x8e, '000000000000000041001F00');
  const pay = (edit = NO_CVM, more = {}) => {
    const card = emulatedCard('visa-credit', { edit });
    return run(card, { config: terminal(), services: { pin: pins('entered') }, ...more }).then((done) => ({
      ...done,
      card,
    }));
  };

  it('fails data authentication, which the issuer is told: it decides, no terminal does', async () => {
    const done = await pay();
    expect([done.tvr.slice(0, 2), done.cvmResults, done.requests.length]).toEqual(['08', '1F0002', 1]);
    expect(done.requests[0]?.data.get(0x95)?.[0]).toBe(0x08);
    expect((await pay(NO_CVM, { answer: answered('05', false) })).code).toBe('DECLINED_ONLINE');
  });

  it('is declined where there is no line', async () => {
    const done = await pay(NO_CVM, { answer: { kind: 'unable' } });
    expect([done.code, done.get(0x8a)]).toEqual(['DECLINED_OFFLINE', '5A33']);
  });

  it('is declined where the terminal has none', async () => {
    const done = await pay(NO_CVM, { config: terminal({ '9F35': '23' }) });
    expect([done.code, done.requests.length]).toEqual(['DECLINED_OFFLINE', 0]);
  });

  it('gets no PIN in the clear', async () => {
    const { card, tvr } = await pay(PLAIN_PIN);
    expect(card.commands.filter((hex) => hex.startsWith('0020'))).toEqual([]);
    expect(tvr.slice(0, 6)).toBe('080008');
  });
});

describe('a CA key that nobody knows', () => {
  it('gets the transaction no offline approval', async () => {
    const done = await run(emulatedCard('debit-offline-pin', { edit: set(0x8f, '07') }), {
      config: terminal(),
      services: { pin: pins('entered', 'entered') },
      answer: { kind: 'unable' },
    });
    expect([done.code, done.tvr.slice(0, 2), done.cvmResults]).toEqual(['DECLINED_OFFLINE', '08', '420300']);
  });
});

describe('a false cryptogram', () => {
  it.each([
    ['a TC without a signature', { '9F27': '40' }],
    ['a TC with any signature', { '9F27': '40', '9F4B': '00'.repeat(128) }],
  ])('on a tap, %s, is no approval', async (_, change) => {
    const card = scriptedCard(tapAnswers(change), 'contactless');
    const contactless = { kernel: 3, ttq: '36000080', floorLimit: 5000 };
    expect((await run(card, { config: config({ contactless }) })).code).toBe('DECLINED_OFFLINE');
  });

  it('of a contact card that fails CDA is none either', async () => {
    const done = await run(emulatedCard('mastercard-cda', { edit: flip(0x9f46) }), {
      config: {
        ...config(
          {},
          { '9F33': 'E028C8' },
          { aids: [{ aid: 'A0000000041010', version: '0002', floorLimit: 10000, tac: TAC }] },
        ),
        caKeys: testCaKeys(),
      },
      answer: { kind: 'unable' },
    });
    expect(done.code).toBe('DECLINED_OFFLINE');
  });
});

function tapAnswers(change: Record<string, string> = {}, pan = '4761739001010119') {
  return {
    [SELECT_PPSE]: directory(AID),
    [select(AID)]: contactlessFci(AID),
    [GPO]: `${template('77', {
      '82': '2000',
      '57': `${pan}D30122011143804400000F`,
      '9F10': '06010A03A00000',
      '9F26': '1122334455667788',
      '9F36': '00F1',
      '9F6C': '0000',
      ...change,
    })}9000`,
  };
}

describe('an account of another scheme', () => {
  const tap = (pan: string, ttq: string) =>
    run(scriptedCard(tapAnswers({}, pan), 'contactless'), {
      config: config({ contactless: { kernel: 3, ttq, floorLimit: 5000 } }),
    });

  it('behind a Visa application is sent to the contacts, or declined where there are none', async () => {
    const done = await tap('5413330089010640', '36000080');
    expect([done.code, done.requests.length]).toEqual(['TRY_ANOTHER_INTERFACE', 0]);
    expect(done.result.outcome.reason).toContain('brand mismatch');
    expect((await tap('5413330089010640', '26000080')).code).toBe('DECLINED_OFFLINE');
  });

  it.each([
    ['A0000000031010', '4761739001010119', false],
    ['A0000000031010', '5413330089010640', true],
    ['A0000000031010', '2221000000000009', true],
    ['A0000000031010', '2720990000000007', true],
    ['A0000000041010', '2720990000000007', false],
    ['A0000000041010', '4761739001010119', true],
    ['A0000000041010', '6799998900000060017', false],
    ['A000000333010101', '6210949001010017', false],
    ['A0000000031010', '6210949001010017', true],
    ['A00000002501', '374245001751006', false],
    ['A0000000651010', '3530111333300000', false],
    ['A0000000651010', '3527000000000000', false],
    ['A0000000031010', '9990000000000011', false],
    ['A0000006723010', '4761739001010119', false],
  ])('application %s, account %s', (aid, pan, mismatch) => {
    expect(brandMismatch(fromHex(aid), pan) !== undefined).toBe(mismatch);
  });
});

describe('a card that says more than it was asked', () => {
  it.each([
    ['a TC for an ARQC', '80', '40'],
    ['a TC for an AAC', '00', '40'],
    ['an ARQC for an AAC', '00', '80'],
  ])('%s ends the transaction', async (_, asked, given) => {
    const codes = asked === '00' ? { denial: '8000000000' } : { online: '8000000000' };
    const card = scriptedCard(contactAnswers({ [GAC]: cryptogram(given) }));
    const done = await run(card, { config: config({ tac: codes }) });
    expect([done.code, card.commands.find((hex) => hex.startsWith(GAC))?.slice(4, 6)]).toEqual([
      'CARD_ERROR',
      asked,
    ]);
  });

  it('a false issuer authentication is told to the card, and the approval is reversed when it declines', async () => {
    const card = scriptedCard(
      contactAnswers({ [GPO]: options('1400'), '0082': '6300', [GAC]: [cryptogram('80'), cryptogram('00')] }),
    );
    const done = await run(card, { answer: answered('00', true, { 145: '11223344556677883030' }) });
    expect([done.code, done.tvr.slice(8), done.result.hostApprovedCardDeclined]).toEqual([
      'DECLINED_ONLINE',
      '40',
      true,
    ]);
  });

  it('objects of the terminal are not taken from it', async () => {
    const card = scriptedCard(
      contactAnswers({ [READ]: record({ '9F02': '000000000001', '95': '0000000000', '9F1A': '0999' }) }),
    );
    const done = await run(card);
    expect([done.get(0x9f02), done.get(0x9f1a)]).toEqual(['000000001200', '0840']);
  });
});

describe('unpredictable numbers', () => {
  it('come from the system’s generator without a bias or a row of repetitions', () => {
    const random = systemRandom();
    const draws = 65_536;
    const seen = new Set<string>();
    const counts = new Uint32Array(4 * 256);
    for (let i = 0; i < draws; i++) {
      const number = random.bytes(4);
      seen.add(number.join());
      for (const [at, byte] of number.entries()) counts[at * 256 + byte] = (counts[at * 256 + byte] ?? 0) + 1;
    }
    // 65,536 draws of 2^32 repeat about once by chance; sixteen times is one chance in more than 10^15.
    expect(draws - seen.size).toBeLessThan(16);
    const expected = draws / 256;
    for (let at = 0; at < 4; at++) {
      const bytes = counts.subarray(at * 256, at * 256 + 256);
      const chiSquare = bytes.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      expect(chiSquare).toBeLessThan(450);
    }
  });

  it('are never repeated within a transaction', async () => {
    const card = scriptedCard(
      contactAnswers({
        [READ]: record({ '8C': '9F3704', '8D': '8A029F3704' }),
      }),
    );
    await run(card, { services: { random: systemRandom() } });
    const numbers = card.commands.filter((hex) => hex.startsWith(GAC)).map((hex) => hex.slice(-10, -2));
    expect(new Set(numbers).size).toBe(2);
  });
});
