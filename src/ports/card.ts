/** A card in the field, in the slot, or swiped: what the kernels and the terminal see of it. */

/** Where a card meets the reader. */
export type CardInterface = 'contact' | 'contactless' | 'stripe';

/** Why an exchange gave no answer. After any of these the card must be treated as gone. */
export type ExchangeFault =
  | 'removed' // the card left
  | 'timeout' // nothing came in time
  | 'protocol' // the answer was garbled, or shorter than a status word
  | 'lost'; // it is not known whether the card executed the command

export type Exchange =
  /** `response` holds data, SW1, SW2: at least two bytes. */
  | { readonly kind: 'response'; readonly response: Uint8Array }
  | { readonly kind: 'fault'; readonly fault: ExchangeFault };

/**
 * One powered card. `transmit` moves one command APDU and its answer, as they are: GET RESPONSE after 61xx and
 * the corrected Le after 6Cxx are the business of the layer above (`emv/apdu.ts`).
 */
export interface CardChannel {
  readonly interface: 'contact' | 'contactless';
  /** Answer to reset, or ATS of a contactless card. */
  readonly answerToReset: Uint8Array;
  /** @param signal aborting it abandons the exchange, which then ends as fault `lost` */
  transmit(command: Uint8Array, signal: AbortSignal): Promise<Exchange>;
  /** Powers the card off; further exchanges answer `removed`. */
  release(): Promise<void>;
}

/** The characters of the tracks without sentinels and LRC; a track that was not read is absent. */
export interface StripeTracks {
  readonly track1?: string;
  readonly track2?: string;
  readonly track3?: string;
}
