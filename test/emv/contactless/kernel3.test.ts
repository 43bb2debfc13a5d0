import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { encodeTlv } from '../../../src/tlv/ber.ts';
import {
  AID,
  type Answers,
  GPO,
  PAN,
  READ,
  SELECT_PPSE,
  scriptedCard,
  select,
  TRACK2,
  template,
} from '../support/card.ts';
import { answered, config, pins, run, type Setting } from '../support/world.ts';

const PDOL = '9F66049F02069F03069F1A0295055F2A029A039C019F3704';
const MC = 'A0000000041010';

const ppse = (...entries: string[]) =>
  `${toHex(
    encodeTlv(0x6f, [
      encodeTlv(0x84, fromHex('325041592E5359532E4444463031')),
      encodeTlv(0xa5, [encodeTlv(0xbf0c, fromHex(entries.join('')))]),
    ]),
  )}9000`;
const entry = (aid: string, priority: string, more: Record<string, string> = {}) =>
  template('61', { '4F': aid, '87': priority, ...more });
const fci = (aid: string, pdol: string | undefined = PDOL, discretionary = '') =>
  `${toHex(
    encodeTlv(0x6f, [
      encodeTlv(0x84, fromHex(aid)),
      encodeTlv(0xa5, [
        pdol === undefined ? new Uint8Array(0) : encodeTlv(0x9f38, fromHex(pdol)),
        discretionary === '' ? new Uint8Array(0) : encodeTlv(0xbf0c, fromHex(discretionary)),
      ]),
    ]),
  )}9000`;

/** The answer of the worked example of kernel 3: an ARQC told by the CVR. */
const ANSWER: Readonly<Record<string, string>> = {
  '82': '2000',
  '57': TRACK2,
  '5F34': '01',
  '9F10': '06010A03A00000',
  '9F26': '1122334455667788',
  '9F36': '00F1',
  '9F6C': '0000',
};
const gpo = (change: Record<string, string | undefined> = {}) => {
  const objects: Record<string, string> = {};
  for (const [tag, value] of Object.entries({ ...ANSWER, ...change }))
    if (value !== undefined) objects[tag] = value;
  return `${template('77', objects)}9000`;
};

const limits = { kernel: 3, ttq: '36000080', transactionLimit: 50000, floorLimit: 5000, cvmLimit: 10000 };
const terminal = (change: object = {}) => config({ contactless: { ...limits, ...change } });

async function tap(answers: Answers = {}, setting: Setting = {}) {
  const card = scriptedCard(
    {
      [SELECT_PPSE]: ppse(entry(AID, '01')),
      [select(AID)]: fci(AID),
      [GPO]: gpo(),
      ...answers,
    },
    'contactless',
  );
  const done = await run(card, { config: terminal(), ...setting });
  const command = card.commands.find((hex) => hex.startsWith(GPO)) ?? '';
  return { ...done, card, ttq: command.slice(14, 22), cvm: done.result.cvm };
}

