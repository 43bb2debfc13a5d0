import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { encodeTlv } from '../../../src/tlv/ber.ts';
import { template } from './card.ts';

const PDOL = '9F66049F02069F03069F1A0295055F2A029A039C019F3704';

/** The answer to SELECT PPSE of a card with one application. */
export const directory = (aid: string) => {
  const entry = fromHex(template('61', { '4F': aid, '87': '01' }));
  const name = encodeTlv(0x84, fromHex('325041592E5359532E4444463031'));
  return `${toHex(encodeTlv(0x6f, [name, encodeTlv(0xa5, encodeTlv(0xbf0c, entry))]))}9000`;
};

/** The answer to SELECT of a contactless application. */
export const contactlessFci = (aid: string, pdol = PDOL) => {
  const parts = [encodeTlv(0x84, fromHex(aid)), encodeTlv(0xa5, encodeTlv(0x9f38, fromHex(pdol)))];
  return `${toHex(encodeTlv(0x6f, parts))}9000`;
};
