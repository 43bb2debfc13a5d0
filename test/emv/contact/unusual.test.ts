import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../src/platform/bytes.ts';
import {
  type Answers,
  contactAnswers,
  cryptogram,
  EXTERNAL_AUTHENTICATE,
  GAC,
  GET_DATA,
  GPO,
  options,
  READ,
  record,
  scriptedCard,
} from '../support/card.ts';
import { answered, config, run, type Setting } from '../support/world.ts';

/** Cards that leave out what most cards have: EMV 4.3 Book 3, sections 7 and 10; Book 4, annex A. */

async function play(answers: Answers, setting: Setting = {}) {
  const card = scriptedCard(contactAnswers(answers));
  const done = await run(card, setting);
  const gacs = card.commands.filter((hex) => hex.startsWith(GAC));
  const p1 = gacs.map((hex) => hex.slice(4, 6));
  return { ...done, card, gacs, p1, arc: done.get(0x8a) };
}
const TC = { [GAC]: cryptogram('40') };

describe('an AIP', () => {
  it.each([
    ['without any bit', '0000', '8000000000', '2000', '3F0000'],
    ['with cardholder verification only', '1000', '8000000000', '6000', '1F0002'],
    ['with risk management only', '0800', '8000000000', '2800', '3F0000'],
    ['with issuer authentication only', '0400', '8000000000', '2000', '3F0000'],
    ['with data authentication that the terminal lacks', '2000', '8000000000', '2000', '3F0000'],
    ['with bits that are reserved', '0080', '8000000000', '2000', '3F0000'],
  ])('%s', async (_, aip, tvr, tsi, cvmResults) => {
    const done = await play({ ...TC, [GPO]: options(aip) }, { config: config({}, { '9F33': 'E0F800' }) });
    expect([done.code, done.tvr, done.tsi, done.cvmResults]).toEqual([
      'APPROVED_OFFLINE',
      tvr,
      tsi,
      cvmResults,
    ]);
  });
});

describe('a CVM list', () => {
  it.each([
    ['that is missing', undefined],
    ['without rules', '0000138800000000'],
  ])('%s counts as missing data, and verification was not performed', async (_, list) => {
    const done = await play({ ...TC, [READ]: record({ '8E': list }) });
    expect([done.tvr, done.tsi, done.cvmResults]).toEqual(['A000000000', '2000', '3F0000']);
  });
});

describe('what only some cards have', () => {
  it.each([
    ['no 57', { '57': undefined }],
    ['no 5F34', { '5F34': undefined }],
    ['no action codes', { '9F0D': undefined, '9F0E': undefined, '9F0F': undefined }],
    ['no usage control, no dates', { '9F07': undefined, '5F25': undefined }],
  ])('%s: the transaction goes on', async (_, change) => {
    expect((await play({ [READ]: record(change) })).code).toBe('APPROVED_ONLINE');
  });

  it('a TC hash value is made by the card’s list, by the terminal’s, or over nothing', async () => {
    const cdol = { '8C': '9814', '8D': '8A02' };
    const hashed = async (change: Record<string, string>, aid = {}) => {
      const done = await play({ ...TC, [READ]: record({ ...cdol, ...change }) }, { config: config(aid) });
      return [done.gacs[0]?.slice(10, 50), done.tvr.slice(8)];
    };
    const sha1 = (hex: string) => createHash('sha1').update(fromHex(hex)).digest('hex').toUpperCase();
    expect(await hashed({ '97': '5F2A02' })).toEqual([sha1('0840'), '00']);
    expect(await hashed({}, { defaultTdol: '5F2A02' })).toEqual([sha1('0840'), '80']);
    expect(await hashed({})).toEqual([sha1(''), '80']);
  });
});

describe('velocity checking', () => {
  const limits = { [GPO]: options('1800'), [READ]: record({ '9F14': '02', '9F23': '04' }) };
  const counters = (atc: string | undefined, last: string | undefined): Answers => ({
    ...(atc === undefined ? {} : { [`${GET_DATA}9F36`]: `9F3602${atc}9000` }),
    ...(last === undefined ? {} : { [`${GET_DATA}9F13`]: `9F1302${last}9000` }),
  });
  const bytes = async (answers: Answers) => {
    const { tvr } = await play(answers, { services: { until: 'risk' } });
    return [tvr.slice(2, 4), tvr.slice(6, 8)];
  };

  it.each([
    ['exactly the lower limit', '0005', '0003', ['00', '00']],
    ['one over the lower limit', '0006', '0003', ['00', '40']],
    ['exactly the upper limit', '0007', '0003', ['00', '40']],
    ['one over the upper limit', '0008', '0003', ['00', '60']],
    ['the last one online', '0003', '0003', ['00', '60']],
    ['a counter that went back', '0002', '0003', ['00', '60']],
    ['never online', '0001', '0000', ['08', '00']],
    ['never used, never online', '0000', '0000', ['08', '60']],
    ['no ATC', undefined, '0003', ['00', '60']],
    ['no ATC, never online', undefined, '0000', ['08', '60']],
    ['no last online ATC', '0005', undefined, ['00', '60']],
    ['neither', undefined, undefined, ['00', '60']],
  ])('%s', async (_, atc, last, expected) => {
    expect(await bytes({ ...limits, ...counters(atc, last) })).toEqual(expected);
  });

  it.each([
    ['a counter of one byte', { [`${GET_DATA}9F36`]: '9F3601059000' }],
    ['another object', { [`${GET_DATA}9F36`]: '9F130200059000' }],
    ['no TLV', { [`${GET_DATA}9F36`]: '00059000' }],
  ])('with %s as answer counts as no counter', async (_, change) => {
    expect(await bytes({ ...limits, ...counters('0005', '0003'), ...change })).toEqual(['00', '60']);
  });

  it.each([
    ['the upper limit', { '9F14': '02' }],
    ['the lower limit', { '9F23': '04' }],
  ])('is left out, with both commands, when the card lacks %s', async (_, change) => {
    const answers = { ...limits, ...counters('0009', '0003'), [READ]: record(change) };
    const { tvr, card } = await play(answers, { services: { until: 'risk' } });
    expect(tvr.slice(6, 8)).toBe('00');
    expect(card.commands.filter((hex) => hex.startsWith(GET_DATA))).toEqual([]);
  });
});

