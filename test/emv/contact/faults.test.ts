import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { encodeTlv } from '../../../src/tlv/ber.ts';
import {
  AID,
  type Answers,
  contactAnswers,
  cryptogram,
  fci,
  GAC,
  GPO,
  options,
  PAN,
  READ,
  RECORD,
  record,
  SELECT_PSE,
  scriptedCard,
  select,
  TRACK2,
  template,
} from '../support/card.ts';
import { run } from '../support/world.ts';

/** A record whose objects are given as pairs, so that one may stand there twice. */
function rawRecord(pairs: readonly (readonly [string, string])[]): string {
  const parts = pairs.map(([tag, value]) => encodeTlv(Number.parseInt(tag, 16), fromHex(value)));
  return `${toHex(encodeTlv(0x70, parts))}9000`;
}
const pairs = Object.entries(RECORD);
const nested = (depth: number): string => {
  let bytes: Uint8Array = fromHex('9F7F00');
  for (let i = 0; i < depth; i++) bytes = encodeTlv(0x70, bytes);
  return `${toHex(bytes)}9000`;
};

const CARD_ERRORS: readonly (readonly [string, Answers])[] = [
  ['length beyond the end of a record', { [READ]: '7081105A089000' }],
  ['indefinite length', { [READ]: '70805A08476173900101011900009000' }],
  ['length of 2^63', { [READ]: '70888000000000000000009000' }],
  ['length of five bytes', { [READ]: '7085000000000000009000' }],
  ['tag of five bytes', { [READ]: '70079F81818181010000009000' }],
  ['unfinished tag', { [READ]: '70019F9000' }],
  ['5A twice', { [READ]: rawRecord([...pairs, ['5A', PAN]]) }],
  ['57 twice', { [READ]: rawRecord([...pairs, ['57', TRACK2]]) }],
  ['nesting of nine', { [READ]: nested(9) }],
  ['empty record', { [READ]: '70009000' }],
  ['record without a template', { [READ]: '5A0847617390010101199000' }],
  ['bytes FF between objects', { [READ]: '7004FFFF5A009000' }],
  ['no CDOL1', { [READ]: record({ '8C': undefined }) }],
  ['no CDOL2', { [READ]: record({ '8D': undefined }) }],
  ['no PAN', { [READ]: record({ '5A': undefined }) }],
  ['no expiry date', { [READ]: record({ '5F24': undefined }) }],
  ['month 13', { [READ]: record({ '5F24': '301331' }) }],
  ['CDOL1 of 253 bytes', { [READ]: record({ '8C': 'DF01FD' }) }],
  ['CDOL1 of 510 bytes', { [READ]: record({ '8C': 'DF01FFDF02FF' }) }],
  ['CDOL2 of 253 bytes', { [READ]: record({ '8D': 'DF01FD' }) }],
  ['CDOL2 of 510 bytes', { [READ]: record({ '8D': 'DF01FFDF02FF' }) }],
  ['unfinished CDOL2', { [READ]: record({ '8D': '8A029F' }) }],
  ['CDOL2 with a tag of five bytes', { [READ]: record({ '8D': '9F8181818101' }) }],
  ['unfinished CDOL1', { [READ]: record({ '8C': '9F02' }) }],
  ['PDOL of 510 bytes', { [select(AID)]: fci(AID, { '9F38': 'DF01FFDF02FF' }) }],
  ['AFL of five bytes', { [GPO]: options('1000', '0801010008') }],
  ['AFL with record 0', { [GPO]: options('1000', '08000100') }],
  ['AFL that ends before it begins', { [GPO]: options('1000', '08020100') }],
  ['AFL with more signed records than records', { [GPO]: options('1000', '08010102') }],
  ['AFL of file 0', { [GPO]: options('1000', '00010100') }],
  ['AFL of file 31', { [GPO]: options('1000', 'F8010100') }],
  ['AFL with the low bits set', { [GPO]: options('1000', '09010100') }],
  ['no AFL', { [GPO]: `${template('77', { '82': '1000' })}9000` }],
  ['no AIP', { [GPO]: `${template('77', { '94': '08010100' })}9000` }],
  ['GPO answer of another template', { [GPO]: '70068202100094009000' }],
  ['BCD with letters', { [READ]: record({ '9F42': '08A0' }) }],
  ['PAN with a wrong check digit', { [READ]: record({ '5A': '4761739001010118', '57': undefined }) }],
  ['PAN with F inside', { [READ]: record({ '5A': '4761F39001010119', '57': undefined }) }],
  ['PAN of 20 digits', { [READ]: record({ '5A': '47617390010101190000', '57': undefined }) }],
  ['track 2 without a separator', { [READ]: record({ '57': '476173900101011930122011' }) }],
  ['track 2 with two separators', { [READ]: record({ '57': '4761739001010119D3012D20' }) }],
  ['track 2 with F inside', { [READ]: record({ '57': '47617390F1010119D3012201' }) }],
  ['61xx without end', { [READ]: '6110', '00C0': '6110' }],
  ['6Cxx for ever', { [READ]: '6C10' }],
  ['answer of one byte', { [READ]: '90' }],
  ['answer of no byte', { [READ]: '' }],
  ['record not found', { [READ]: '6A83' }],
  ['odd CVM list', { [READ]: record({ '8E': '00000000000000001F' }) }],
  ['malformed GENERATE AC', { [GAC]: '80039000009000' }],
  ['GENERATE AC with a length beyond the end', { [GAC]: '77209F2701809000' }],
  ['GENERATE AC refused', { [GAC]: '6985' }],
  ['GENERATE AC without a cryptogram', { [GAC]: `${template('77', { '9F27': '80', '9F36': '0001' })}9000` }],
  ['reserved cryptogram type', { [GAC]: cryptogram('C0') }],
  ['malformed FCI', { [select(AID)]: '6F208407A00000000310109000' }],
  ['SELECT of one byte', { [select(AID)]: '6F' }],
];

