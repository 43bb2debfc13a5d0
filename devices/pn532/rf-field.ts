import { concat } from '../../src/platform/bytes.ts';
import type { Random } from '../../src/platform/random.ts';
import type { CardFace, EmulatedCard } from '../cards/card.ts';
import type { CardType } from './commands.ts';

/** How a card is held into the field of a simulated chip. */
export interface TapOptions {
  /** Takes no APDUs: an access card, or one whose chip is dead. */
  readonly mute?: boolean;
  readonly type?: CardType;
  /** 4, 7 or 10 bytes; `random` gives another one after each loss of power, as telephones do. */
  readonly uid?: Uint8Array | 'random';
}

/** The card leaves at command `apdu` (from 0), or after so many bytes of commands and answers on the air. */
export type Tear = { readonly apdu: number; readonly when?: 'before' | 'after' } | { readonly byte: number };

/** What the air gave: a status code of the chip, and data when that is 0. */
export interface AirAnswer {
  readonly status: number;
  readonly data: Uint8Array;
}

interface Present {
  readonly face: CardFace;
  readonly ats: Uint8Array;
  readonly isMute: boolean;
  readonly type: CardType;
  readonly fixedUid: Uint8Array | undefined;
  uid: Uint8Array;
  /** Was addressed since the field came on. */
  wasActive: boolean;
}

const TIMEOUT = 0x01;
const NO_SUCH_TARGET = 0x27;
const NOTHING = new Uint8Array(0);
const SHORTEST_ATS = Uint8Array.of(1);
const FIRST_UID = [0x04, 0xa1, 0xb2];
const SENS_RES = [0x00, 0x04];
const SEL_RES_14443_4 = 0x20;
const SEL_RES_MUTE = 0x08;
/** Application data and protocol information: 106 kbit/s, ISO/IEC 14443-4, FWI 8. */
const ATQB_TAIL = [0x00, 0x00, 0x00, 0x00, 0x00, 0x81, 0x81];

/** The field of a simulated chip, and the cards in it. */
export class RfField {
  /** Cards that were addressed are found again only after a loss of power. */
  readonly #relistNeedsReset: boolean;
  readonly #random: Random;
  readonly #onChange: () => void;
  #cards: Present[] = [];
  #targets: Present[] = [];
  #isOn = false;
  #tear: Tear | undefined;
  #apdus = 0;
  #airBytes = 0;
  #tapped = 0;

  constructor(random: Random, relistNeedsReset: boolean, onChange: () => void) {
    this.#random = random;
    this.#relistNeedsReset = relistNeedsReset;
    this.#onChange = onChange;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  get cards(): number {
    return this.#cards.length;
  }

  get targets(): number {
    return this.#targets.length;
  }

  /** Commands that cards have executed so far. */
  executed = 0;

  put(card: EmulatedCard, { mute = false, type = 'A', uid }: TapOptions = {}): void {
    if (card.contactless === undefined) return;
    const fixedUid =
      uid === 'random' ? undefined : (uid ?? Uint8Array.of(...FIRST_UID, 0xc3 + this.#tapped++));
    const ats = card.contactless.answerToReset;
    this.#cards.push({
      face: card.contactless,
      ats: ats.length === 0 ? SHORTEST_ATS : ats,
      // A card whose ATS does not count itself rightly cannot be activated.
      isMute: mute || (ats.length > 0 && ats[0] !== ats.length),
      type,
      fixedUid,
      uid: fixedUid ?? this.#randomUid(),
      wasActive: false,
    });
    this.#onChange();
  }

  remove(): void {
    this.#cards = [];
    this.#onChange();
  }

  tear(tear: Tear): void {
    this.#tear = tear;
    this.#apdus = 0;
    this.#airBytes = 0;
  }

  switch(on: boolean): void {
    if (this.#isOn && !on) this.#losePower();
    this.#isOn = on;
  }

  /**
   * Activates up to `max` cards of a type; every earlier target is forgotten. The field comes on by itself.
   * @returns target data as InListPassiveTarget gives it, without the target numbers
   */
  list(type: CardType, max: number, wanted: Uint8Array, withAts: boolean): readonly Uint8Array[] {
    this.#isOn = true;
    this.#targets = this.#cards
      .filter((card) => card.type === type && !(card.wasActive && this.#relistNeedsReset))
      .filter((card) => wanted.length === 0 || endsWith(wanted, card.uid))
      .slice(0, max);
    return this.#targets.map((card) => {
      card.wasActive = true;
      card.face.reset();
      return type === 'A' ? targetA(card, withAts) : targetB(card);
    });
  }

  /** Is the active card still there? */
  isPresent(number = 1): boolean {
    const card = this.#targets[number - 1];
    return this.#isOn && card !== undefined && this.#cards.includes(card);
  }

  knows(number: number): boolean {
    return this.#targets[number - 1] !== undefined;
  }

  forget(number: number): void {
    if (number === 0) this.#targets = [];
    else this.#targets.splice(number - 1, 1);
  }

  /** One whole APDU and its answer. */
  exchange(number: number, command: Uint8Array): AirAnswer {
    const card = this.#targets[number - 1];
    if (card === undefined) return { status: NO_SUCH_TARGET, data: NOTHING };
    if (!this.isPresent(number) || card.isMute) return { status: TIMEOUT, data: NOTHING };
    const tear = this.#tear;
    const count = this.#apdus++;
    this.#airBytes += command.length;
    const tornBefore =
      tear !== undefined &&
      ('byte' in tear ? tear.byte < this.#airBytes : tear.apdu === count && tear.when !== 'after');
    if (tornBefore) return this.#torn();
    this.executed++;
    const data = card.face.respond(command);
    this.#airBytes += data.length;
    const tornAfter =
      tear !== undefined && ('byte' in tear ? tear.byte < this.#airBytes : tear.apdu === count);
    return tornAfter ? this.#torn() : { status: 0, data };
  }

  #torn(): AirAnswer {
    this.#tear = undefined;
    this.remove();
    return { status: TIMEOUT, data: NOTHING };
  }

  #losePower(): void {
    this.#targets = [];
    for (const card of this.#cards) {
      card.wasActive = false;
      card.uid = card.fixedUid ?? this.#randomUid();
    }
  }

  /** ISO/IEC 14443-3, section 6.5.4: 08 in front marks a random UID. */
  #randomUid(): Uint8Array {
    return concat(Uint8Array.of(0x08), this.#random.bytes(3));
  }
}

function targetA(card: Present, withAts: boolean): Uint8Array {
  const selRes = card.isMute ? SEL_RES_MUTE : SEL_RES_14443_4;
  const ats = withAts && !card.isMute ? card.ats : NOTHING;
  return concat(Uint8Array.of(...SENS_RES, selRes, card.uid.length), card.uid, ats);
}

function targetB(card: Present): Uint8Array {
  const attrib = card.isMute ? [0x00] : [0x01, 0x00];
  return concat(Uint8Array.of(0x50), card.uid.subarray(0, 4), Uint8Array.of(...ATQB_TAIL, ...attrib));
}

/** A longer UID is asked for with cascade tags in front. */
function endsWith(wanted: Uint8Array, uid: Uint8Array): boolean {
  const plain = wanted.filter((byte, i) => !(byte === 0x88 && i % 4 === 0));
  return plain.length === uid.length && plain.every((byte, i) => byte === uid[i]);
}
