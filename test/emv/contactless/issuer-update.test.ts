import { describe, expect, it } from 'vitest';
import { issuerOf } from '../../../devices/cards/issuer.ts';
import { createCard, loadCard } from '../../../devices/cards/load.ts';
import type { OnlineAnswer } from '../../../src/emv/transaction.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import type { CardChannel } from '../../../src/ports/index.ts';
import { encodeTlv } from '../../../src/tlv/ber.ts';
import { AID, GPO, SELECT_PPSE, scriptedCard, select, TRACK2, template } from '../support/card.ts';
import { contactlessFci, directory } from '../support/tap.ts';
import { answered, config, run, type Setting } from '../support/world.ts';

/** EMV Contactless Book C-3: issuer update processing; Book B: second presentment. */

const ARPC = '112233445566778800820000';
const SCRIPT_71 = '71109F180411111111860784240000021122';
const SCRIPT_72 = '72109F180422222222860784160000021122';
const SCRIPTS = [SCRIPT_72, SCRIPT_71];

const gpo = (ctq: string, cid = '80') =>
  `${template('77', {
    '82': '2000',
    '57': TRACK2,
    '9F10': '06010A03A00000',
    '9F26': '1122334455667788',
    '9F27': cid,
    '9F36': '00F1',
    '9F6C': ctq,
  })}9000`;

const terminal = (ttq = '36008080') => config({ contactless: { kernel: 3, ttq, floorLimit: 5000 } });

interface Tap {
  readonly answers?: Readonly<Record<string, string | readonly string[]>>;
  readonly ctq?: string;
  readonly answer?: OnlineAnswer;
  readonly setting?: Setting;
}

/** One tap, and what the card that is presented again is sent. */
async function tap({ answers = {}, ctq = '0040', answer, setting = {} }: Tap) {
  const card = scriptedCard(
    {
      [SELECT_PPSE]: directory(AID),
      [select(AID)]: contactlessFci(AID),
      [GPO]: gpo(ctq),
      '0082': '9000',
      '8424': '9000',
      '8416': '9000',
      ...answers,
    },
    'contactless',
  );
  const done = await run(card, {
    config: terminal(),
    answer: answer ?? answered('00', true, { 145: ARPC }, SCRIPTS),
    ...setting,
  });
  const first = card.commands.findIndex((hex) => hex.startsWith(GPO));
  return { ...done, card, again: card.commands.slice(first + 1), results: done.get(0x9f5b) };
}

describe('issuer update', () => {
  it('selects without GPO, authenticates the issuer, then runs 71 before 72', async () => {
    const done = await tap({});
    expect(done.again).toEqual([
      `00A4040007${AID}00`,
      `008200000C${ARPC}`,
      '84240000021122',
      '84160000021122',
    ]);
    expect([done.code, done.results]).toEqual(['APPROVED_ONLINE', '20111111112022222222']);
    expect(toHex(done.result.scriptResults ?? new Uint8Array(0))).toBe('20111111112022222222');
    expect(done.get(0x91)).toBe(ARPC);
  });

  it.each([
    ['the reader', { setting: { config: terminal('36000080') } }],
    ['the card', { ctq: '0000' }],
    ['the issuer, who sent nothing', { answer: answered('00', true) }],
  ])('needs %s', async (_, change) => {
    const done = await tap(change);
    expect([done.code, done.again, done.results]).toEqual(['APPROVED_ONLINE', [], '']);
  });

  it('does not follow when the issuer cannot be reached', async () => {
    const done = await tap({ answer: { kind: 'unable' } });
    expect([done.code, done.again]).toEqual(['DECLINED_OFFLINE', []]);
  });

  it.each([
    ['declined', answered('05', false, { 145: ARPC }), 'DECLINED_ONLINE'],
    ['referred', { ...answered('01', false, { 145: ARPC }), referral: true }, 'REFERRED'],
  ])('follows a request that was %s, too', async (_, answer, code) => {
    const done = await tap({ answer });
    expect([done.code, done.again.length]).toEqual([code, 2]);
  });

  it('goes without EXTERNAL AUTHENTICATE when there is no tag 91', async () => {
    const done = await tap({ answer: answered('00', true, {}, [SCRIPT_71]) });
    expect([done.again.length, done.results]).toEqual([2, '2011111111']);
  });

  it.each([
    ['the issuer’s data are refused', { '0082': '6300' }, '20111111112022222222'],
    ['a script command fails', { '8424': '6985' }, '11111111112022222222'],
    ['the card leaves before the scripts', { '0082': 'removed' }, '00111111110022222222'],
    ['the card leaves in a script', { '8416': 'removed' }, '20111111111122222222'],
  ])('leaves the host’s decision as it is when %s', async (_, answers, results) => {
    const done = await tap({ answers });
    expect([done.code, done.results, done.tvr]).toEqual(['APPROVED_ONLINE', results, '0000000000']);
    expect(done.result.hostApprovedCardDeclined).toBe(false);
  });

  it('draws no second cryptogram', async () => {
    const done = await tap({});
    expect(done.card.commands.filter((hex) => hex.startsWith(GPO))).toHaveLength(1);
    expect(done.get(0x9f26)).toBe('1122334455667788');
  });
});