describe('a malformed card ends as CARD_ERROR', () => {
  it.each(CARD_ERRORS)('%s', async (_, change) => {
    const { code, result } = await run(scriptedCard(contactAnswers(change)));
    expect(code).toBe('CARD_ERROR');
    expect(result.outcome.reason).not.toBe('');
    expect(result.hostApprovedCardDeclined).toBe(false);
    expect(result.onlineSent).toBe(false);
  });
});

describe('what a card may do', () => {
  it('zero bytes between objects', async () => {
    const body = fromHex(record().slice(0, -4));
    const parts = toHex(body).slice(4);
    const padded = `${toHex(encodeTlv(0x70, fromHex(`0000${parts}00`)))}9000`;
    expect((await run(scriptedCard(contactAnswers({ [READ]: padded })))).code).toBe('APPROVED_ONLINE');
  });

  it('ask for 252 bytes and for unknown objects', async () => {
    const card = scriptedCard(contactAnswers({ [READ]: record({ '8C': 'DF01F49F3704DF0204' }) }));
    await run(card);
    const command = card.commands.find((hex) => hex.startsWith(GAC)) ?? '';
    expect(command.slice(8, 10)).toBe('FC');
    expect(command).toHaveLength(2 * (5 + 252 + 1));
  });

  it('answer in pieces and correct Le', async () => {
    const whole = record().slice(0, -4);
    const card = scriptedCard(
      contactAnswers({
        [READ]: '6C20',
        '00B2010C20': `${whole.slice(0, 40)}6110`,
        '00C0000010': [`${whole.slice(40, 60)}6120`],
        '00C0000020': `${whole.slice(60)}9000`,
      }),
    );
    expect((await run(card)).code).toBe('APPROVED_ONLINE');
  });

  it('refuse GPO: the next application is tried', async () => {
    const other = `${AID}01`;
    const first = fci(`${AID}00`);
    const card = scriptedCard(
      contactAnswers({
        [select(AID)]: first,
        [`00A4040207${AID}`]: [fci(other), '6A82'],
        [select(`${AID}00`)]: first,
        [select(other)]: fci(other),
        [GPO]: ['6985', options()],
      }),
    );
    const { code, result } = await run(card);
    expect(code).toBe('APPROVED_ONLINE');
    expect(toHex(result.aid ?? new Uint8Array(0))).toBe(other);
  });

  it('refuse GPO of its only application', async () => {
    expect((await run(scriptedCard(contactAnswers({ [GPO]: '6985' })))).code).toBe('NOT_ACCEPTED');
  });

  it('list 200 applications, each twice', async () => {
    const entry = (n: number) =>
      template('61', { '4F': `${AID}${n.toString(16).padStart(4, '0')}`, '50': '41' });
    const answers: Record<string, string> = {
      [SELECT_PSE]: `${toHex(
        encodeTlv(0x6f, [
          encodeTlv(0x84, fromHex('315041592E5359532E4444463031')),
          encodeTlv(0xa5, fromHex('880101')),
        ]),
      )}9000`,
    };
    for (let i = 0; i < 40; i++) {
      const entries = [0, 1, 2, 3, 4].flatMap((n) => [entry(5 * i + n), entry(5 * i + n)]).join('');
      const number = (i + 1).toString(16).padStart(2, '0').toUpperCase();
      answers[`00B2${number}0C`] = `${toHex(encodeTlv(0x70, fromHex(entries)))}9000`;
    }
    answers['00B2290C'] = '6A83';
    const { result } = await run(scriptedCard({ ...contactAnswers(), ...answers }), {
      services: { until: 'selection' },
    });
    expect(result.candidates).toHaveLength(61);
    expect(new Set(result.candidates.map((c) => toHex(c.aid))).size).toBe(61);
  });
});

