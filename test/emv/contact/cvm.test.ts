import { describe, expect, it } from 'vitest';
import { contactAnswers, GET_DATA, READ, record, scriptedCard, VERIFY } from '../support/card.ts';
import { config, pins, run, type Setting } from '../support/world.ts';

const XY = '000013880000000A';

/** A transaction up to the CVM phase on a card with these rules. */
async function verify(rules: string, setting: Setting & { pin?: string[]; verify?: string | string[] } = {}) {
  const { pin = [], verify: sw = '9000', services, ...rest } = setting;
  const card = scriptedCard(
    contactAnswers({
      [READ]: record({ '8E': `${XY}${rules}`, '9F42': '0840' }),
      [VERIFY]: sw,
      [`${GET_DATA}9F17`]: '9F1701039000',
    }),
  );
  const done = await run(card, { ...rest, services: { pin: pins(...pin), until: 'cvm', ...services } });
  return {
    ...done,
    card,
    summary: [done.cvmResults, done.tvr.slice(4, 6), done.tsi.slice(0, 2), done.result.cvm],
  };
}

describe('CVM Results, TVR byte 3 and TSI', () => {
  it.each([
    ['no CVM', '1F00', {}, ['1F0002', '00', '40', 'none']],
    ['signature', '1E00', {}, ['1E0000', '00', '40', 'signature']],
    ['online PIN', '0200', { pin: ['entered'] }, ['020000', '04', '40', 'online-pin']],
    ['offline PIN', '0100', { pin: ['entered'] }, ['010002', '00', '40', 'offline-pin']],
    [
      'offline PIN and signature',
      '0300',
      { pin: ['entered'] },
      ['030000', '00', '40', 'offline-pin-and-signature'],
    ],
    ['fail CVM', '0000', {}, ['000001', '80', '40', 'failed']],
    ['unknown method, then none', '0A00', {}, ['3F0001', 'C0', '40', 'failed']],
    ['unknown method, then no CVM', '4A001F00', {}, ['1F0002', '40', '40', 'none']],
    ['unknown method that ends the list', '0A001F00', {}, ['3F0001', 'C0', '40', 'failed']],
    ['no condition holds', '1F04', {}, ['3F0001', '80', '40', 'failed']],
    ['unknown condition', '1F0A', {}, ['3F0001', '80', '40', 'failed']],
    [
      'bypassed online PIN, then signature',
      '42001E00',
      { pin: ['bypassed'] },
      ['1E0000', '08', '40', 'signature'],
    ],
    [
      'bypassed PIN counts for all PINs',
      '42004100 1F00',
      { pin: ['bypassed', 'entered'] },
      ['1F0002', '08', '40', 'none'],
    ],
    ['bypassed PIN that ends the list', '0200', { pin: ['bypassed'] }, ['020001', '88', '40', 'failed']],
    ['PIN pad that fails', '42001F00', { pin: ['unavailable'] }, ['1F0002', '10', '40', 'none']],
    ['enciphered offline PIN, no key', '44001F00', {}, ['1F0002', '00', '40', 'none']],
    ['enciphered offline PIN, no key, last rule', '0400', {}, ['040001', '80', '40', 'failed']],
    ['enciphered offline PIN and signature, no key', '45031F00', {}, ['1F0002', '00', '40', 'none']],
    ['amount under X', '1F06', {}, ['1F0602', '00', '40', 'none']],
    ['amount over X', '1F07', {}, ['3F0001', '80', '40', 'failed']],
    ['amount over Y', '1E09', {}, ['1E0900', '00', '40', 'signature']],
    ['not cash, not cashback', '1F02', {}, ['1F0202', '00', '40', 'none']],
    ['cashback', '1E05', { parameters: { otherMinor: 100 } }, ['1E0500', '00', '40', 'signature']],
    ['manual cash', '1E04', { parameters: { transactionType: 1 } }, ['1E0400', '00', '40', 'signature']],
    ['no rules', '', {}, ['3F0000', '00', '00', 'none']],
  ] as const)('%s', async (_, rules, setting, expected) => {
    const { summary } = await verify(rules.replace(' ', ''), {
      ...setting,
      pin: [...('pin' in setting ? setting.pin : [])],
    });
    expect(summary).toEqual(expected);
  });

  it('without the terminal’s support a PIN raises its bit, a signature does not', async () => {
    const poor = config({}, { '9F33': 'E00808' });
    expect((await verify('42001F00', { config: poor })).summary).toEqual(['1F0002', '10', '40', 'none']);
    expect((await verify('5E001F00', { config: poor })).summary).toEqual(['1F0002', '00', '40', 'none']);
    expect((await verify('42035E031F00', { config: poor })).summary).toEqual(['1F0002', '00', '40', 'none']);
    expect((await verify('44001F00', { config: poor })).summary).toEqual(['1F0002', '10', '40', 'none']);
    expect((await verify('45031F00', { config: poor })).summary).toEqual(['1F0002', '00', '40', 'none']);
  });

  it('a PIN with signature fails without its bit when only signatures are not supported', async () => {
    const noSignature = config({}, { '9F33': 'E0D808' });
    const { summary } = await verify('43001F00', { config: noSignature });
    expect(summary).toEqual(['1F0002', '00', '40', 'none']);
  });

  it('unattended cash', async () => {
    const atm = config({}, { '9F35': '14' });
    const setting = { config: atm, parameters: { transactionType: 1 }, pin: ['entered'] };
    expect((await verify('02011F00', setting)).summary[0]).toBe('020100');
    expect((await verify('02041F00', setting)).summary[0]).toBe('1F0002');
  });

  it('an amount in another currency than the card’s makes the amount conditions fail', async () => {
    const foreign = config({}, { '5F2A': '0978' });
    expect((await verify('1F06', { config: foreign })).summary[0]).toBe('3F0001');
  });

  it('an AIP without cardholder verification, and a promised list that is missing', async () => {
    const no = await run(scriptedCard(contactAnswers({ '80A8': '8006000008010100 9000'.replace(' ', '') })), {
      services: { until: 'cvm' },
    });
    expect([no.cvmResults, no.tsi]).toEqual(['3F0000', '0000']);
    const missing = await run(scriptedCard(contactAnswers({ [READ]: record({ '8E': undefined }) })), {
      services: { until: 'cvm' },
    });
    expect([missing.cvmResults, missing.tvr.slice(0, 2), missing.tsi]).toEqual(['3F0000', 'A0', '0000']);
  });
});

