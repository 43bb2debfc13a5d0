import type { Pan } from '../platform/secret.ts';
import type { Exchange, ExchangeFault } from './card.ts';

/** How the kernels have a PIN entered. Digits never come back: only the secure module sees them. */

/**
 * Why there was no PIN. `unavailable`: no PIN pad, or it does not work. `limited`: too many were enciphered of late.
 */
export type PinRefusal = 'bypassed' | 'cancelled' | 'timeout' | 'unavailable' | 'limited';

interface PinRequest {
  /** Minor units, shown while the PIN is entered. */
  readonly amountMinor: number;
  /** ISO 4217 numeric, three digits. */
  readonly currency: string;
  readonly exponent: number;
  readonly hint?: 'wrong-pin' | 'last-try';
}

export interface OnlinePinRequest extends PinRequest {
  /** Goes into the PIN block. */
  readonly pan: Pan;
}

export interface OfflinePinRequest extends PinRequest {
  /** What the card said about its try counter, when it said something. */
  readonly triesLeft?: number;
}

/** A public key of the card under which it takes PINs. */
export interface PinEnciphermentKey {
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

export interface EncipheredPinRequest extends OfflinePinRequest {
  readonly key: PinEnciphermentKey;
  /** GET CHALLENGE, once a PIN is there: the card's unpredictable number, `undefined` when it gave none. */
  challenge(): Promise<Uint8Array | undefined>;
}

export type OfflinePinAnswer =
  /** The status word of VERIFY. */
  | { readonly kind: 'answered'; readonly sw: number }
  | { readonly kind: 'fault'; readonly fault: ExchangeFault }
  /** The card gave no challenge, or its key cannot encipher. */
  | { readonly kind: 'not-enciphered' }
  | { readonly kind: PinRefusal };

export interface PinService {
  /** Takes a PIN and keeps its block inside the secure module, for the message of this transaction. */
  online(request: OnlinePinRequest, signal: AbortSignal): Promise<{ readonly kind: 'entered' | PinRefusal }>;
  /**
   * Takes a PIN and has the card verify it in the clear: the secure module builds `00 20 00 80 08` with a
   * format 2 block (EMV Book 3, section 6.5.12), hands it to `transmit` and wipes it.
   */
  offlinePlaintext(
    request: OfflinePinRequest,
    transmit: (command: Uint8Array) => Promise<Exchange>,
    signal: AbortSignal,
  ): Promise<OfflinePinAnswer>;
  /**
   * Takes a PIN and has the card verify it enciphered (EMV Book 2, section 7.2): the secure module puts it, the
   * card's number and random padding under the card's key and hands `00 20 00 88` with the result to `transmit`.
   */
  offlineEnciphered(
    request: EncipheredPinRequest,
    transmit: (command: Uint8Array) => Promise<Exchange>,
    signal: AbortSignal,
  ): Promise<OfflinePinAnswer>;
}
