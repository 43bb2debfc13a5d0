import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../src/emv/transaction.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { encodeTlv } from '../../../src/tlv/ber.ts';
import {
  AID,
  type Answers,
  contactAnswers,
  fci,
  GPO,
  options,
  SELECT_PSE,
  scriptedCard,
  select,
  template,
} from '../support/card.ts';
import { config, run, type Setting } from '../support/world.ts';

const PSE = `${toHex(
  encodeTlv(0x6f, [
    encodeTlv(0x84, fromHex('315041592E5359532E4444463031')),
    encodeTlv(0xa5, fromHex('880101')),
  ]),
)}9000`;
const MC = 'A0000000041010';

function directory(...entries: string[]): Answers {
  return {
    [SELECT_PSE]: PSE,
    '00B2010C': `${toHex(encodeTlv(0x70, fromHex(entries.join(''))))}9000`,
    '00B2020C': '6A83',
  };
}
const entry = (aid: string, priority: string, label = '41') =>
  template('61', { '4F': aid, '50': label, '87': priority });

const both = config({}, {}, { aids: [{ aid: AID }, { aid: MC }] });

async function choose(answers: Answers, setting: Setting = {}) {
  const card = scriptedCard({ [SELECT_PSE]: '6A82', ...answers });
  const { services, ...rest } = setting;
  const done = await run(card, { config: both, ...rest, services: { until: 'selection', ...services } });
  return {
    ...done,
    card,
    aids: done.result.candidates.map(({ aid }) => toHex(aid)),
    chosen: toHex(done.result.aid ?? new Uint8Array(0)),
  };
}

describe('the candidate list', () => {
  it('comes from the directory, best priority first, those without one last', async () => {
    const { aids, chosen } = await choose({
      ...directory(entry(AID, '00'), entry(MC, '02'), entry(`${AID}01`, '01')),
      [select(`${AID}01`)]: fci(`${AID}01`),
    });
    expect(aids).toEqual([`${AID}01`, MC, AID]);
    expect(chosen).toBe(`${AID}01`);
  });

  it('comes from the list of AIDs when there is no directory', async () => {
    const { aids, card } = await choose({ [select(MC)]: fci(MC) });
    expect(aids).toEqual([MC]);
    expect(card.commands.slice(0, 3)).toEqual([`${SELECT_PSE}00`, `${select(AID)}00`, `${select(MC)}00`]);
  });

  it.each([
    ['is blocked', { [SELECT_PSE]: '6283' }],
    ['is malformed', { [SELECT_PSE]: '6F0384019000' }],
    ['cannot be read', { [SELECT_PSE]: PSE, '00B2010C': '6985' }],
    ['holds no template', { [SELECT_PSE]: PSE, '00B2010C': '61009000' }],
    ['has nothing in common', directory(entry('A0000000099999', '01'))],
  ])('comes from the list of AIDs when the directory %s', async (_, answers) => {
    const { aids } = await choose({ ...answers, [select(AID)]: fci() });
    expect(aids).toEqual([AID]);
  });

  it('takes further occurrences of a partial name until the card has no more', async () => {
    const { aids, card } = await choose({
      [select(AID)]: fci(`${AID}01`),
      [`00A4040207${AID}`]: [fci(`${AID}02`), fci(`${AID}01`)],
      [select(`${AID}01`)]: fci(`${AID}01`),
    });
    expect(aids).toEqual([`${AID}01`, `${AID}02`]);
    expect(card.commands.filter((c) => c.startsWith('00A40402'))).toHaveLength(2);
  });

  it('leaves out a longer name where only the exact one counts', async () => {
    const exact = config({ match: 'exact' });
    const { code } = await choose({ [select(AID)]: fci(`${AID}01`) }, { config: exact });
    expect(code).toBe('NOT_ACCEPTED');
    const listed = await choose(directory(entry(`${AID}01`, '01')), { config: exact });
    expect(listed.code).toBe('NOT_ACCEPTED');
  });

  it('leaves out applications that are for contactless only', async () => {
    const { code } = await choose({ [select(AID)]: fci() }, { config: config({ contact: false }) });
    expect(code).toBe('NOT_ACCEPTED');
  });

  it('shows the preferred name only in a code table of the terminal', async () => {
    const named = (table: string) =>
      template('61', { '4F': AID, '50': '41', '9F12': '42', '9F11': table, '87': '01' });
    const labels = async (table: string) =>
      (await choose({ ...directory(named(table)), [select(AID)]: fci() })).result.candidates[0]?.label;
    expect(await labels('01')).toBe('B');
    expect(await labels('07')).toBe('A');
  });
});