describe('the authorisation response code', () => {
  const ask = { [GAC]: [cryptogram('80'), cryptogram('40')] };
  const askAndDecline = { [GAC]: [cryptogram('80'), cryptogram('00')] };
  const online = config({ tac: { online: '8000000000' } });
  const unable = { answer: { kind: 'unable' } } as const;

  it.each([
    ['Y1: approved offline', TC, {}, '5931', ['40'], 'APPROVED_OFFLINE'],
    ['Z1: declined by the card', { [GAC]: cryptogram('00') }, {}, '5A31', ['40'], 'DECLINED_OFFLINE'],
    [
      'Z1: declined by the terminal',
      { [GAC]: cryptogram('00') },
      { config: config({ tac: { denial: '8000000000' } }) },
      '5A31',
      ['00'],
      'DECLINED_OFFLINE',
    ],
    ['Y3: no line, approved', ask, { ...unable, config: online }, '5933', ['80', '40'], 'APPROVED_OFFLINE'],
    [
      'Z3: no line, the card declines',
      askAndDecline,
      { ...unable, config: online },
      '5A33',
      ['80', '40'],
      'DECLINED_OFFLINE',
    ],
    [
      'Z3: no line, the terminal declines',
      askAndDecline,
      { ...unable, config: config({ tac: { online: '8000000000', default: '8000000000' } }) },
      '5A33',
      ['80', '00'],
      'DECLINED_OFFLINE',
    ],
    [
      'Z3: no line, online-only terminal',
      askAndDecline,
      { ...unable, config: config({}, { '9F35': '21' }) },
      '5A33',
      ['80', '00'],
      'DECLINED_OFFLINE',
    ],
    [
      '00: nothing but the code',
      ask,
      { config: online, answer: answered('00', true) },
      '3030',
      ['80', '40'],
      'APPROVED_ONLINE',
    ],
    [
      '05: nothing but the code',
      askAndDecline,
      { config: online, answer: answered('05', false) },
      '3035',
      ['80', '00'],
      'DECLINED_ONLINE',
    ],
  ] as const)('%s', async (_, answers, setting, arc, p1, code) => {
    const done = await play(answers, setting);
    expect([done.arc, done.p1, done.code]).toEqual([arc, p1, code]);
  });

  it('alone brings neither issuer authentication nor zeros as failed data', async () => {
    const done = await play({ ...ask, [GPO]: options('1400') }, { config: online });
    expect(done.card.commands.some((hex) => hex.startsWith(EXTERNAL_AUTHENTICATE))).toBe(false);
    expect(done.gacs[1]).toContain(`3030${'00'.repeat(16)}`);
    expect([done.tvr.slice(8), done.tsi]).toEqual(['00', '6000']);
  });
});

describe('scripts', () => {
  const online = config({ tac: { online: '8000000000' } });
  const before = '71109F180411111111860784240000021122';
  const after = '72109F180422222222860784160000021122';

  it('follow a decline as well as an approval', async () => {
    const done = await play(
      { [GAC]: [cryptogram('80'), cryptogram('00')], '84': '9000' },
      { config: online, answer: answered('05', false, {}, [before, after]) },
    );
    expect([done.code, done.get(0x9f5b), done.tsi]).toEqual([
      'DECLINED_ONLINE',
      '20111111112022222222',
      '6400',
    ]);
  });

  it('are told one after the other, several of a kind in their order', async () => {
    const done = await play(
      { '8424': ['9000', '6985'], '8416': '9000' },
      {
        config: online,
        answer: answered('00', true, {}, [before, after, before.replaceAll('11111111', '33333333')]),
      },
    );
    expect(done.get(0x9f5b)).toBe('201111111111333333332022222222');
    expect(done.tvr).toBe('8000000020');
  });

  it('without an identifier are told with zeros', async () => {
    const done = await play(
      { '8424': '9000' },
      { config: online, answer: answered('00', true, {}, ['7109860784240000021122']) },
    );
    expect(done.get(0x9f5b)).toBe('2000000000');
  });

  it('are not run when the issuer was not asked', async () => {
    const done = await play(TC, { answer: answered('00', true, {}, [before]) });
    expect([done.get(0x9f5b), done.requests.length]).toEqual(['', 0]);
  });
});
