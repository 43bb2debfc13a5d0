import { toHex } from '../../platform/bytes.ts';
import type { OfflinePinAnswer } from '../../ports/index.ts';
import { getDataObject } from '../get-data.ts';
import { end, faultOutcome, raise, swText } from '../kernel.ts';
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

/** Once a PIN was bypassed, every further PIN of the list counts as bypassed (Book 4, section 6.3.4.3). */
export interface PinState {
  bypassed: boolean;
}

const ONLINE_SPEC = 'EMV 4.3 Book 3, 10.5.2';
const OFFLINE_SPEC = 'EMV 4.3 Book 3, 10.5.1';

const FAIL = 0x00;
const PLAIN_PIN = 0x01;
const ONLINE_PIN = 0x02;
const PLAIN_PIN_AND_SIGNATURE = 0x03;
const ENCIPHERED_PIN = 0x04;
const ENCIPHERED_PIN_AND_SIGNATURE = 0x05;
const SIGNATURE = 0x1e;
const NO_CVM = 0x1f;

/** Methods that this kernel recognises. */
export const PERFORMABLE: ReadonlySet<number> = new Set([
  FAIL,
  PLAIN_PIN,
  ONLINE_PIN,
  PLAIN_PIN_AND_SIGNATURE,
  ENCIPHERED_PIN,
  ENCIPHERED_PIN_AND_SIGNATURE,
  SIGNATURE,
  NO_CVM,
]);

/** Bits of 9F33 byte 2 that a method needs; enciphered offline PIN cannot be performed by this kernel. */
const NEEDS: ReadonlyMap<number, number> = new Map([
  [FAIL, 0x00],
  [PLAIN_PIN, 0x80],
  [ONLINE_PIN, 0x40],
  [PLAIN_PIN_AND_SIGNATURE, 0xa0],
  [SIGNATURE, 0x20],
  [NO_CVM, 0x08],
]);

/** True when the terminal's capabilities (9F33) include all that a method needs. */
export function terminalSupports(context: ContactContext, method: number): boolean {
  const needed = NEEDS.get(method);
  return needed !== undefined && (context.data.byte(TAG.terminalCapabilities, 1) & needed) === needed;
}

function attempt(
  result: CvmAttempt['result'],
  cvm: CvmMethod,
  reason: string,
  wasPerformed = true,
): CvmAttempt {
  return { performed: wasPerformed, result, cvm, reason };
}

/** Performs one recognised method. @returns an outcome when the transaction ends with it */
export async function performMethod(
  context: ContactContext,
  method: number,
  pin: PinState,
): Promise<CvmAttempt | Outcome> {
  if (!terminalSupports(context, method)) return unsupported(context, method);
  switch (method) {
    case PLAIN_PIN:
      return offlinePin(context, pin, false);
    case PLAIN_PIN_AND_SIGNATURE:
      return offlinePin(context, pin, true);
    case ONLINE_PIN:
      return onlinePin(context, pin);
    case SIGNATURE:
      return attempt('unknown', 'signature', 'the cardholder signs the slip');
    case NO_CVM:
      return attempt('successful', 'none', 'no verification is wanted');
    default:
      return attempt('failed', 'failed', 'the rule says that verification fails');
  }
}

function unsupported(context: ContactContext, method: number): CvmAttempt {
  const wantsPin = method >= PLAIN_PIN && method <= ENCIPHERED_PIN_AND_SIGNATURE;
  if (wantsPin) {
    const spec = method === ONLINE_PIN ? ONLINE_SPEC : OFFLINE_SPEC;
    raise(context, 'cvm', TVR.pinPadMissing, 'the terminal does not support this PIN method', spec);
  }
  return attempt('failed', 'failed', 'not supported by the terminal', false);
}

function pinRequest(context: ContactContext) {
  const { data, parameters } = context;
  return {
    amountMinor: parameters.amountMinor,
    currency: toHex(data.get(TAG.currency) ?? new Uint8Array(2)).slice(-3),
    exponent: data.byte(TAG.currencyExponent, 0),
  };
}

