import type { ExchangeFault, OfflinePinAnswer, OfflinePinRequest } from '../../ports/index.ts';
import { getChallengeCommand } from '../commands.ts';
import { getDataObject } from '../get-data.ts';
import { decide, end, faultOutcome, raise, swText } from '../kernel.ts';
import { pinKeyOf, staticData } from '../oda/chain.ts';
import { TAG } from '../tags.ts';
import type { Outcome } from '../transaction.ts';
import { hasTvr, TVR } from '../tvr.ts';
import type { ContactContext } from './context.ts';
import { attempt, type CvmAttempt, failure, notEntered, type PinState, pinRequest } from './cvm-attempt.ts';
import { chainInput } from './oda.ts';

/** PIN verified by the card, in the clear or enciphered (Book 3, section 10.5.1; Book 2, section 7). */

const SPEC = 'EMV 4.3 Book 3, 10.5.1';
const CHALLENGE_LENGTH = 8;
/** Wrong PINs that a cardholder may enter, however many the card would take. */
const MOST_WRONG = 3;

/** Has one PIN entered and verified. */
type Send = (request: OfflinePinRequest) => Promise<OfflinePinAnswer>;

/**
 * Plaintext PIN. A card whose data authentication failed gets none: its CVM list may have been changed to ask for
 * the PIN in the clear.
 */
export async function plaintextPin(
  context: ContactContext,
  pin: PinState,
  withSignature: boolean,
): Promise<CvmAttempt | Outcome> {
  const { services, card } = context;
  if ([TVR.sdaFailed, TVR.ddaFailed, TVR.cdaFailed].some((bit) => hasTvr(context.data, bit))) {
    const reason = 'data authentication failed: no PIN goes to this card in the clear';
    raise(context, 'cvm', TVR.pinNotEntered, reason, SPEC);
    return failure(reason);
  }
  const send: Send = (request) =>
    services.pin.offlinePlaintext(request, (command) => card.exchange(command), services.signal);
  return offlinePin(context, pin, withSignature, send);
}

/** Enciphered PIN: under the card's key for PINs, or its key of data authentication. */
export async function encipheredPin(
  context: ContactContext,
  pin: PinState,
  withSignature: boolean,
): Promise<CvmAttempt | Outcome> {
  const { services, card, data } = context;
  const key = pinKeyOf(chainInput(context), staticData(data, context.signed));
  if (!key.ok) return failure(`PIN encipherment failed: ${key.reason}`);
  const own = data.has(TAG.pinKeyCertificate) ? 'the card’s key for PINs' : 'the key of data authentication';
  decide(context, 'cvm', 'PIN key recovered', own, 'EMV 4.3 Book 2, 7.1');
  let fault: ExchangeFault | undefined;
  const challenge = async () => {
    const answer = await card.send(getChallengeCommand());
    if (answer.kind === 'fault') fault = answer.fault;
    const isGood =
      answer.kind === 'answer' && answer.sw === 0x9000 && answer.data.length === CHALLENGE_LENGTH;
    return isGood ? answer.data : undefined;
  };
  const send: Send = async (request) => {
    const answer = await services.pin.offlineEnciphered(
      { ...request, key: key.value, challenge },
      (command) => card.exchange(command),
      services.signal,
    );
    return fault === undefined ? answer : { kind: 'fault', fault };
  };
  return offlinePin(context, pin, withSignature, send);
}

/** Sends PINs until one is right, the card takes no more, or the cardholder gives up. */
async function offlinePin(
  context: ContactContext,
  pin: PinState,
  withSignature: boolean,
  send: Send,
): Promise<CvmAttempt | Outcome> {
  if (pin.bypassed) return notEntered(context, pin, 'bypassed', SPEC);
  if (pin.wrong >= MOST_WRONG) return tooManyWrong();
  const counter = await readTryCounter(context);
  if (typeof counter === 'object') return counter;
  let triesLeft = counter;
  let hint: OfflinePinRequest['hint'] = triesLeft === 1 ? 'last-try' : undefined;
  if (triesLeft === 0) return blocked(context);
  for (;;) {
    const answer = await send({
      ...pinRequest(context),
      ...(triesLeft === undefined ? {} : { triesLeft }),
      ...(hint === undefined ? {} : { hint }),
    });
    if (answer.kind === 'fault') return faultOutcome(context, answer.fault);
    if (answer.kind === 'not-enciphered') return failure('PIN encipherment failed: no challenge, or no key');
    if (answer.kind !== 'answered') return notEntered(context, pin, answer.kind, SPEC);
    const left = judge(context, answer.sw, withSignature);
    if (typeof left === 'object') return left;
    // A counter that does not fall would keep the cardholder at the pad for ever.
    if (triesLeft !== undefined && left >= triesLeft) {
      return end('CARD_ERROR', `the PIN try counter went from ${triesLeft} to ${left} after a wrong PIN`);
    }
    pin.wrong++;
    if (pin.wrong >= MOST_WRONG) return tooManyWrong();
    triesLeft = left;
    hint = left === 1 || pin.wrong === MOST_WRONG - 1 ? 'last-try' : 'wrong-pin';
  }
}

/** The status word of VERIFY. @returns the tries that are left after a wrong PIN, else what the rule came to */
function judge(context: ContactContext, sw: number, withSignature: boolean): number | CvmAttempt {
  if (sw === 0x9000) {
    return withSignature
      ? attempt('unknown', 'offline-pin-and-signature', 'the card accepted the PIN, a signature follows')
      : attempt('successful', 'offline-pin', 'the card accepted the PIN');
  }
  if (sw === 0x6983 || sw === 0x6984 || sw === 0x63c0) return blocked(context);
  return (sw & 0xfff0) === 0x63c0 ? sw & 0x0f : failure(`VERIFY gave ${swText(sw)}`);
}

/** The card has not blocked its PIN, and the TVR does not say so. */
function tooManyWrong(): CvmAttempt {
  return failure(`the card found ${MOST_WRONG} PINs wrong`);
}

function blocked(context: ContactContext): CvmAttempt {
  raise(context, 'cvm', TVR.pinTryLimit, 'the card takes no more PINs', SPEC);
  return failure('PIN Try Limit exceeded');
}

/** The PIN try counter where the card gives it; a card may keep it to itself (Book 3, section 7.3). */
async function readTryCounter(context: ContactContext): Promise<number | undefined | Outcome> {
  const read = await getDataObject(context, TAG.pinTryCounter);
  if (read.kind === 'outcome') return read.outcome;
  return read.kind === 'value' && read.value.length === 1 ? read.value[0] : undefined;
}