describe('a card that is removed', () => {
  it('never leaves an approval behind, and marks the host approval for reversal', async () => {
    const whole = scriptedCard(contactAnswers());
    await run(whole);
    for (let cut = 0; cut < whole.commands.length; cut++) {
      const card = scriptedCard(contactAnswers());
      let sent = 0;
      const torn = {
        ...card,
        transmit: async (command: Uint8Array, signal: AbortSignal) =>
          sent++ === cut ? ({ kind: 'fault', fault: 'removed' } as const) : card.transmit(command, signal),
      };
      const { code, result } = await run(torn);
      expect(code).toBe('CARD_ERROR');
      expect(result.hostApprovedCardDeclined).toBe(result.onlineSent);
    }
  });

  it('between the GENERATE ACs, and another one put in its place', async () => {
    const card = scriptedCard(contactAnswers({ [GAC]: [cryptogram('80'), cryptogram('40', '0099')] }));
    const { code, result } = await run(card);
    expect(code).toBe('DECLINED_ONLINE');
    expect(result.hostApprovedCardDeclined).toBe(true);
  });
});

describe('a card that contradicts itself', () => {
  it.each([
    ['in the PAN', { '57': '4761739001010010D30122011143804400000F' }],
    ['in the expiry date', { '57': `${PAN}D29122011143804400000F` }],
  ])('%s is declined before cardholder verification', async (_, change) => {
    const { code, get } = await run(scriptedCard(contactAnswers({ [READ]: record(change) })));
    expect(code).toBe('DECLINED_OFFLINE');
    expect(get(0x9f34)).toBe('');
  });
});

describe('random bytes', () => {
  it('in place of any answer give an outcome', async () => {
    let state = 12345;
    const random = () => {
      state = (state * 1103515245 + 12345) & 0x7fffffff;
      return state >> 8;
    };
    for (let trial = 0; trial < 300; trial++) {
      const answers = contactAnswers();
      const keys = Object.keys(answers);
      const key = keys[random() % keys.length] ?? GAC;
      const old = fromHex([answers[key]].flat()[0] ?? '');
      for (let i = 0; i < 3; i++) old[random() % old.length] = random() & 0xff;
      const { code } = await run(scriptedCard({ ...answers, [key]: toHex(old) }));
      expect(code).toMatch(/^[A-Z_]+$/);
    }
  });
});
