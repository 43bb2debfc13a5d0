import { concat } from '../../src/platform/bytes.ts';
import { type CardParameters, cardParameters } from './atr-parameters.ts';
import { parseAtr } from './atr-structure.ts';
import { answerPps, readPps } from './pps.ts';
import { T0Card, type T0CardSettings } from './t0-card.ts';
import { T0CardCharacters, type T0CharacterSettings } from './t0-card-characters.ts';
import { missingOfBlock } from './t1-block.ts';
import { T1Card, type T1CardSettings } from './t1-card.ts';

/** The chip behind the contacts: an emulated card's contact face fits. */
export interface ContactChip {
  readonly answerToReset: Uint8Array;
  reset(): void;
  respond(command: Uint8Array): Uint8Array;
}

export interface ContactCardSettings {
  readonly t0?: Pick<T0CardSettings, 'isCase4'> & Omit<T0CharacterSettings, 'exchange'>;
  readonly t1?: Pick<T1CardSettings, 'check' | 'extensions' | 'maxCommand'>;
}

const NOTHING = new Uint8Array(0);
const PPSS = 0xff;

/**
 * A card with contacts, as readers and their simulators drive it: power, answer to reset, protocol selection, then
 * T=0 or T=1. One that is not powered, or whose answer to reset is no such thing, says nothing but that answer.
 */
export class ContactCard {
  readonly #chip: ContactChip;
  readonly #parameters: CardParameters | undefined;
  readonly #t0: T0Card;
  readonly #t0Characters: T0CardCharacters;
  readonly #settings: ContactCardSettings;
  #t1: T1Card;
  #powered = false;
  #protocol = 0;
  /** True until the first command: only then may a protocol be selected. */
  #selectable = false;
  #buffer: Uint8Array = NOTHING;

  constructor(chip: ContactChip, settings: ContactCardSettings = {}) {
    const parsed = parseAtr(chip.answerToReset);
    const respond = (command: Uint8Array) => chip.respond(command);
    this.#chip = chip;
    this.#settings = settings;
    this.#parameters = parsed.ok ? cardParameters(parsed.atr) : undefined;
    this.#t0 = new T0Card({ ...settings.t0, respond });
    const exchange = (tpdu: Uint8Array) => this.#t0.exchange(tpdu);
    this.#t0Characters = new T0CardCharacters({ ...settings.t0, exchange });
    this.#t1 = this.#freshT1();
  }

  /** The protocol in use: 0 or 1. */
  get protocol(): number {
    return this.#protocol;
  }

  /** Cold or warm reset. @returns the answer to it */
  powerOn(): Uint8Array {
    this.#chip.reset();
    this.#t0.reset();
    this.#t0Characters.reset();
    this.#t1 = this.#freshT1();
    this.#buffer = NOTHING;
    this.#powered = true;
    this.#protocol = this.#parameters?.specificMode?.protocol ?? this.#parameters?.firstProtocol ?? 0;
    this.#selectable = this.#parameters !== undefined && this.#parameters.specificMode === undefined;
    return this.#chip.answerToReset;
  }

  powerOff(): void {
    this.#powered = false;
  }

  /**
   * One protocol selection, T=0 TPDU or T=1 block, as readers that work in these units pass it on.
   * @returns `undefined` when the card says nothing
   */
  exchange(bytes: Uint8Array): Uint8Array | undefined {
    if (!this.#powered || this.#parameters === undefined) return undefined;
    if (this.#selectable && bytes[0] === PPSS) return this.#select(bytes);
    this.#selectable = false;
    if (this.#protocol === 1) return this.#t1.take(bytes);
    const answer = this.#t0.exchange(bytes);
    return answer.length < 2 ? undefined : answer;
  }

  /** Characters as they arrive, in pieces of any size. @returns what the card says to them */
  take(bytes: Uint8Array): Uint8Array {
    if (!this.#powered || this.#parameters === undefined) return NOTHING;
    if (this.#selectable && (this.#buffer.length > 0 || bytes[0] === PPSS))
      return this.#selectInPieces(bytes);
    this.#selectable = false;
    if (this.#protocol === 0) return this.#t0Characters.take(bytes);
    this.#buffer = concat(this.#buffer, bytes);
    if (missingOfBlock(this.#buffer, this.#settings.t1?.check ?? this.#parameters.t1.check) > 0)
      return NOTHING;
    const block = this.#buffer;
    this.#buffer = NOTHING;
    return this.#t1.take(block) ?? NOTHING;
  }

  /** The terminal broke off for longer than the character waiting time. @returns what the card says to that */
  silence(): Uint8Array {
    if (this.#buffer.length === 0) return NOTHING;
    this.#buffer = NOTHING;
    return this.#protocol === 1 && !this.#selectable ? (this.#t1.take(undefined) ?? NOTHING) : NOTHING;
  }

  #selectInPieces(bytes: Uint8Array): Uint8Array {
    this.#buffer = concat(this.#buffer, bytes);
    if (readPps(this.#buffer).kind === 'incomplete') return NOTHING;
    const request = this.#buffer;
    this.#buffer = NOTHING;
    return this.#select(request) ?? NOTHING;
  }

  #select(request: Uint8Array): Uint8Array | undefined {
    const answer = this.#parameters && answerPps(this.#parameters, request);
    if (answer === undefined) return undefined;
    this.#selectable = false;
    this.#protocol = (answer[1] as number) & 15;
    return answer;
  }

  #freshT1(): T1Card {
    return new T1Card({
      check: this.#parameters?.t1.check ?? 'lrc',
      ...this.#settings.t1,
      respond: (command) => this.#chip.respond(command),
      fieldSize: this.#parameters?.t1.cardFieldSize ?? 32,
    });
  }
}
