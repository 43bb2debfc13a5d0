import { concat } from '../../src/platform/bytes.ts';

export interface T0CardSettings {
  /** Executes one command APDU. */
  readonly respond: (command: Uint8Array) => Uint8Array;
  /**
   * True for commands whose APDU carries data and Le: T=0 does not transfer that Le, so that the card must know.
   * @param header CLA INS P1 P2 P3
   */
  readonly isCase4?: (header: Uint8Array) => boolean;
}

/** Instructions that carry data and expect some: SELECT, GENERATE AC, GET PROCESSING OPTIONS and their like. */
const CASE_4: ReadonlySet<number> = new Set([0xa4, 0xae, 0xa8, 0x88, 0x86, 0x87, 0x2a, 0xcb, 0xc2]);
const GET_RESPONSE = 0xc0;

/** An answer that was computed and not yet fetched. */
interface Held {
  readonly data: Uint8Array;
  readonly status: Uint8Array;
  /** CLA INS P1 P2 that fetches it: the command's own after 6Cxx, GET RESPONSE after 61xx or a warning. */
  readonly header: Uint8Array;
}

/**
 * The card's end of T=0 above the characters: a TPDU in, data and status out (ISO/IEC 7816-3:2006, section 12.2).
 * A card that thinks in APDUs is adapted: data of a command that carried some waits for GET RESPONSE behind `61xx`, or
 * behind its warning, and a wrong Le is told by `6Cxx`. Each command is executed once.
 */
export class T0Card {
  readonly #respond: (command: Uint8Array) => Uint8Array;
  readonly #isCase4: (header: Uint8Array) => boolean;
  #held: Held | undefined;

  constructor({ respond, isCase4 = ({ 1: ins = 0 }) => CASE_4.has(ins) }: T0CardSettings) {
    this.#respond = respond;
    this.#isCase4 = isCase4;
  }

  /** What the card held back is forgotten. */
  reset(): void {
    this.#held = undefined;
  }

  /**
   * @param tpdu CLA INS P1 P2 P3 and P3 bytes of data, or none
   * @returns data and status; fewer than two bytes from a card that gave no answer
   */
  exchange(tpdu: Uint8Array): Uint8Array {
    const held = this.#held;
    this.#held = undefined;
    const p3 = tpdu[4] ?? 0;
    if (held !== undefined && tpdu.length <= 5 && startsWith(tpdu, held.header)) return this.#give(held, p3);
    if (tpdu.length <= 5) return this.#withoutData(tpdu, p3);
    // Hosts that hand APDUs of case 4 down as they are send an Le, which never reaches the card.
    const excess = tpdu.length - (5 + p3);
    if (p3 === 0 || excess < 0 || excess > 1) return Uint8Array.of(0x67, 0x00);
    return this.#withData(tpdu.subarray(0, 5 + p3));
  }

  #withData(tpdu: Uint8Array): Uint8Array {
    const command = this.#isCase4(tpdu) ? concat(tpdu, Uint8Array.of(0)) : tpdu;
    const response = this.#respond(command);
    if (response.length <= 2) return response;
    const data = response.subarray(0, -2);
    const status = response.slice(-2);
    const normal = status[0] === 0x90 || status[0] === 0x61;
    this.#held = {
      data,
      status: normal ? status : Uint8Array.of(0x90, 0x00),
      header: Uint8Array.of(0x00, GET_RESPONSE, 0, 0),
    };
    return normal ? Uint8Array.of(0x61, data.length & 255) : status;
  }

  #withoutData(tpdu: Uint8Array, p3: number): Uint8Array {
    const command = tpdu.length === 4 ? concat(tpdu, Uint8Array.of(0)) : tpdu;
    const response = this.#respond(command);
    if (response.length <= 2) return response;
    const header = tpdu.slice(0, 4);
    return this.#give({ data: response.subarray(0, -2), status: response.slice(-2), header }, p3);
  }

  #give(held: Held, p3: number): Uint8Array {
    const expected = p3 || 256;
    const { data, status, header } = held;
    if (expected === data.length) return concat(data, status);
    if (header[1] === GET_RESPONSE && expected < data.length) {
      const rest = data.subarray(expected);
      this.#held = { ...held, data: rest };
      return concat(data.subarray(0, expected), Uint8Array.of(0x61, rest.length & 255));
    }
    this.#held = held;
    return Uint8Array.of(0x6c, data.length & 255);
  }
}

function startsWith(tpdu: Uint8Array, header: Uint8Array): boolean {
  return header.every((byte, i) => byte === tpdu[i]);
}
