import { concat } from '../../src/platform/bytes.ts';
import { type CardType, COMMAND, MAX_DATA, MORE } from './commands.ts';
import type { RfField } from './rf-field.ts';

/** The inside of a simulated PN532: what each command does and answers (UM0701-02, chapter 7). */

/** What the chip does after it has acknowledged a command. `data` follows the code of the answer. */
export type Plan =
  | { readonly kind: 'answer'; readonly data: Uint8Array }
  | { readonly kind: 'syntax-error' }
  /** Looks again at each change in the field, until `forMs` have passed; for ever when absent. */
  | {
      readonly kind: 'look';
      readonly look: () => Uint8Array | undefined;
      readonly forMs: number | undefined;
      readonly otherwise: Uint8Array;
    };

export interface ChipOptions {
  /** GetFirmwareVersion answers this. */
  readonly firmware: Uint8Array;
  /** One fruitless look for a card. */
  readonly lookMs: number;
}

const ENDLESS = 0xff;
const OK = 0x00;
const TIMEOUT = 0x01;
const OVERFLOW = 0x0e;
const BAD_PARAMETER = 0x10;
const NO_SUCH_TARGET = 0x27;
const AUTO_RATS = 0x10;
const NO_FRAME_ENDS = 0x40;
const POLL_PERIOD_MS = 150;
/** R(NAK) of ISO/IEC 14443-4, and the R(ACK) that a card gives. */
const R_NAK = 0xb2;
const R_ACK = 0xa3;
/** The longest APDU has 65,544 bytes. */
const MAX_PIECES = Math.ceil(65_544 / MAX_DATA);
const NONE = Uint8Array.of(0);
const SYNTAX_ERROR: Plan = { kind: 'syntax-error' };

export class Chip {
  readonly #field: RfField;
  readonly #options: ChipOptions;
  readonly #registers = new Map<number, number>();
  #parameters = AUTO_RATS;
  #maxRetries = ENDLESS;
  /** Pieces of a command that is not whole, and what is left of an answer. */
  #received: Uint8Array[] = [];
  #toSend: Uint8Array | undefined;

  constructor(field: RfField, options: ChipOptions) {
    this.#field = field;
    this.#options = options;
  }

  /** SetParameters may take the zeros round each frame away. */
  get sendsBareFrames(): boolean {
    return (this.#parameters & NO_FRAME_ENDS) !== 0;
  }

  /** Power-on: settings are at their defaults. */
  reset(): void {
    this.#field.switch(false);
    this.#registers.clear();
    this.#parameters = AUTO_RATS;
    this.#maxRetries = ENDLESS;
    this.#dropPieces();
  }

  /** @param payload command code and data */
  execute(payload: Uint8Array): Plan {
    const data = payload.subarray(1);
    switch (payload[0]) {
      case COMMAND.diagnose:
        return this.#diagnose(data);
      case COMMAND.getFirmwareVersion:
        return answer(...this.#options.firmware);
      case COMMAND.getGeneralStatus:
        return this.#generalStatus();
      case COMMAND.readRegister:
        return this.#readRegisters(data);
      case COMMAND.writeRegister:
        return this.#writeRegisters(data);
      case COMMAND.setParameters:
        return this.#setParameters(data);
      case COMMAND.setSerialBaudRate:
        return data.length === 1 && (data[0] as number) <= 8 ? answer() : SYNTAX_ERROR;
      case COMMAND.samConfiguration:
        return data.length >= 1 && data.length <= 3 ? answer() : SYNTAX_ERROR;
      case COMMAND.powerDown:
        return data.length >= 1 ? this.#powerDown() : SYNTAX_ERROR;
      case COMMAND.rfConfiguration:
        return this.#configureRf(data);
      default:
        return this.#withTarget(payload[0] as number, data);
    }
  }

  #withTarget(code: number, data: Uint8Array): Plan {
    switch (code) {
      case COMMAND.inListPassiveTarget:
        return this.#list(data);
      case COMMAND.inAutoPoll:
        return this.#autoPoll(data);
      case COMMAND.inDataExchange:
        return this.#exchange(data);
      case COMMAND.inCommunicateThru:
        return this.#communicate(data);
      case COMMAND.inDeselect:
      case COMMAND.inSelect:
      case COMMAND.inRelease:
        return this.#address(code, data);
      default:
        return SYNTAX_ERROR;
    }
  }

  #diagnose(data: Uint8Array): Plan {
    switch (data[0]) {
      case 0x00:
        return answer(...data);
      case 0x01:
      case 0x02:
        return answer(OK);
      case 0x06:
        return answer(this.#field.isPresent() ? OK : TIMEOUT);
      default:
        return SYNTAX_ERROR;
    }
  }

  #generalStatus(): Plan {
    const targets = Array.from({ length: this.#field.targets }, (_, i) => [i + 1, 0x00, 0x00, 0x00]).flat();
    return answer(OK, this.#field.isOn ? 1 : 0, this.#field.targets, ...targets, 0x00);
  }

  #readRegisters(data: Uint8Array): Plan {
    if (data.length === 0 || data.length % 2 !== 0) return SYNTAX_ERROR;
    const values = [];
    for (let i = 0; i < data.length; i += 2) values.push(this.#registers.get(address(data, i)) ?? 0);
    return answer(...values);
  }

  #writeRegisters(data: Uint8Array): Plan {
    if (data.length === 0 || data.length % 3 !== 0) return SYNTAX_ERROR;
    for (let i = 0; i < data.length; i += 3) this.#registers.set(address(data, i), data[i + 2] as number);
    return answer();
  }

  #setParameters(data: Uint8Array): Plan {
    if (data.length !== 1) return SYNTAX_ERROR;
    this.#parameters = data[0] as number;
    return answer();
  }

  #powerDown(): Plan {
    this.#field.switch(false);
    this.#dropPieces();
    return answer(OK);
  }

