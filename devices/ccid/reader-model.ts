import { latin1 } from '../../src/platform/bytes.ts';
import type { ContactCard } from '../iso7816/contact-card.ts';
import { ANSWER, answerTo, CCID_ERROR, type CcidMessage, COMMAND, type SlotStatus } from './messages.ts';
import { decodeParameters } from './parameters.ts';

/** What a reader does with commands; the line is another's business. */
export interface ReaderModelOptions {
  /** Text of the firmware query. */
  readonly firmware?: string;
  /** Error of the query for features (escape 6A), which this reader does not know. */
  readonly featureError?: number;
}

export interface InsertedCard {
  /** `undefined` for a card that gives no answer to reset. */
  readonly card: ContactCard | undefined;
}

const FIRMWARE = 'GemTwRC2-V2.10-GL04';
const NOTHING = new Uint8Array(0);
const DEFAULTS = [Uint8Array.of(0x11, 0, 0, 10, 0), Uint8Array.of(0x11, 0x10, 0, 0x4d, 0, 0x20, 0)] as const;

/** A reader with one slot, at TPDU level: it powers cards and passes TPDUs and blocks on. */
export class ReaderModel {
  readonly #firmware: Uint8Array;
  readonly #featureError: number;
  #inserted: InsertedCard | undefined;
  #active = false;
  #protocol = 0;
  #parameters: Uint8Array = DEFAULTS[0];
  /** Movements are told between echo and answer only. */
  #synchronous = false;
  #moved = false;

  constructor({ firmware = FIRMWARE, featureError = 0x0a }: ReaderModelOptions = {}) {
    this.#firmware = latin1(firmware);
    this.#featureError = featureError;
  }

  get synchronous(): boolean {
    return this.#synchronous;
  }

  get hasCard(): boolean {
    return this.#inserted !== undefined;
  }

  insert(inserted: InsertedCard): void {
    this.#takeOut();
    this.#inserted = inserted;
    this.#moved = true;
  }

  remove(): void {
    if (this.#inserted === undefined) return;
    this.#takeOut();
    this.#moved = true;
  }

  /** The movement that has not been told yet; asking tells it. @returns whether a card is there now */
  takeMovement(): boolean | undefined {
    if (!this.#moved) return undefined;
    this.#moved = false;
    return this.#inserted !== undefined;
  }

  /** Power and settings are as after switching on. */
  restart(): void {
    this.#powerOff();
    this.#synchronous = false;
    this.#moved = false;
  }

  /** Executes one command. */
  execute(command: CcidMessage): CcidMessage {
    switch (command.type) {
      case COMMAND.powerOn:
        return this.#powerOn(command);
      case COMMAND.powerOff:
        this.#powerOff();
        return this.#done(command, ANSWER.slotStatus);
      case COMMAND.slotStatus:
      case COMMAND.clock:
      case COMMAND.abort:
        return this.#done(command, ANSWER.slotStatus);
      case COMMAND.transfer:
        return this.#transfer(command);
      case COMMAND.getParameters:
        return this.#done(command, ANSWER.parameters, this.#parameters, this.#protocol);
      case COMMAND.resetParameters:
        this.#parameters = DEFAULTS[this.#protocol === 1 ? 1 : 0];
        return this.#done(command, ANSWER.parameters, this.#parameters, this.#protocol);
      case COMMAND.setParameters:
        return this.#setParameters(command);
      case COMMAND.escape:
        return this.#escape(command);
      default:
        return this.#failed(command, ANSWER.slotStatus, 0);
    }
  }

  #powerOn(command: CcidMessage): CcidMessage {
    this.#powerOff();
    const atr = this.#inserted?.card?.powerOn();
    if (atr === undefined || atr.length === 0) return this.#failed(command, ANSWER.data, CCID_ERROR.mute);
    this.#active = true;
    return this.#done(command, ANSWER.data, atr);
  }

  #transfer(command: CcidMessage): CcidMessage {
    const card = this.#inserted?.card;
    if (!this.#active || card === undefined) return this.#failed(command, ANSWER.data, CCID_ERROR.mute);
    const answer = card.exchange(command.data);
    if (answer === undefined) return this.#failed(command, ANSWER.data, CCID_ERROR.mute);
    return this.#done(command, ANSWER.data, answer);
  }

  #setParameters(command: CcidMessage): CcidMessage {
    const [protocol] = command.specific;
    if (decodeParameters(protocol, command.data) === undefined)
      return this.#failed(command, ANSWER.parameters, protocol > 1 ? 7 : 1);
    this.#protocol = protocol;
    this.#parameters = command.data;
    return this.#done(command, ANSWER.parameters, command.data, protocol);
  }

  #escape(command: CcidMessage): CcidMessage {
    const [first, second, third] = command.data;
    if (first === 0x02) return this.#done(command, ANSWER.escape, this.#firmware);
    if (first === 0x01 && second === 0x01) {
      this.#synchronous = third === 0x01;
      return this.#done(command, ANSWER.escape);
    }
    if (first === 0x1f && second === 0x01) return this.#done(command, ANSWER.escape);
    return this.#failed(command, ANSWER.escape, first === 0x6a ? this.#featureError : HEADER_ERROR);
  }

  #done(command: CcidMessage, type: number, data: Uint8Array = NOTHING, last = 0): CcidMessage {
    return answerTo(command, type, { card: this.#card, command: 'done', error: 0 }, data, last);
  }

  #failed(command: CcidMessage, type: number, error: number): CcidMessage {
    return answerTo(command, type, { card: this.#card, command: 'failed', error });
  }

  get #card(): SlotStatus['card'] {
    if (this.#inserted === undefined) return 'absent';
    return this.#active ? 'active' : 'inactive';
  }

  #takeOut(): void {
    this.#powerOff();
    this.#inserted = undefined;
  }

  #powerOff(): void {
    this.#inserted?.card?.powerOff();
    this.#active = false;
    this.#protocol = 0;
    this.#parameters = DEFAULTS[0];
  }
}

/** Offset of the first byte of an escape that this reader does not know. */
const HEADER_ERROR = 0x0a;