describe('Entry Point', () => {
  it.each([
    [1200, {}, '36000080'],
    [5000, {}, '36000080'],
    [5001, {}, '36800080'],
    [10000, {}, '36C00080'],
    [0, {}, '36800080'],
    [100, { statusCheck: true }, '36800080'],
    [9999, { floorLimit: undefined }, '36000080'],
    [10001, { floorLimit: undefined, cvmLimit: undefined }, '36800080'],
  ])('pre-processing of %i', async (amountMinor, change, ttq) => {
    expect((await tap({}, { config: terminal(change), parameters: { amountMinor } })).ttq).toBe(ttq);
  });

  it.each([
    ['at the transaction limit', 50000, {}],
    ['of zero where that is not allowed', 0, { zeroAmountAllowed: false }],
    ['of zero on an offline-only reader', 0, { ttq: '3E000080' }],
  ])('sends an amount %s to another interface, without touching the card', async (_, amountMinor, change) => {
    const done = await tap({}, { config: terminal(change), parameters: { amountMinor } });
    expect([done.code, done.card.commands]).toEqual(['TRY_ANOTHER_INTERFACE', []]);
  });

  it.each([
    ['no directory', { [SELECT_PPSE]: '6A82' }],
    ['a malformed directory', { [SELECT_PPSE]: '6F2084009000' }],
    ['an empty directory', { [SELECT_PPSE]: ppse() }],
    ['another application', { [SELECT_PPSE]: ppse(entry('A0000000099999', '01')) }],
    ['another kernel', { [SELECT_PPSE]: ppse(entry(AID, '01', { '9F2A': '02' })) }],
    ['a proprietary kernel', { [SELECT_PPSE]: ppse(entry(AID, '01', { '9F2A': 'C00000' })) }],
    ['no PDOL', { [select(AID)]: fci(AID, '') }],
  ])('accepts no card with %s', async (_, answers) => expect((await tap(answers)).code).toBe('NOT_ACCEPTED'));

  it('skips malformed entries and takes partial names by priority', async () => {
    const long = `${AID}0102`;
    const done = await tap({
      [SELECT_PPSE]: ppse(entry('A000', '01'), entry(AID, '02'), entry(long, '01')),
      [select(long)]: fci(long),
    });
    expect(done.result.candidates.map((c) => toHex(c.aid))).toEqual([long, AID]);
    expect(toHex(done.result.aid ?? new Uint8Array(0))).toBe(long);
  });

  it('selects the next one when SELECT or GPO refuses', async () => {
    const long = `${AID}01`;
    const two = { [SELECT_PPSE]: ppse(entry(long, '01'), entry(AID, '02')) };
    expect((await tap({ ...two, [select(long)]: '6A82' })).code).toBe('APPROVED_ONLINE');
    const refused = await tap({ ...two, [select(long)]: fci(long), [GPO]: ['6985', gpo()] });
    expect(toHex(refused.result.aid ?? new Uint8Array(0))).toBe(AID);
  });

  it('appends extended selection when both sides have it', async () => {
    const answers = { [SELECT_PPSE]: ppse(entry(AID, '01', { '9F29': 'AB' })) };
    const done = await tap(answers, { config: terminal({ extendedSelection: true }) });
    expect(done.card.commands[1]).toBe(`00A4040008${AID}AB00`);
    expect((await tap(answers)).card.commands[1]).toBe(`00A4040007${AID}00`);
  });

  it('sends a card whose kernel is not built to another interface', async () => {
    const setting = config({}, {}, { aids: [{ aid: MC, contactless: {} }] });
    const answers = { [SELECT_PPSE]: ppse(entry(MC, '01')), [select(MC)]: fci(MC) };
    expect((await tap(answers, { config: setting })).code).toBe('TRY_ANOTHER_INTERFACE');
  });

  it('applies dynamic reader limits by the card’s program', async () => {
    const setting = terminal({
      dynamicLimits: [
        { programId: 'AB', floorLimit: 100 },
        { programId: 'ABCD', floorLimit: 90000, transactionLimit: 1000 },
      ],
    });
    const answers = (program: string) => ({
      [select(AID)]: fci(AID, PDOL, `9F5A0${program.length / 2}${program}`),
    });
    expect((await tap(answers('AB01'), { config: setting })).ttq).toBe('36800080');
    expect((await tap(answers('ABCD'), { config: setting })).code).toBe('NOT_ACCEPTED');
    expect((await tap(answers('FF'), { config: setting })).ttq).toBe('36000080');
  });
});

