import { raise } from '../kernel.ts';
import { TAG } from '../tags.ts';
import type { Outcome } from '../transaction.ts';
import { TVR } from '../tvr.ts';
import type { ContactContext } from './context.ts';
import { attempt, type CvmAttempt, failure, notEntered, type PinState, pinRequest } from './cvm-attempt.ts';
import { encipheredPin, plaintextPin } from './offline-pin.ts';

/** The methods of cardholder verification (Book 3, table 39). */

const ONLINE_SPEC = 'EMV 4.3 Book 3, 10.5.2';
const OFFLINE_SPEC = 'EMV 4.3 Book 3, 10.5.1';

const METHOD = {
  fail: 0x00,
  plainPin: 0x01,
  onlinePin: 0x02,
  plainPinAndSignature: 0x03,
  encipheredPin: 0x04,
  encipheredPinAndSignature: 0x05,
  signature: 0x1e,
  none: 0x1f,
} as const;

/** Bits of 9F33 byte 2 that a method needs: that of its PIN, and those of the rest. */
const NEEDS: ReadonlyMap<number, { readonly pin: number; readonly other: number }> = new Map([
  [METHOD.fail, { pin: 0x00, other: 0x00 }],
  [METHOD.plainPin, { pin: 0x80, other: 0x00 }],
  [METHOD.onlinePin, { pin: 0x40, other: 0x00 }],
  [METHOD.plainPinAndSignature, { pin: 0x80, other: 0x20 }],
  [METHOD.encipheredPin, { pin: 0x10, other: 0x00 }],
  [METHOD.encipheredPinAndSignature, { pin: 0x10, other: 0x20 }],
  [METHOD.signature, { pin: 0x00, other: 0x20 }],
  [METHOD.none, { pin: 0x00, other: 0x08 }],
]);

/** True for the methods that this kernel knows. */
export function isRecognised(method: number): boolean {
  return NEEDS.has(method);
}

function hasCapabilities(context: ContactContext, bits: number): boolean {
  return (context.data.byte(TAG.terminalCapabilities, 1) & bits) === bits;
}

/** True when the terminal's capabilities (9F33) include all that a method needs. */
export function terminalSupports(context: ContactContext, method: number): boolean {
  const needs = NEEDS.get(method);
  return needs !== undefined && hasCapabilities(context, needs.pin | needs.other);
}

/** Performs one recognised method. @returns an outcome when the transaction ends with it */
export async function performMethod(
  context: ContactContext,
  method: number,
  pin: PinState,
): Promise<CvmAttempt | Outcome> {
  if (!terminalSupports(context, method)) return unsupported(context, method);
  switch (method) {
    case METHOD.plainPin:
      return plaintextPin(context, pin, false);
    case METHOD.plainPinAndSignature:
      return plaintextPin(context, pin, true);
    case METHOD.encipheredPin:
      return encipheredPin(context, pin, false);
    case METHOD.encipheredPinAndSignature:
      return encipheredPin(context, pin, true);
    case METHOD.onlinePin:
      return onlinePin(context, pin);
    case METHOD.signature:
      return attempt('unknown', 'signature', 'the cardholder signs the slip');
    case METHOD.none:
      return attempt('successful', 'none', 'no verification is wanted');
    default:
      return failure('the rule says that verification fails');
  }
}

/** A PIN that the terminal cannot take is told in the TVR; that it takes no signatures is not. */
function unsupported(context: ContactContext, method: number): CvmAttempt {
  const pinBit = NEEDS.get(method)?.pin ?? 0;
  if (!hasCapabilities(context, pinBit)) {
    const spec = method === METHOD.onlinePin ? ONLINE_SPEC : OFFLINE_SPEC;
    raise(context, 'cvm', TVR.pinPadMissing, 'the terminal does not support this PIN method', spec);
  }
  return attempt('failed', 'failed', 'not supported by the terminal', false);
}

async function onlinePin(context: ContactContext, pin: PinState): Promise<CvmAttempt | Outcome> {
  const { services, pan } = context;
  if (pan === undefined) return failure('there is no PAN');
  if (pin.bypassed) return notEntered(context, pin, 'bypassed', ONLINE_SPEC);
  const answer = await services.pin.online({ pan, ...pinRequest(context) }, services.signal);
  if (answer.kind !== 'entered') return notEntered(context, pin, answer.kind, ONLINE_SPEC);
  raise(context, 'cvm', TVR.onlinePinEntered, 'the PIN goes to the issuer', ONLINE_SPEC);
  return attempt('unknown', 'online-pin', 'the PIN was entered');
}
