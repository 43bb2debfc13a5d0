import { describe, expect, it } from 'vitest';
import {
  type Answers,
  contactAnswers,
  cryptogram,
  EXTERNAL_AUTHENTICATE,
  GAC,
  GPO,
  options,
  READ,
  record,
  scriptedCard,
} from '../support/card.ts';
import { answered, config, run, type Setting } from '../support/world.ts';

const ARPC = '11223344556677883030';
const SCRIPT_71 = '71109F180400000001860784240000021122';
const SCRIPT_72 = '72109F180400000002860784160000021122';

async function play(answers: Answers, setting: Setting = {}) {
  const card = scriptedCard(contactAnswers(answers));
  const done = await run(card, setting);
  const gacs = card.commands.filter((hex) => hex.startsWith(GAC));
  return { ...done, card, gacs, p1: gacs.map((hex) => hex.slice(4, 6)), arc: done.get(0x8a) };
}

describe('the first GENERATE AC', () => {
  it.each([
    ['TC', '40', 'APPROVED_OFFLINE', '5931'],
    ['AAC', '00', 'DECLINED_OFFLINE', '5A31'],
  ])('%s ends offline', async (_, cid, code, arc) => {
    const done = await play({ [GAC]: cryptogram(cid) });
    expect([done.code, done.arc, done.p1, done.result.onlineSent]).toEqual([code, arc, ['40'], false]);
    expect(done.tsi).toBe('6000');
  });

  it('never raises what was asked for', async () => {
    const online = config({ tac: { online: '8000000000' } });
    const done = await play({ [GAC]: cryptogram('40') }, { config: online });
    expect([done.code, done.p1]).toEqual(['CARD_ERROR', ['80']]);
  });

  it('gives format 2 as well', async () => {
    const answer = '771E9F2701409F360200019F26081122334455667788 9F10030601039000'.replace(' ', '');
    const body = answer.slice(4, -4);
    const { code, get } = await play({ [GAC]: `77${(body.length / 2).toString(16)}${body}9000` });
    expect([code, get(0x9f26), get(0x9f10)]).toEqual(['APPROVED_OFFLINE', '1122334455667788', '060103']);
  });
});

describe('the issuer’s answer', () => {
  it.each([
    ['approves', answered('00', true), ['40', '40'], cryptogram('40'), 'APPROVED_ONLINE', '3030', false],
    [
      'approves, the card declines',
      answered('00', true),
      ['40', '40'],
      cryptogram('00'),
      'DECLINED_ONLINE',
      '3030',
      true,
    ],
    ['declines', answered('51', false), ['40', '00'], cryptogram('00'), 'DECLINED_ONLINE', '3531', false],
    [
      'declines, the card approves',
      answered('51', false),
      ['40', '00'],
      cryptogram('40'),
      'CARD_ERROR',
      '3531',
      false,
    ],
    [
      'approves, the card wants to go online again',
      answered('00', true),
      ['40', '40'],
      cryptogram('80'),
      'CARD_ERROR',
      '3030',
      true,
    ],
  ] as const)('%s', async (_, answer, p1, second, code, arc, reverse) => {
    const done = await play({ [GAC]: [cryptogram('80'), second] }, { answer });
    expect([done.code, done.p1, done.arc]).toEqual([code, p1, arc]);
    expect(done.result.hostApprovedCardDeclined).toBe(reverse);
  });

  it('may be lost after the request left: the card must not approve what will be reversed', async () => {
    const done = await play(
      { [GAC]: [cryptogram('80'), cryptogram('00')] },
      { answer: { kind: 'unable', requestLeft: true }, config: config({ tac: {} }) },
    );
    expect([done.code, done.p1[1], done.arc]).toEqual(['DECLINED_OFFLINE', '00', '5A33']);
  });

  it('may be a call', async () => {
    const answer = { ...answered('01', false), referral: true };
    const done = await play({ [GAC]: [cryptogram('80'), cryptogram('00')] }, { answer });
    expect([done.code, done.p1[1]]).toEqual(['REFERRED', '00']);
  });

  it.each([
    ['default allows it', {}, '40', 'APPROVED_OFFLINE', '5933'],
    ['default declines', { default: '8000000000' }, '00', 'DECLINED_OFFLINE', '5A33'],
  ])('may not come: %s', async (_, tac, p1, code, arc) => {
    const second = p1 === '40' ? cryptogram('40') : cryptogram('00');
    const done = await play(
      { [GAC]: [cryptogram('80'), second] },
      { answer: { kind: 'unable' }, config: config({ tac }) },
    );
    expect([done.code, done.p1[1], done.arc]).toEqual([code, p1, arc]);
    expect(done.gacs[1]?.slice(10, 14)).toBe(arc);
  });

  it('may not come, and the card declines', async () => {
    const done = await play({ [GAC]: [cryptogram('80'), cryptogram('00')] }, { answer: { kind: 'unable' } });
    expect([done.code, done.arc]).toEqual(['DECLINED_OFFLINE', '5A33']);
  });

  it('is not asked for by an offline-only terminal', async () => {
    const done = await play(
      { [GAC]: [cryptogram('80'), cryptogram('40')] },
      { config: config({}, { '9F35': '23' }) },
    );
    expect([done.code, done.requests.length]).toEqual(['APPROVED_OFFLINE', 0]);
  });
});

