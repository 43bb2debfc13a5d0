import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import type { CardChannel, Exchange } from '../../../src/ports/index.ts';
import { encodeTlv, tagFromHex } from '../../../src/tlv/ber.ts';

/** Answers of a card in hex, by the beginning of the command; `removed` stands for a card that is gone. */
export type Answers = Readonly<Record<string, string | readonly string[]>>;

/** A list of objects as one template. */
export function template(tag: string, objects: Readonly<Record<string, string>>): string {
  const children = Object.entries(objects).map(([name, value]) =>
    encodeTlv(tagFromHex(name), fromHex(value)),
  );
  return toHex(encodeTlv(tagFromHex(tag), children));
}

export interface ScriptedChannel extends CardChannel {
  /** Every command that was sent, in hex. */
  readonly commands: string[];
}

/**
 * A card made of answers: the longest matching beginning wins; a list is answered one after the other, its last
 * one for ever. Commands without an answer get 6D00.
 */
export function scriptedCard(
  answers: Answers,
  cardInterface: 'contact' | 'contactless' = 'contact',
): ScriptedChannel {
  const commands: string[] = [];
  const used = new Map<string, number>();
  return {
    interface: cardInterface,
    answerToReset: fromHex('3B00'),
    commands,
    async transmit(command): Promise<Exchange> {
      const hex = toHex(command);
      commands.push(hex);
      const key = Object.keys(answers)
        .filter((start) => hex.startsWith(start))
        .sort((a, b) => b.length - a.length)[0];
      const entry = key === undefined ? '6D00' : (answers[key] ?? '6D00');
      const list = typeof entry === 'string' ? [entry] : entry;
      const index = Math.min(used.get(key ?? '') ?? 0, list.length - 1);
      used.set(key ?? '', index + 1);
      const answer = list[index] ?? '6D00';
      if (answer === 'removed') return { kind: 'fault', fault: 'removed' };
      return { kind: 'response', response: fromHex(answer) };
    },
    async release() {},
  };
}

export const AID = 'A0000000031010';
export const PAN = '4761739001010119';
export const TRACK2 = `${PAN}D30122011143804400000F`;

export const SELECT_PSE = '00A404000E315041592E5359532E4444463031';
export const SELECT_PPSE = '00A404000E325041592E5359532E4444463031';
export const select = (aid: string) =>
  `00A40400${(aid.length / 2).toString(16).padStart(2, '0').toUpperCase()}${aid}`;
export const GPO = '80A8';
export const READ = '00B2010C';
export const GAC = '80AE';
export const VERIFY = '00200080';
export const EXTERNAL_AUTHENTICATE = '0082';
export const INTERNAL_AUTHENTICATE = '0088';
export const GET_DATA = '80CA';

export const CDOL1 = '9F02069F03069F1A0295055F2A029A039C019F37049F3403';
export const CDOL2 = `8A0291109505${CDOL1.slice(0, 12)}9F3704`;

/** The objects of a card that has everything a transaction needs, in its only record. */
export const RECORD: Readonly<Record<string, string>> = {
  '5A': PAN,
  '57': TRACK2,
  '5F24': '301231',
  '5F34': '01',
  '8C': CDOL1,
  '8D': CDOL2,
  '8E': '00000000000000001F00',
  '9F0D': '0000000000',
  '9F0E': '0000000000',
  '9F0F': '0000000000',
};

export const fci = (aid = AID, inner: Readonly<Record<string, string>> = { '50': '56495341' }) => {
  const proprietary = fromHex(template('A5', inner));
  return `${toHex(encodeTlv(0x6f, [encodeTlv(0x84, fromHex(aid)), proprietary]))}9000`;
};

/** Format 1 of GET PROCESSING OPTIONS: one record in file 1, not signed. */
export const options = (aip = '1000', afl = '08010100') =>
  `${toHex(encodeTlv(0x80, fromHex(aip + afl)))}9000`;

export const record = (change: Readonly<Record<string, string | undefined>> = {}) => {
  const objects: Record<string, string> = {};
  for (const [tag, value] of Object.entries({ ...RECORD, ...change })) {
    if (value !== undefined) objects[tag] = value;
  }
  return `${template('70', objects)}9000`;
};

/** Format 1 of GENERATE AC. */
export const cryptogram = (cid: string, atc = '0001') =>
  `${toHex(encodeTlv(0x80, fromHex(`${cid}${atc}112233445566778806010A03A0B80000`)))}9000`;

/** A whole contact card; single answers may be replaced. */
export function contactAnswers(change: Answers = {}): Answers {
  return {
    [SELECT_PSE]: '6A82',
    [select(AID)]: fci(),
    [GPO]: options(),
    [READ]: record(),
    [GAC]: [cryptogram('80'), cryptogram('40')],
    ...change,
  };
}
