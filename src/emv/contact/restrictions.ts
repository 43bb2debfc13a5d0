import { toHex } from '../../platform/bytes.ts';
import { decide, raise, type Step } from '../kernel.ts';
import { laterDate } from '../oda/ca-keys.ts';
import { TAG } from '../tags.ts';
import { TVR } from '../tvr.ts';
import { serviceAllowed } from '../usage-control.ts';
import type { ContactContext } from './context.ts';

const SPEC = 'EMV 4.3 Book 3, 10.4';

/** Processing restrictions (Book 3, section 10.4): application version, usage control, dates. */
export async function restrictions(context: ContactContext): Promise<Step> {
  const { data } = context;
  const cardVersion = data.get(TAG.cardVersion);
  const terminalVersion = data.get(TAG.terminalVersion);
  if (cardVersion !== undefined && terminalVersion !== undefined) {
    const [card, terminal] = [toHex(cardVersion), toHex(terminalVersion)];
    if (card !== terminal) {
      const reason = `card ${card}, terminal ${terminal}`;
      raise(context, 'restrictions', TVR.versionsDiffer, reason, `${SPEC}.1`);
    }
  }
  const refusal = serviceAllowed(data, context.parameters);
  if (refusal !== undefined) {
    raise(context, 'restrictions', TVR.serviceNotAllowed, refusal, `${SPEC}.2`);
  }
  const today = context.parameters.dateYymmdd;
  const effective = data.get(TAG.effective);
  if (effective !== undefined && laterDate(toHex(effective), today)) {
    const reason = `effective from ${toHex(effective)}, today is ${today}`;
    raise(context, 'restrictions', TVR.notYetEffective, reason, `${SPEC}.3`);
  }
  const expiry = toHex(data.get(TAG.expiry) ?? new Uint8Array(3));
  if (laterDate(today, expiry)) {
    raise(context, 'restrictions', TVR.expired, `expired on ${expiry}, today is ${today}`, `${SPEC}.3`);
  }
  decide(context, 'restrictions', 'Processing restrictions', 'checked', SPEC);
  return 'continue';
}