describe('GET PROCESSING OPTIONS', () => {
  it.each([
    ['6984', 'TRY_ANOTHER_INTERFACE'],
    ['6985', 'NOT_ACCEPTED'],
    ['6986', 'TRY_AGAIN'],
    ['6A80', 'CARD_ERROR'],
    ['', 'TRY_AGAIN'],
    ['removed', 'TRY_AGAIN'],
  ])('status %j', async (answer, code) => expect((await tap({ [GPO]: answer })).code).toBe(code));

  it.each([
    ['no cryptogram', { '9F26': undefined }],
    ['no track 2', { '57': undefined }],
    ['no ATC', { '9F36': undefined }],
    ['no AIP', { '82': undefined }],
    ['no issuer data', { '9F10': undefined }],
    ['a reserved type', { '9F10': '06010A03B00000' }],
    ['a malformed track 2', { '57': '4761739001010119' }],
    ['a PAN with a wrong check digit', { '57': `4761739001010118${TRACK2.slice(16)}` }],
    ['a malformed AFL', { '94': '0801' }],
  ])('with %s is a card error', async (_, change) => {
    expect((await tap({ [GPO]: gpo(change) })).code).toBe('CARD_ERROR');
  });

  it.each([
    ['57 twice', `${template('77', ANSWER).slice(4)}5713${TRACK2}`],
    ['9F26 twice', `${template('77', ANSWER).slice(4)}9F26081122334455667788`],
  ])('with %s is a card error', async (_, body) => {
    const answer = `${toHex(encodeTlv(0x77, fromHex(body)))}9000`;
    expect((await tap({ [GPO]: answer })).code).toBe('CARD_ERROR');
  });

  it('an AAC is declined, by CID or CVR', async () => {
    expect((await tap({ [GPO]: gpo({ '9F27': '00' }) })).code).toBe('DECLINED_OFFLINE');
    expect((await tap({ [GPO]: gpo({ '9F10': '06010A03800000' }) })).code).toBe('DECLINED_OFFLINE');
  });

  it('a new tap draws a new unpredictable number', async () => {
    const first = await tap({ [GPO]: 'removed' });
    const again = await tap(
      {},
      { services: { random: { bytes: () => Uint8Array.of(9, 9, 9, 9), below: () => 0 } } },
    );
    expect(again.get(0x9f37)).toBe('09090909');
    expect(first.get(0x9f37)).not.toBe('09090909');
  });
});

describe('the way online', () => {
  it.each([
    ['approved', answered('00', true), 'APPROVED_ONLINE', '3030'],
    ['declined', answered('51', false), 'DECLINED_ONLINE', '3531'],
    ['referred', { ...answered('01', false), referral: true }, 'REFERRED', '3031'],
    ['unable', { kind: 'unable' } as const, 'DECLINED_OFFLINE', '5A33'],
  ])('%s', async (_, answer, code, arc) => {
    const done = await tap({}, { answer });
    expect([done.code, done.get(0x8a), done.tvr, done.get(0x9f39)]).toEqual([code, arc, '0000000000', '07']);
    expect(done.requests[0]?.interface).toBe('contactless');
  });

  it('is closed to an offline-only reader', async () => {
    const done = await tap({}, { config: terminal({ ttq: '3E000080' }) });
    expect([done.code, done.requests.length]).toEqual(['DECLINED_OFFLINE', 0]);
  });

  it('is taken by a TC where the reader asked for an online cryptogram', async () => {
    const done = await tap({ [GPO]: gpo({ '9F27': '40' }) }, { parameters: { amountMinor: 6000 } });
    expect(done.code).toBe('APPROVED_ONLINE');
  });
});

describe('cardholder verification', () => {
  const high = { parameters: { amountMinor: 10000 } };
  const withPin = (answer: string) => ({ services: { pin: pins(answer) } });
  it.each([
    ['no qualifiers, below the limit', { '9F6C': undefined }, {}, 'none', 'APPROVED_ONLINE'],
    ['no qualifiers, above the limit', { '9F6C': undefined }, high, 'signature', 'APPROVED_ONLINE'],
    ['online PIN', { '9F6C': '8000' }, withPin('entered'), 'online-pin', 'APPROVED_ONLINE'],
    ['online PIN before signature', { '9F6C': 'C000' }, withPin('entered'), 'online-pin', 'APPROVED_ONLINE'],
    ['online PIN, bypassed', { '9F6C': '8000' }, withPin('bypassed'), 'failed', 'DECLINED_OFFLINE'],
    ['online PIN, cancelled', { '9F6C': '8000' }, withPin('cancelled'), 'online-pin', 'CANCELLED'],
    ['signature', { '9F6C': '4000' }, {}, 'signature', 'APPROVED_ONLINE'],
    ['on the device, for the issuer to check', { '9F6C': '0080' }, high, 'cdcvm', 'APPROVED_ONLINE'],
    [
      'on the device, confirmed',
      { '9F6C': '0080', '9F69': '01ABABABAB0080' },
      high,
      'cdcvm',
      'APPROVED_ONLINE',
    ],
    [
      'on the device, contradicted',
      { '9F6C': '0080', '9F69': '01ABABABAB0000' },
      high,
      'failed',
      'DECLINED_OFFLINE',
    ],
    ['none in common above the limit', {}, high, 'failed', 'DECLINED_OFFLINE'],
  ])('%s', async (_, change, setting, cvm, code) => {
    const done = await tap({ [GPO]: gpo(change) }, setting);
    expect([done.cvm, done.code]).toEqual([cvm, code]);
  });

  it('without PIN or signature on the reader', async () => {
    const done = await tap(
      { [GPO]: gpo({ '9F6C': undefined }) },
      { ...high, config: terminal({ ttq: '30000080' }) },
    );
    expect(done.code).toBe('DECLINED_OFFLINE');
  });

  it('an offline approval is not trusted with an unsigned claim of the device', async () => {
    const done = await tap({ [GPO]: gpo({ '9F27': '40', '9F6C': '2080' }) });
    expect(done.code).toBe('DECLINED_OFFLINE');
  });
});

