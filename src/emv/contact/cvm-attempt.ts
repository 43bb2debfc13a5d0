import { toHex } from '../../platform/bytes.ts';
import type { PinRefusal } from '../../ports/index.ts';
import { end, raise } from '../kernel.ts';
import { TAG } from '../tags.ts';
import type { CvmMethod, Outcome } from '../transaction.ts';
import { TVR } from '../tvr.ts';
import type { ContactContext } from './context.ts';

/** What one rule of the CVM list came to. */
export interface CvmAttempt {
  /** False when the terminal could not even try: CVM Results then keep the last method that was tried. */
  readonly performed: boolean;
  /** `unknown` where only the issuer or a person can tell (online PIN, signature). */
  readonly result: 'successful' | 'failed' | 'unknown';
  readonly cvm: CvmMethod;
  readonly reason: string;
}

export interface PinState {
  /** Once a PIN was bypassed, every further PIN of the list counts as bypassed (Book 4, section 6.3.4.3). */
  bypassed: boolean;
  /** PINs that the card found wrong. */
  wrong: number;
}

/** A result, with the method that verified the cardholder or is still to do so. */
export function attempt(
  result: CvmAttempt['result'],
  cvm: CvmMethod,
  reason: string,
  performed = true,
): CvmAttempt {
  return { performed, result, cvm, reason };
}

/** A method that was tried, and failed. */
export function failure(reason: string): CvmAttempt {
  return attempt('failed', 'failed', reason);
}

/** What is shown while a PIN is entered. */
export function pinRequest({ data, parameters }: ContactContext) {
  return {
    amountMinor: parameters.amountMinor,
    currency: toHex(data.get(TAG.currency) ?? new Uint8Array(2)).slice(-3),
    exponent: data.byte(TAG.currencyExponent, 0),
  };
}

const LIMITED = 'too many PINs were taken of late';

/** Why no PIN was entered, as TVR and outcome tell it (Book 3, sections 10.5.1 and 10.5.2). */
export function notEntered(
  context: ContactContext,
  pin: PinState,
  why: PinRefusal,
  spec: string,
): CvmAttempt | Outcome {
  switch (why) {
    case 'cancelled':
      return end('CANCELLED', 'the cardholder cancelled the PIN entry');
    case 'timeout':
      return end('CANCELLED', 'no PIN was entered in time');
    case 'bypassed':
      pin.bypassed = true;
      raise(context, 'cvm', TVR.pinNotEntered, 'PIN entry was bypassed', spec);
      return failure('bypassed');
    case 'unavailable':
      raise(context, 'cvm', TVR.pinPadMissing, 'the PIN pad does not work', spec);
      return failure('the PIN pad does not work');
    case 'limited':
      raise(context, 'cvm', TVR.pinPadMissing, LIMITED, spec);
      return failure(LIMITED);
  }
}