describe('offline PIN', () => {
  it('is asked again after a wrong one, until it is right', async () => {
    const { summary, card } = await verify('0100', { pin: ['entered', 'entered'], verify: ['63C2', '9000'] });
    expect(summary[0]).toBe('010002');
    expect(card.commands.filter((c) => c.startsWith(VERIFY))).toHaveLength(2);
  });

  it.each([
    ['the last try fails', ['63C1', '63C0']],
    ['the card says blocked', ['6983']],
    ['the card says so otherwise', ['6984']],
  ])('raises PIN Try Limit exceeded when %s', async (_, answers) => {
    const { summary } = await verify('0100', { pin: ['entered', 'entered', 'entered'], verify: answers });
    expect(summary).toEqual(['010001', 'A0', '40', 'failed']);
  });

  it('does not ask at all when the counter is zero', async () => {
    const card = scriptedCard(
      contactAnswers({ [READ]: record({ '8E': `${XY}41001E00` }), [`${GET_DATA}9F17`]: '9F1701009000' }),
    );
    const { tvr, cvmResults } = await run(card, { services: { pin: pins('entered'), until: 'cvm' } });
    expect([tvr.slice(4, 6), cvmResults]).toEqual(['20', '1E0000']);
    expect(card.commands.some((c) => c.startsWith(VERIFY))).toBe(false);
  });

  it('fails on another status word', async () => {
    expect((await verify('0100', { pin: ['entered'], verify: '6A80' })).summary[0]).toBe('010001');
  });

  it('ends when the counter does not fall', async () => {
    const { code } = await verify('0100', { pin: Array(20).fill('entered'), verify: '63C3' });
    expect(code).toBe('CARD_ERROR');
  });

  it.each(['cancelled', 'timeout'])('ends the transaction when it is %s', async (answer) => {
    expect((await verify('0100', { pin: [answer] })).code).toBe('CANCELLED');
    expect((await verify('0200', { pin: [answer] })).code).toBe('CANCELLED');
  });

  it('leaves no PIN in the record', async () => {
    const { record: kept } = await verify('0100', { pin: ['entered'] });
    const seen = kept.exchanges.find(({ command }) => command[1] === 0x20)?.command;
    expect(seen?.subarray(5).every((byte) => byte === 0xff)).toBe(true);
  });
});
