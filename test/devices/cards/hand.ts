import type { CardFace, EmulatedCard } from '../../../devices/cards/card.ts';
import { createCard, loadCard } from '../../../devices/cards/load.ts';
import type { CardFile } from '../../../devices/cards/schema.ts';
import { concat, fromHex, toHex } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import { findTlvDeep, parseTlv, type Tlv } from '../../../src/tlv/ber.ts';
import { buildDol } from '../../../src/tlv/dol.ts';

/** Path of a shipped card file. */
export const cardPath = (name: string): string =>
  new URL(`../../../emv-fixtures/cards/${name}.yaml`, import.meta.url).pathname;

/** Drives one interface of a card by hand and collects what it says. */
export class Hand {
  readonly file: CardFile;
  readonly card: EmulatedCard;
  readonly face: CardFace;
  /** Objects of card and terminal. */
  readonly objects = new Map<number, Uint8Array>();
  sw = '';

  constructor(name: string | CardFile, on: 'contact' | 'contactless' = 'contact', seed = 'hand') {
    this.file = typeof name === 'string' ? loadCard(cardPath(name)) : name;
    this.card = createCard(this.file, { random: seededRandom(seed) });
    const face = this.card[on];
    if (face === undefined) throw new Error(`no ${on} interface`);
    this.face = face;
    for (const [tag, value] of TERMINAL) this.objects.set(tag, fromHex(value));
  }

  /** Sends a command in hex; keeps the objects of the answer and returns its data in hex. */
  send(command: string): string {
    const response = this.face.respond(fromHex(command));
    this.sw = toHex(response.subarray(-2));
    const data = response.subarray(0, -2);
    const parsed = parseTlv(data);
    if (parsed.ok) this.#collect(parsed.items);
    return toHex(data);
  }

  #collect(items: readonly Tlv[]): void {
    for (const { tag, value, children } of items) {
      if (children === undefined) this.objects.set(tag, value);
      else this.#collect(children);
    }
  }

  get(tag: number): Uint8Array | undefined {
    return this.objects.get(tag);
  }

  hex(tag: number): string | undefined {
    const value = this.objects.get(tag);
    return value && toHex(value);
  }

  set(tag: number, value: string): this {
    this.objects.set(tag, fromHex(value));
    return this;
  }

  select(aid: string, p2 = '00'): string {
    return this.send(`00A404${p2}${length(aid)}${aid}00`);
  }

  /** GET PROCESSING OPTIONS by the card's PDOL; format 1 is taken apart. */
  start(): string {
    const pdol = this.dolData(0x9f38);
    const answer = this.send(`80A80000${length(`83${length(pdol)}${pdol}`)}83${length(pdol)}${pdol}00`);
    if (answer.startsWith('80')) this.set(0x82, answer.slice(4, 8)).set(0x94, answer.slice(8));
    return answer;
  }

  /** Reads the records of the file locator; returns the signed ones and, by 9F4A, the AIP. */
  readRecords(): Uint8Array {
    const parts: Uint8Array[] = [];
    const afl = this.objects.get(0x94) ?? new Uint8Array(0);
    for (let i = 0; i < afl.length; i += 4) {
      const [sfi, first, last, signed] = afl.subarray(i, i + 4) as unknown as [
        number,
        number,
        number,
        number,
      ];
      for (let record = first; record <= last; record++) {
        const answer = fromHex(this.send(`00B2${byte(record)}${byte(sfi | 4)}00`));
        if (this.sw !== '9000') throw new Error(`record ${record}: ${this.sw}`);
        const parsed = parseTlv(answer);
        const value = parsed.ok ? parsed.items[0]?.value : undefined;
        if (record < first + signed && value !== undefined) parts.push(value);
      }
    }
    return concat(...parts, this.objects.get(0x82) ?? new Uint8Array(0));
  }

  /** GENERATE AC by CDOL1 (8C) or CDOL2 (8D). */
  generate(p1: string, cdol: 0x8c | 0x8d): string {
    const data = this.dolData(cdol);
    const answer = this.send(`80AE${p1}00${length(data)}${data}00`);
    if (answer.startsWith('80')) {
      this.set(0x9f27, answer.slice(4, 6)).set(0x9f36, answer.slice(6, 10)).set(0x9f26, answer.slice(10, 26));
      this.set(0x9f10, answer.slice(26));
    }
    return answer;
  }

  dolData(tag: number): string {
    const dol = this.objects.get(tag);
    if (dol === undefined) return '';
    const built = buildDol(dol, (wanted) => this.objects.get(wanted));
    if (!built.ok) throw new Error(built.message);
    return toHex(built.value);
  }

  /** SELECT to the end of reading: a contact transaction up to the first GENERATE AC. */
  prepare(aid: string): Uint8Array {
    this.select(aid);
    this.start();
    return this.readRecords();
  }
}

const TERMINAL: readonly (readonly [number, string])[] = [
  [0x9f02, '000000001234'],
  [0x9f03, '000000000000'],
  [0x9f1a, '0840'],
  [0x95, '0000008000'],
  [0x5f2a, '0840'],
  [0x9a, '261125'],
  [0x9c, '00'],
  [0x9f37, '01020304'],
  [0x9f35, '22'],
  [0x9f34, '020300'],
  [0x9f66, '36000080'],
];

export const byte = (value: number): string => toHex(Uint8Array.of(value));
export const length = (hex: string): string => byte(hex.length / 2);

/** The value of a tag anywhere in a hex string of objects. */
export function tagIn(hex: string, tag: number): string | undefined {
  const parsed = parseTlv(fromHex(hex));
  const found = parsed.ok ? findTlvDeep(parsed.items, tag) : undefined;
  return found && toHex(found.value);
}