describe('issuer authentication', () => {
  const answer = answered('00', true, { 145: ARPC });

  it('by EXTERNAL AUTHENTICATE when the AIP asks for it', async () => {
    const done = await play({ [GPO]: options('1400'), [EXTERNAL_AUTHENTICATE]: '9000' }, { answer });
    expect(done.card.commands).toContain(`008200000A${ARPC}`);
    expect([done.tsi, done.tvr, done.code]).toEqual(['7000', '8000000000', 'APPROVED_ONLINE']);
  });

  it('that fails is in the TVR that the card sees', async () => {
    const done = await play({ [GPO]: options('1400'), [EXTERNAL_AUTHENTICATE]: '6300' }, { answer });
    expect(done.tvr).toBe('8000000040');
    expect(done.gacs[1]).toContain('8000000040');
  });

  it('in the second GENERATE AC otherwise', async () => {
    const done = await play({}, { answer });
    expect(done.card.commands.some((hex) => hex.startsWith(EXTERNAL_AUTHENTICATE))).toBe(false);
    expect(done.gacs[1]).toContain(ARPC);
    expect(done.tsi).toBe('6000');
  });
});

describe('issuer scripts', () => {
  const commands = (hex: readonly string[]) =>
    hex.map((c) => c.slice(0, 4)).filter((c) => /^(84|80AE)/.test(c));

  it('71 runs before the second GENERATE AC, 72 after it', async () => {
    const answer = answered('00', true, {}, [SCRIPT_72, SCRIPT_71]);
    const done = await play({ '8424': '9000', '8416': '6283' }, { answer });
    expect(commands(done.card.commands)).toEqual(['80AE', '8424', '80AE', '8416']);
    expect(done.get(0x9f5b)).toBe('20000000012000000002');
    expect([done.tvr, done.tsi]).toEqual(['8000000000', '6400']);
  });

  it('that fail raise a bit each and keep the outcome', async () => {
    const answer = answered('00', true, {}, [SCRIPT_71, SCRIPT_72]);
    const done = await play({ '8424': '6985', '8416': '6985' }, { answer });
    expect([done.tvr, done.code]).toEqual(['8000000030', 'APPROVED_ONLINE']);
    expect(done.get(0x9f5b)).toBe('11000000011100000002');
    expect(done.gacs[1]).toContain('8000000020');
  });

  it('stop at the first failing command', async () => {
    const three = '711E 8607 84240000021122 8607 84160000021122 8607 84180000021122'.replaceAll(' ', '');
    const script = `711B${three.slice(4)}`;
    const done = await play(
      { '8424': '9000', '8416': '6A80', '8418': '9000' },
      { answer: answered('00', true, {}, [script]) },
    );
    expect(commands(done.card.commands)).not.toContain('8418');
    expect(done.get(0x9f5b).slice(0, 2)).toBe('12');
  });

  it('that are malformed are not performed', async () => {
    const done = await play({}, { answer: answered('00', true, {}, ['71208606']) });
    expect([done.get(0x9f5b), done.tvr]).toEqual(['0000000000', '8000000020']);
  });

  it('during which the card leaves: after the TC the approval stands', async () => {
    const after = await play({ '8416': 'removed' }, { answer: answered('00', true, {}, [SCRIPT_72]) });
    expect([after.code, after.get(0x9f5b)]).toEqual(['APPROVED_ONLINE', '1100000002']);
    const before = await play(
      { '8424': 'removed', [GAC]: [cryptogram('80'), 'removed'] },
      { answer: answered('00', true, {}, [SCRIPT_71]) },
    );
    expect([before.code, before.result.hostApprovedCardDeclined]).toEqual(['CARD_ERROR', true]);
    expect(before.result.scriptResults?.length).toBe(5);
  });

  it('come as plain tags too', async () => {
    const answer = answered('00', true, { 114: SCRIPT_72.slice(4) });
    expect((await play({ '8416': '9000' }, { answer })).get(0x9f5b)).toBe('2000000002');
  });
});

describe('the unpredictable number', () => {
  it('is the fixed one first and a fresh one for each further command', async () => {
    const services = { fixedUnpredictableNumber: Uint8Array.of(1, 2, 3, 4) };
    const done = await play({ [READ]: record({ '8C': '9F3704', '8D': '8A029F3704' }) }, { services });
    const [first, second] = done.gacs;
    expect(first?.slice(10, 18)).toBe('01020304');
    expect(second?.slice(14, 22)).not.toBe('01020304');
  });
});

describe('a stop', () => {
  it.each([
    'selection',
    'gpo',
    'read',
    'oda',
    'restrictions',
    'cvm',
    'risk',
    'taa',
    'gac1',
    'online',
  ] as const)('after %s', async (until) => {
    const done = await play({}, { services: { until } });
    expect(done.code).toBe('STOPPED');
    expect(done.requests.length).toBe(until === 'online' ? 1 : 0);
  });

  it('by the caller ends as CANCELLED', async () => {
    const abort = new AbortController();
    abort.abort();
    const done = await play({}, { services: { signal: abort.signal } });
    expect(done.code).toBe('CANCELLED');
  });
});