  #configureRf(data: Uint8Array): Plan {
    const [item, value] = data;
    if (item === undefined || value === undefined) return SYNTAX_ERROR;
    if (item === 0x01) {
      this.#field.switch((value & 1) !== 0);
      this.#dropPieces();
    }
    if (item === 0x05) {
      if (data.length !== 4) return SYNTAX_ERROR;
      this.#maxRetries = data[3] as number;
    }
    return answer();
  }

  #list(data: Uint8Array): Plan {
    const [max, baudRate] = data;
    if (max === undefined || baudRate === undefined || max < 1 || max > 2 || baudRate > 4)
      return SYNTAX_ERROR;
    this.#dropPieces();
    const type: CardType | undefined = baudRate === 0 ? 'A' : baudRate === 3 ? 'B' : undefined;
    const wanted = type === 'A' ? data.subarray(2) : new Uint8Array(0);
    const look = () => {
      const found = type === undefined ? [] : this.#found(type, max, wanted);
      return found.length === 0 ? undefined : concat(Uint8Array.of(found.length), ...found);
    };
    const tries = this.#maxRetries === ENDLESS ? undefined : this.#maxRetries + 1;
    const forMs = tries === undefined ? undefined : tries * this.#options.lookMs;
    return { kind: 'look', look, forMs, otherwise: NONE };
  }

  #found(type: CardType, max: number, wanted: Uint8Array): readonly Uint8Array[] {
    const withAts = (this.#parameters & AUTO_RATS) !== 0;
    return this.#field
      .list(type, max, wanted, withAts)
      .map((target, i) => concat(Uint8Array.of(i + 1), target));
  }

  #autoPoll(data: Uint8Array): Plan {
    const [times, period] = data;
    if (times === undefined || period === undefined || data.length < 3) return SYNTAX_ERROR;
    this.#dropPieces();
    const wanted = [...data.subarray(2)].flatMap((type) => AUTO_POLL_TYPES.get(type) ?? []);
    const look = () => {
      for (const [code, type] of wanted) {
        const [target] = this.#found(type, 1, new Uint8Array(0));
        if (target !== undefined) return concat(Uint8Array.of(1, code, target.length), target);
      }
      return undefined;
    };
    const forMs = times === ENDLESS ? undefined : times * period * POLL_PERIOD_MS;
    return { kind: 'look', look, forMs, otherwise: NONE };
  }

  #exchange(data: Uint8Array): Plan {
    const target = data[0];
    if (target === undefined) return SYNTAX_ERROR;
    const number = target & ~MORE;
    const piece = data.subarray(1);
    if (!this.#field.knows(number)) return answer(NO_SUCH_TARGET);
    if (this.#toSend !== undefined && piece.length === 0) return this.#nextPiece(this.#toSend);
    this.#toSend = undefined;
    if (piece.length === 0 && this.#received.length === 0) return answer(BAD_PARAMETER);
    this.#received.push(piece.slice());
    if (this.#received.length > MAX_PIECES) {
      this.#dropPieces();
      return answer(OVERFLOW);
    }
    if ((target & MORE) !== 0) return answer(this.#field.isPresent(number) ? OK : TIMEOUT);
    const command = concat(...this.#received.splice(0));
    const { status, data: response } = this.#field.exchange(number, command);
    return status === 0 ? this.#nextPiece(response) : answer(status);
  }

  #nextPiece(rest: Uint8Array): Plan {
    const more = rest.length > MAX_DATA;
    this.#toSend = more ? rest.subarray(MAX_DATA) : undefined;
    return answer(more ? MORE : OK, ...rest.subarray(0, MAX_DATA));
  }

  #communicate(data: Uint8Array): Plan {
    if (data[0] === R_NAK && this.#field.isPresent()) return answer(OK, R_ACK);
    return {
      kind: 'look',
      look: () => undefined,
      forMs: this.#options.lookMs,
      otherwise: Uint8Array.of(TIMEOUT),
    };
  }

  #address(code: number, data: Uint8Array): Plan {
    const number = data[0];
    if (number === undefined || data.length !== 1) return SYNTAX_ERROR;
    if (number !== 0 && !this.#field.knows(number)) return answer(NO_SUCH_TARGET);
    this.#dropPieces();
    if (code === COMMAND.inRelease) this.#field.forget(number);
    return answer(OK);
  }

  #dropPieces(): void {
    this.#received = [];
    this.#toSend = undefined;
  }
}

/** Types of InAutoPoll that find a card here, and how the answer names them. */
const AUTO_POLL_TYPES: ReadonlyMap<number, readonly (readonly [number, CardType])[]> = new Map([
  [0x00, [[0x20, 'A']]],
  [0x20, [[0x20, 'A']]],
  [0x03, [[0x23, 'B']]],
  [0x23, [[0x23, 'B']]],
]);

function answer(...data: number[]): Plan {
  return { kind: 'answer', data: Uint8Array.from(data) };
}

function address(data: Uint8Array, at: number): number {
  return ((data[at] as number) << 8) | (data[at + 1] as number);
}
