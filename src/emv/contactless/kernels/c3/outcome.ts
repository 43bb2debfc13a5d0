import { latin1, toHex } from '../../../../platform/bytes.ts';
import { decide, end } from '../../../kernel.ts';
import { TAG } from '../../../tags.ts';
import type { Outcome } from '../../../transaction.ts';
import type { ContactlessContext } from '../../context.ts';
import { issuerUpdate } from './issuer-update.ts';
import { hasTtq, type Kernel3State, TTQ } from './state.ts';

const SPEC = 'EMV Contactless Book C-3, 5.8';

/** Declined, approved, or to the issuer: Outcome Processing of kernel 3, and what the terminal does then. */
export async function conclude(context: ContactlessContext, state: Kernel3State): Promise<Outcome> {
  if (state.declineRequired) return declined(context, 'declined by card or reader');
  if (!state.onlineRequired) {
    context.data.set(TAG.arc, latin1('Y1'));
    decide(context, 'taa', 'Approved', 'the card gave a TC', SPEC);
    return end('APPROVED_OFFLINE', 'the card approved offline');
  }
  if (hasTtq(context, TTQ.offlineOnly)) return declined(context, 'this reader cannot go online');
  return (await onlinePin(context)) ?? goOnline(context);
}

function declined(context: ContactlessContext, reason: string): Outcome {
  context.data.set(TAG.arc, latin1('Z1'));
  decide(context, 'taa', 'Declined', reason, SPEC);
  return end('DECLINED_OFFLINE', reason);
}

const WITHOUT_PIN = {
  bypassed: 'no PIN was entered',
  unavailable: 'the PIN pad does not work',
  limited: 'too many PINs were taken of late',
} as const;

async function onlinePin(context: ContactlessContext): Promise<Outcome | undefined> {
  const { services, pan, data, parameters } = context;
  if (context.cvm !== 'online-pin' || pan === undefined) return undefined;
  const request = {
    pan,
    amountMinor: parameters.amountMinor,
    currency: toHex(data.get(TAG.currency) ?? new Uint8Array(2)).slice(-3),
    exponent: data.byte(TAG.currencyExponent, 0),
  };
  const { kind } = await services.pin.online(request, services.signal);
  decide(context, 'cvm', 'Online PIN', kind, SPEC);
  switch (kind) {
    case 'entered':
      return undefined;
    case 'cancelled':
      return end('CANCELLED', 'the cardholder cancelled the PIN entry');
    case 'timeout':
      return end('CANCELLED', 'no PIN was entered in time');
    default:
      context.cvm = 'failed';
      return declined(context, WITHOUT_PIN[kind]);
  }
}

async function goOnline(context: ContactlessContext): Promise<Outcome> {
  const { services, data, pan, cvm } = context;
  if (services.signal.aborted) return end('CANCELLED', 'the transaction was cancelled');
  if (pan === undefined) return declined(context, 'there is no PAN');
  context.onlineSent = true;
  const answer = await services.authorise({ interface: 'contactless', data, pan, cvm });
  context.answer = answer;
  if (answer.kind === 'unable') {
    data.set(TAG.arc, latin1('Z3'));
    decide(context, 'online', 'Unable to go online', 'no answer from the issuer', SPEC);
    return end('DECLINED_OFFLINE', 'unable to go online');
  }
  data.set(TAG.arc, latin1(answer.arc.padEnd(2).slice(0, 2)));
  decide(context, 'online', 'The issuer answered', `response code ${answer.arc}`, SPEC);
  await issuerUpdate(context);
  if (answer.referral === true) return end('REFERRED', 'the issuer wants a call');
  return answer.approved
    ? end('APPROVED_ONLINE', `approved by the issuer (${answer.arc})`)
    : end('DECLINED_ONLINE', `the issuer declined (${answer.arc})`);
}