describe('the card that is presented again', () => {
  const again = (...channels: (CardChannel | undefined)[]) => {
    const asked: boolean[] = [];
    const presentAgain = async (refused: boolean) => {
      asked.push(refused);
      return channels.shift();
    };
    return { asked, setting: { services: { presentAgain } } };
  };
  const card = (answers: Readonly<Record<string, string>>) => scriptedCard(answers, 'contactless');
  const same = () => card({ [select(AID)]: contactlessFci(AID), '0082': '9000', '84': '9000' });

  it('may be a fresh activation', async () => {
    const second = same();
    const { asked, setting } = again(second);
    const done = await tap({ setting });
    expect([done.again, asked, second.commands.length]).toEqual([[], [false], 4]);
    expect(done.results).toBe('20111111112022222222');
  });

  it('may not come: the result stands, the scripts count as not performed', async () => {
    const { asked, setting } = again(undefined);
    const done = await tap({ setting });
    expect([done.code, asked, done.results]).toEqual(['APPROVED_ONLINE', [false], '00111111110022222222']);
  });

  it.each([
    ['does not know the application', card({})],
    ['says something else of it', card({ [select(AID)]: contactlessFci(AID, '9F66049F3704') })],
    ['is gone at once', card({ [select(AID)]: 'removed' })],
  ])('is refused when it %s, and the right one is asked for', async (_, other) => {
    const second = same();
    const { asked, setting } = again(other, second);
    const done = await tap({ setting });
    expect([asked, other.commands.length, second.commands.length]).toEqual([[false, true], 1, 4]);
    expect(done.code).toBe('APPROVED_ONLINE');
  });

  it('is given up after three others', async () => {
    const { asked, setting } = again(card({}), card({}), card({}), same());
    const done = await tap({ setting });
    expect([asked, done.code]).toEqual([[false, true, true], 'APPROVED_ONLINE']);
  });
});

describe('an emulated card', () => {
  const file = loadCard('emv-fixtures/cards/visa-contactless-update.yaml');
  const issuer = issuerOf(file);

  /** A tap whose issuer answers with 91 and a script that unblocks the application. */
  async function play(change: (data: Uint8Array) => Uint8Array, second?: CardChannel) {
    const card = createCard(file, { random: seededRandom(5) });
    const channel = (): CardChannel => {
      card.contactless?.reset();
      return {
        interface: 'contactless',
        answerToReset: new Uint8Array(0),
        transmit: async (command) => ({
          kind: 'response',
          response: card.contactless?.respond(command) ?? new Uint8Array(0),
        }),
        async release() {},
      };
    };
    const setting = buildSetting(change, () => second ?? channel());
    const done = await run(channel(), setting);
    const sw = done.record.exchanges
      .slice(-2)
      .map(({ command, response }) => [command[1], toHex(response.subarray(-2))]);
    return { done, sw, state: card.state().applications[AID] };
  }

  function buildSetting(change: (data: Uint8Array) => Uint8Array, present: () => CardChannel): Setting {
    return {
      config: terminal(),
      parameters: { amountMinor: 6000 },
      services: {
        presentAgain: async () => present(),
        authorise: async ({ data }) => {
          const object = (tag: number) => data.get(tag);
          const arpc = issuer?.authenticationData(object, { arc: '00', approved: true });
          const command = issuer?.scriptCommand(object, fromHex('84180000'), new Uint8Array(0));
          const script = encodeTlv(0x72, encodeTlv(0x86, command ?? new Uint8Array(0)));
          return answered('00', true, { 145: toHex(change(arpc ?? new Uint8Array(0))) }, [toHex(script)]);
        },
      },
    };
  }

  it('takes its issuer’s data at the second presentment and begins to count anew', async () => {
    const { done, sw, state } = await play((data) => data);
    expect([done.code, sw]).toEqual([
      'APPROVED_ONLINE',
      [
        [0x82, '9000'],
        [0x18, '9000'],
      ],
    ]);
    expect(state).toMatchObject({ atc: 2, lastOnlineAtc: 2, issuerAuthenticationFailed: false });
  });

  it('refuses another issuer’s data', async () => {
    const { sw, state } = await play((data) => data.map((byte) => byte ^ 1));
    expect(sw[0]).toEqual([0x82, '6300']);
    expect(state).toMatchObject({ lastOnlineAtc: 1, issuerAuthenticationFailed: true });
  });

  it('refuses them for a transaction of another card', async () => {
    const other = createCard(file, { random: seededRandom(6) }).contactless;
    const { sw, state } = await play((data) => data, {
      interface: 'contactless',
      answerToReset: new Uint8Array(0),
      transmit: async (command) => ({
        kind: 'response',
        response: other?.respond(command) ?? new Uint8Array(0),
      }),
      async release() {},
    });
    expect(sw).toEqual([
      [0x82, '6985'],
      [0x18, '6985'],
    ]);
    expect(state).toMatchObject({ lastOnlineAtc: 1 });
  });
});