async function onlinePin(context: ContactContext, pin: PinState): Promise<CvmAttempt | Outcome> {
  const { services, pan } = context;
  if (pan === undefined) return attempt('failed', 'failed', 'there is no PAN');
  if (pin.bypassed) return notEntered(context, pin, 'bypassed', ONLINE_SPEC);
  const answer = await services.pin.online({ pan, ...pinRequest(context) }, services.signal);
  if (answer.kind !== 'entered') return notEntered(context, pin, answer.kind, ONLINE_SPEC);
  raise(context, 'cvm', TVR.onlinePinEntered, 'the PIN goes to the issuer', ONLINE_SPEC);
  return attempt('unknown', 'online-pin', 'the PIN was entered');
}

function notEntered(
  context: ContactContext,
  pin: PinState,
  why: 'bypassed' | 'cancelled' | 'timeout' | 'unavailable',
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
      return attempt('failed', 'failed', 'bypassed');
    case 'unavailable':
      raise(context, 'cvm', TVR.pinPadMissing, 'the PIN pad does not work', spec);
      return attempt('failed', 'failed', 'the PIN pad does not work');
  }
}

/** Plaintext PIN verified by the card: VERIFY until it is right, blocked, or given up. */
async function offlinePin(
  context: ContactContext,
  pin: PinState,
  withSignature: boolean,
): Promise<CvmAttempt | Outcome> {
  const { services, card } = context;
  if (pin.bypassed) return notEntered(context, pin, 'bypassed', OFFLINE_SPEC);
  const counter = await readTryCounter(context);
  if (typeof counter === 'object') return counter;
  let triesLeft = counter;
  let hint: 'wrong-pin' | 'last-try' | undefined = triesLeft === 1 ? 'last-try' : undefined;
  if (triesLeft === 0) return blocked(context);
  for (;;) {
    const answer: OfflinePinAnswer = await services.pin.offlinePlaintext(
      {
        ...pinRequest(context),
        ...(triesLeft === undefined ? {} : { triesLeft }),
        ...(hint === undefined ? {} : { hint }),
      },
      (command) => card.exchange(command),
      services.signal,
    );
    if (answer.kind === 'fault') return faultOutcome(context, answer.fault);
    if (answer.kind !== 'answered') return notEntered(context, pin, answer.kind, OFFLINE_SPEC);
    const { sw } = answer;
    if (sw === 0x9000) {
      return withSignature
        ? attempt('unknown', 'offline-pin-and-signature', 'the card accepted the PIN, a signature follows')
        : attempt('successful', 'offline-pin', 'the card accepted the PIN');
    }
    const wrong = (sw & 0xfff0) === 0x63c0;
    if (sw === 0x6983 || sw === 0x6984 || sw === 0x63c0) return blocked(context);
    if (!wrong) return attempt('failed', 'failed', `VERIFY gave ${swText(sw)}`);
    const left = sw & 0x0f;
    // A counter that does not fall would keep the cardholder at the pad for ever.
    if (triesLeft !== undefined && left >= triesLeft) {
      return end('CARD_ERROR', `the PIN try counter went from ${triesLeft} to ${left} after a wrong PIN`);
    }
    triesLeft = left;
    hint = left === 1 ? 'last-try' : 'wrong-pin';
  }
}

function blocked(context: ContactContext): CvmAttempt {
  raise(context, 'cvm', TVR.pinTryLimit, 'the card takes no more PINs', OFFLINE_SPEC);
  return attempt('failed', 'failed', 'PIN Try Limit exceeded');
}

/** The PIN try counter where the card gives it; a card may keep it to itself (Book 3, section 7.3). */
async function readTryCounter(context: ContactContext): Promise<number | undefined | Outcome> {
  const read = await getDataObject(context, TAG.pinTryCounter);
  if (read.kind === 'outcome') return read.outcome;
  return read.kind === 'value' && read.value.length === 1 ? read.value[0] : undefined;
}