describe('an offline approval', () => {
  const tc = { '9F27': '40', '94': '08010100' };
  const withRecord = (change: Record<string, string>) => ({
    [READ]: `${template('70', { '5F24': '301231', '9F07': 'FF00', '5F28': '0840', ...change })}9000`,
  });

  it.each([
    ['unsigned', '0000', 'DECLINED_OFFLINE'],
    ['unsigned, online wanted', '2000', 'APPROVED_ONLINE'],
    ['unsigned, contacts wanted', '1000', 'TRY_ANOTHER_INTERFACE'],
  ])('%s', async (_, ctq, code) => {
    const done = await tap({ [GPO]: gpo({ ...tc, '9F6C': ctq }), ...withRecord({}) });
    expect(done.code).toBe(code);
  });

  it.each([
    ['expired', '0000', 'DECLINED_OFFLINE'],
    ['expired, online wanted', '0800', 'APPROVED_ONLINE'],
  ])('%s', async (_, ctq, code) => {
    const answers = { [GPO]: gpo({ ...tc, '9F6C': ctq, '57': `${PAN}D19122011143804400000F` }) };
    expect((await tap({ ...answers, ...withRecord({ '5F24': '191231' }) })).code).toBe(code);
  });

  it('of a PAN on the exception file is declined', async () => {
    const done = await tap({}, { services: { onExceptionFile: () => true } });
    expect(done.code).toBe('DECLINED_OFFLINE');
  });

  it('of cash that the card does not allow', async () => {
    const setting = { config: terminal({ usageControlCheck: true }), parameters: { transactionType: 1 } };
    const noCash = withRecord({ '9F07': '2100' });
    expect((await tap({ [GPO]: gpo({ ...tc, '9F6C': '0400' }), ...noCash }, setting)).code).toBe(
      'TRY_ANOTHER_INTERFACE',
    );
    expect((await tap({ [GPO]: gpo({ ...tc, '9F6C': '2000' }), ...noCash }, setting)).code).toBe(
      'DECLINED_OFFLINE',
    );
  });
});

describe('fDDA input', () => {
  it('of version 01 and 00 gives the published hashes', () => {
    const header = `0501030200F1${'BB'.repeat(68)}`;
    const sha = (text: string) =>
      createHash('sha1')
        .update(fromHex(header + text))
        .digest('hex')
        .toUpperCase();
    expect(sha('01234567000000001200082601ABABABAB0000')).toBe('8A000E15E4F3FBF24277C6A0A6061B37426897F7');
    expect(sha('01234567')).toBe('2F62F753ADA81A3D30EA6172127835E69B0C5BED');
  });
});

describe('a stop', () => {
  it.each(['selection', 'gpo', 'read', 'restrictions', 'oda', 'cvm', 'taa', 'gac1'] as const)(
    'after %s',
    async (until) => {
      const done = await tap({}, { services: { until } });
      expect([done.code, done.requests.length]).toEqual(['STOPPED', 0]);
    },
  );
});
