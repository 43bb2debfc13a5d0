import { toHex } from '../../../../platform/bytes.ts';
import { decide, end } from '../../../kernel.ts';
import { laterDate } from '../../../oda/ca-keys.ts';
import { TAG } from '../../../tags.ts';
import type { Outcome } from '../../../transaction.ts';
import { isCash, isCashback, serviceAllowed } from '../../../usage-control.ts';
import type { ContactlessContext } from '../../context.ts';
import { CTQ, hasCtq, hasTtq, type Kernel3State, TTQ } from './state.ts';

const SPEC = 'EMV Contactless Book C-3, 5.5';

/** Processing restrictions of an offline approval: expiry, exception file, usage control. */
export function restrictions(context: ContactlessContext, state: Kernel3State): Outcome | undefined {
  if (context.pan !== undefined && context.services.onExceptionFile?.(context.pan) === true) {
    decide(context, 'restrictions', 'Exception file', 'the PAN is on it', SPEC);
    state.declineRequired = true;
    return undefined;
  }
  if (state.type !== 'TC' || state.onlineRequired) return undefined;
  const expiry = context.data.get(TAG.expiry);
  if (expiry === undefined || laterDate(context.parameters.dateYymmdd, toHex(expiry))) {
    const goOnline = hasCtq(context, CTQ.onlineIfExpired) && !hasTtq(context, TTQ.offlineOnly);
    if (goOnline) state.onlineRequired = true;
    else state.declineRequired = true;
    const what = expiry === undefined ? 'no expiry date' : `expired on ${toHex(expiry)}`;
    decide(context, 'restrictions', goOnline ? 'Go online' : 'Decline', what, SPEC);
  }
  return usageControl(context, state);
}

function usageControl(context: ContactlessContext, state: Kernel3State): Outcome | undefined {
  const { parameters, selected } = context;
  if (selected?.combination.contactless.usageControlCheck !== true) return undefined;
  const cash = isCash(parameters);
  if (!cash && !isCashback(parameters)) return undefined;
  const refusal = serviceAllowed(context.data, parameters);
  if (refusal === undefined) return undefined;
  if (hasCtq(context, cash ? CTQ.switchForCash : CTQ.switchForCashback)) {
    return end('TRY_ANOTHER_INTERFACE', `${refusal}, the card wants another interface`);
  }
  decide(context, 'restrictions', 'Decline', refusal, SPEC);
  state.declineRequired = true;
  return undefined;
}
