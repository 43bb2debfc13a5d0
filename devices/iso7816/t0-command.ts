import { concat } from '../../src/platform/bytes.ts';

/** The shape of a command APDU with short lengths (ISO/IEC 7816-3:2006, section 12.1.3). */
export interface CommandShape {
  /** 1: header alone; 2: expects data; 3: carries data; 4: both. */
  readonly case: 1 | 2 | 3 | 4;
  /** What T=0 sends for it: CLA INS P1 P2 P3 and the data. Le of case 4 stays behind. */
  readonly tpdu: Uint8Array;
}

export type T0Step =
  | { readonly kind: 'send'; readonly tpdu: Uint8Array }
  | { readonly kind: 'done'; readonly response: Uint8Array };

/** Shape of `apdu`, or `undefined` when its lengths contradict each other or are extended ones. */
export function commandShape(apdu: Uint8Array): CommandShape | undefined {
  if (apdu.length < 4) return undefined;
  if (apdu.length === 4) return { case: 1, tpdu: concat(apdu, Uint8Array.of(0)) };
  if (apdu.length === 5) return { case: 2, tpdu: apdu };
  const lc = apdu[4] as number;
  if (lc === 0) return undefined;
  if (apdu.length === 5 + lc) return { case: 3, tpdu: apdu };
  if (apdu.length === 6 + lc) return { case: 4, tpdu: apdu.slice(0, 5 + lc) };
  return undefined;
}

const MAX_GET_RESPONSE = 10;
const NOTHING = new Uint8Array(0);

/**
 * Maps one APDU on T=0 exchanges. `61xx` and `6Cxx` go up as they are: the layer above the card channel completes
 * them. What that layer cannot know is done here: a case 4 command that ends with a warning still has its data to be
 * fetched, and the answer is that data with the warning (EMV Book 1, section 9.3.1 and Annex A).
 */
export class T0Command {
  readonly #case: 1 | 2 | 3 | 4;
  readonly #first: Uint8Array;
  #warning: Uint8Array | undefined;
  #fetched: Uint8Array = NOTHING;
  #fetches = 0;

  constructor({ case: shape, tpdu }: CommandShape) {
    this.#case = shape;
    this.#first = tpdu;
  }

  begin(): T0Step {
    return { kind: 'send', tpdu: this.#first };
  }

  /** @param response data, SW1, SW2 as the card gave them: at least two bytes */
  take(response: Uint8Array): T0Step {
    const warning = this.#warning;
    if (warning !== undefined) return this.#takeFetched(response, warning);
    if (this.#case !== 4 || response.length !== 2 || !isWarning(response)) return { kind: 'done', response };
    this.#warning = response;
    return fetch(0);
  }

  /** The data behind a warning; a card that has none is taken at its first word. */
  #takeFetched(response: Uint8Array, warning: Uint8Array): T0Step {
    const sw1 = response.at(-2) as number;
    const sw2 = response.at(-1) as number;
    const mayAsk = this.#fetches++ < MAX_GET_RESPONSE;
    if (sw1 === 0x6c && response.length === 2 && mayAsk) return fetch(sw2);
    this.#fetched = concat(this.#fetched, response.subarray(0, -2));
    if (sw1 === 0x61 && mayAsk) return fetch(sw2);
    return { kind: 'done', response: concat(this.#fetched, warning) };
  }
}

function fetch(le: number): T0Step {
  return { kind: 'send', tpdu: Uint8Array.of(0x00, 0xc0, 0x00, 0x00, le) };
}

function isWarning(status: Uint8Array): boolean {
  const [sw1, sw2] = status as unknown as [number, number];
  return sw1 === 0x62 || sw1 === 0x63 || (sw1 >> 4 === 9 && (sw1 !== 0x90 || sw2 !== 0));
}