describe('the choice', () => {
  const two = {
    ...directory(entry(AID, '01'), entry(MC, '02')),
    [select(AID)]: fci(),
    [select(MC)]: fci(MC),
  };

  it('is the cardholder’s where several are in common', async () => {
    expect((await choose(two, { services: { chooseApplication: async () => 1 } })).chosen).toBe(MC);
  });

  it('may be cancelled', async () => {
    const { code } = await choose(two, { services: { chooseApplication: async () => undefined } });
    expect(code).toBe('CANCELLED');
  });

  it('is the best application on a terminal that does not ask', async () => {
    const silent = config(
      {},
      {},
      { aids: [{ aid: AID }, { aid: MC }], selection: { cardholderChoice: false } },
    );
    expect((await choose(two, { config: silent })).chosen).toBe(AID);
    const confirm = { ...two, ...directory(entry(AID, '81'), entry(MC, '02')) };
    expect((await choose(confirm, { config: silent })).chosen).toBe(MC);
    const only = { ...two, ...directory(entry(AID, '81')) };
    expect((await choose(only, { config: silent })).code).toBe('NOT_ACCEPTED');
  });

  it('is asked for a single application that wants a confirmation', async () => {
    let asked = 0;
    const services = { chooseApplication: async () => asked++ };
    const { chosen } = await choose({ ...two, ...directory(entry(AID, '81')) }, { services });
    expect([asked, chosen]).toEqual([1, AID]);
  });

  it('goes on with the rest when the card refuses the chosen one', async () => {
    const { chosen } = await choose({ ...two, [select(AID)]: '6283' });
    expect(chosen).toBe(MC);
  });
});

/** Book 1, section 12.4; Book 3, section 10.1: an application that is refused leaves the list of candidates. */
describe('a refused application', () => {
  const two = {
    ...directory(entry(AID, '01'), entry(MC, '02')),
    [select(AID)]: fci(),
    [select(MC)]: fci(MC),
    [GPO]: options(),
  };
  const SELECT_REFUSED = { [select(AID)]: '6A82' };
  const GPO_REFUSED = { [GPO]: ['6985', options()] };
  const noChoice = config(
    {},
    {},
    { aids: [{ aid: AID }, { aid: MC }], selection: { cardholderChoice: false } },
  );
  /** Chooses by AID, as often as it is asked. */
  const wanting = (...wanted: string[]) => {
    const lists: string[][] = [];
    const chooseApplication = async (candidates: readonly Candidate[]) => {
      const aids = candidates.map(({ aid }) => toHex(aid));
      lists.push(aids);
      const index = aids.indexOf(wanted.shift() ?? '');
      return index < 0 ? undefined : index;
    };
    return { lists, services: { chooseApplication, until: 'gpo' as const } };
  };

  it.each([
    ['at SELECT', SELECT_REFUSED],
    ['at GET PROCESSING OPTIONS', GPO_REFUSED],
  ])('%s gives way to the next one by itself on a terminal without a choice', async (_, refusal) => {
    const done = await choose({ ...two, ...refusal }, { config: noChoice, services: { until: 'gpo' } });
    expect([done.code, done.chosen]).toEqual(['STOPPED', MC]);
  });

  it.each([
    ['at SELECT', SELECT_REFUSED],
    ['at GET PROCESSING OPTIONS', GPO_REFUSED],
  ])('%s that the cardholder chose: the other one needs a confirmation', async (_, refusal) => {
    const { lists, services } = wanting(AID, MC);
    const done = await choose({ ...two, ...refusal }, { services });
    expect([done.code, done.chosen, lists]).toEqual(['STOPPED', MC, [[AID, MC], [MC]]]);
  });

  it.each([
    ['at SELECT', SELECT_REFUSED],
    ['at GET PROCESSING OPTIONS', GPO_REFUSED],
  ])('%s, and no other one is chosen: another application has to be tried', async (_, refusal) => {
    const { lists, services } = wanting(AID);
    const done = await choose({ ...two, ...refusal }, { services });
    expect([done.code, lists]).toEqual(['TRY_ANOTHER_APPLICATION', [[AID, MC], [MC]]]);
    expect([done.result.onlineSent, done.result.fallbackAllowed]).toEqual([false, false]);
  });

  it.each([
    ['SELECT', { [select(AID)]: '6A82', [select(MC)]: '6A82' }],
    ['GET PROCESSING OPTIONS', { [GPO]: '6985' }],
  ])('by %s, like all others: the card is not accepted', async (_, refusal) => {
    const { services } = wanting(AID, MC);
    expect((await choose({ ...two, ...refusal }, { services })).code).toBe('NOT_ACCEPTED');
    const silent = await choose({ ...two, ...refusal }, { config: noChoice, services: { until: 'gpo' } });
    expect(silent.code).toBe('NOT_ACCEPTED');
  });

  it('is not looked for when the cardholder chooses none at all', async () => {
    const { services } = wanting('');
    expect((await choose(two, { services })).code).toBe('CANCELLED');
  });
});

describe('blocked', () => {
  it('card', async () => {
    expect((await choose({ [SELECT_PSE]: '6A81' })).code).toBe('CARD_BLOCKED');
    expect((await choose({ [select(AID)]: '6A81' })).code).toBe('CARD_BLOCKED');
  });

  it('application', async () => {
    const { code, result } = await choose({ [select(AID)]: `${fci().slice(0, -4)}6283` });
    expect(code).toBe('NOT_ACCEPTED');
    expect(result.outcome.reason).toContain('blocked');
    expect(result.fallbackAllowed).toBe(false);
  });
});

describe('fallback to the stripe', () => {
  it('is allowed when the chip fails before it was read, not after', async () => {
    const early = await run(scriptedCard({ [SELECT_PSE]: 'removed' }));
    expect([early.code, early.result.fallbackAllowed]).toEqual(['CARD_ERROR', true]);
    const late = await run(scriptedCard(contactAnswers({ '80AE': 'removed' })));
    expect([late.code, late.result.fallbackAllowed]).toEqual(['CARD_ERROR', false]);
  });
});
