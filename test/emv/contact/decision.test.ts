import { describe, expect, it } from 'vitest';
import {
  type Answers,
  contactAnswers,
  cryptogram,
  GAC,
  GET_DATA,
  GPO,
  options,
  READ,
  record,
  scriptedCard,
} from '../support/card.ts';
import { config, run, type Setting } from '../support/world.ts';

const WITH_RISK = { [GPO]: options('1800') };

async function until(phase: 'restrictions' | 'risk', answers: Answers, setting: Setting = {}) {
  const { services, ...rest } = setting;
  return run(scriptedCard(contactAnswers(answers)), { ...rest, services: { until: phase, ...services } });
}

describe('processing restrictions', () => {
  const withAuc = (auc: string, country = '0840') => ({ [READ]: record({ '9F07': auc, '5F28': country }) });
  it.each([
    ['same versions', { [READ]: record({ '9F08': '0096' }) }, {}, '00'],
    ['other versions', { [READ]: record({ '9F08': '0097' }) }, {}, '80'],
    ['last day', { [READ]: record({ '5F24': '261121', '57': undefined }) }, {}, '00'],
    ['expired', { [READ]: record({ '5F24': '261120', '57': undefined }) }, {}, '40'],
    ['expired last century', { [READ]: record({ '5F24': '991231', '57': undefined }) }, {}, '40'],
    ['effective today', { [READ]: record({ '5F25': '261121' }) }, {}, '00'],
    ['effective tomorrow', { [READ]: record({ '5F25': '261122' }) }, {}, '20'],
    ['domestic goods', withAuc('2100'), {}, '00'],
    ['domestic services', withAuc('0900'), {}, '00'],
    ['international goods only', withAuc('1100'), {}, '10'],
    ['international goods abroad', withAuc('1100', '0978'), {}, '00'],
    ['ATMs only', withAuc('FE00'), {}, '10'],
    ['no cash', withAuc('2100'), { transactionType: 1 }, '10'],
    ['cash', withAuc('8100'), { transactionType: 1 }, '00'],
    ['no cashback', withAuc('2100'), { otherMinor: 100 }, '10'],
    ['cashback', withAuc('2180'), { transactionType: 9, otherMinor: 100 }, '00'],
    ['no country', { [READ]: record({ '9F07': '0100' }) }, {}, '00'],
  ])('%s', async (_, answers, parameters, byte2) => {
    const { tvr } = await until('restrictions', answers, { parameters });
    expect(tvr.slice(2, 4)).toBe(byte2);
  });
});

describe('terminal risk management', () => {
  it.each([
    [9999, 0, '00'],
    [10000, 0, '80'],
    [5000, 4999, '00'],
    [5000, 5000, '80'],
  ])('floor limit 10000: %i and %i before', async (amountMinor, earlier, byte4) => {
    const { tvr, tsi } = await until('risk', WITH_RISK, {
      parameters: { amountMinor },
      services: { recentAmountMinor: () => earlier },
    });
    expect([tvr.slice(6, 8), tsi]).toEqual([byte4, '4800']);
  });

  it('selects randomly, with a bias towards the floor limit', async () => {
    const setting = config({ randomSelection: { threshold: 2000, target: 20, maxTarget: 80 } });
    const drawn = (value: number, amountMinor: number) =>
      until('risk', WITH_RISK, {
        config: setting,
        parameters: { amountMinor },
        services: { random: { bytes: (n) => new Uint8Array(n), below: () => value - 1 } },
      }).then(({ tvr }) => tvr.slice(6, 8) === '10');
    expect([await drawn(20, 1000), await drawn(21, 1000)]).toEqual([true, false]);
    expect([await drawn(50, 6000), await drawn(51, 6000)]).toEqual([true, false]);
    expect([await drawn(79, 9999), await drawn(80, 9999)]).toEqual([true, false]);
  });

  it.each([
    ['within limits', '0005', '0003', '00', '00'],
    ['over the lower one', '0006', '0003', '00', '40'],
    ['over both', '0009', '0003', '00', '60'],
    ['never online', '0002', '0000', '08', '00'],
    ['counters that contradict', '0003', '0003', '00', '60'],
  ])('velocity: %s', async (_, atc, last, byte2, byte4) => {
    const { tvr } = await until('risk', {
      ...WITH_RISK,
      [READ]: record({ '9F14': '02', '9F23': '04' }),
      [`${GET_DATA}9F36`]: `9F3602${atc}9000`,
      [`${GET_DATA}9F13`]: `9F1302${last}9000`,
    });
    expect([tvr.slice(2, 4), tvr.slice(6, 8)]).toEqual([byte2, byte4]);
  });

  it('velocity: counters that the card does not give', async () => {
    const { tvr } = await until('risk', { ...WITH_RISK, [READ]: record({ '9F14': '02', '9F23': '04' }) });
    expect([tvr.slice(2, 4), tvr.slice(6, 8)]).toEqual(['00', '60']);
  });

  it('exception file and merchant count without the card’s wish', async () => {
    const { tvr, tsi } = await until(
      'risk',
      {},
      {
        parameters: { forceOnline: true },
        services: { onExceptionFile: () => true },
      },
    );
    expect([tvr, tsi]).toEqual(['9000000800', '4000']);
  });
});

describe('terminal action analysis', () => {
  async function requested(codes: Record<string, string | undefined>, tac = {}, type = '22') {
    const card = scriptedCard(
      contactAnswers({ [READ]: record(codes), [GAC]: [cryptogram('00'), cryptogram('00')] }),
    );
    await run(card, { config: config({ tac }, { '9F35': type }) });
    return card.commands.find((hex) => hex.startsWith(GAC))?.slice(4, 6);
  }
  const NOTHING = '0000000000';
  const ODA = '8000000000';

  it.each([
    ['nothing in common', {}, {}, '22', '40'],
    ['denial by the card', { '9F0E': ODA }, {}, '22', '00'],
    ['denial by the terminal', {}, { denial: ODA }, '22', '00'],
    ['online by the card', { '9F0F': ODA }, {}, '22', '80'],
    ['online by the terminal', {}, { online: ODA }, '22', '80'],
    [
      'no action codes on the card',
      { '9F0D': undefined, '9F0E': undefined, '9F0F': undefined },
      {},
      '22',
      '80',
    ],
    ['online-only terminal', {}, {}, '21', '80'],
    ['offline-only terminal', {}, { online: ODA }, '23', '40'],
    ['offline-only terminal, default', {}, { default: ODA }, '23', '00'],
    ['default does not matter with a line', { '9F0D': ODA, '9F0F': NOTHING }, {}, '22', '40'],
  ])('%s', async (_, codes, tac, type, p1) => expect(await requested(codes, tac, type)).toBe(p1));
});
