import { concat } from '../../../../platform/bytes.ts';
import { decide, end } from '../../../kernel.ts';
import { type ChainInput, iccKeyOf, issuerKeyOf, staticData } from '../../../oda/chain.ts';
import { verifySdad } from '../../../oda/signatures.ts';
import { TAG } from '../../../tags.ts';
import type { Outcome } from '../../../transaction.ts';
import type { ContactlessContext } from '../../context.ts';
import { CTQ, hasCtq, hasTtq, type Kernel3State, TTQ } from './state.ts';

const SPEC = 'EMV Contactless Book C-3, 5.6';
const NONE = new Uint8Array(0);

/** Fast DDA of an offline approval; without it no transaction is approved offline. */
export function fdda(context: ContactlessContext, state: Kernel3State): Outcome | undefined {
  if (state.type !== 'TC' || state.declineRequired || state.onlineRequired) {
    decide(context, 'oda', 'Not performed', 'the transaction is not approved offline', SPEC);
    return undefined;
  }
  const defect = fddaDefect(context);
  if (defect === undefined) {
    decide(context, 'oda', 'fDDA succeeded', 'the signature covers number, amount and currency', SPEC);
    return undefined;
  }
  decide(context, 'oda', 'fDDA failed', defect, SPEC);
  if (hasCtq(context, CTQ.onlineIfOdaFails) && !hasTtq(context, TTQ.offlineOnly)) {
    state.onlineRequired = true;
    return undefined;
  }
  if (hasCtq(context, CTQ.switchIfOdaFails) && hasTtq(context, TTQ.contactChip)) {
    return end('TRY_ANOTHER_INTERFACE', 'data authentication failed, the card wants its contacts to be used');
  }
  state.declineRequired = true;
  return undefined;
}

function fddaDefect(context: ContactlessContext): string | undefined {
  const { data, selected, pan } = context;
  const sdad = data.get(TAG.sdad);
  if (sdad === undefined || selected === undefined || pan === undefined) return 'the card gave no signature';
  const input: ChainInput = {
    data,
    config: context.services.config,
    dfName: selected.aid,
    pan: pan.reveal(),
    dateYymmdd: context.parameters.dateYymmdd,
  };
  const issuer = issuerKeyOf(input);
  if (!issuer.ok) return issuer.reason;
  const signed = staticData(data, context.signed);
  if (!signed.ok) return signed.reason;
  const icc = iccKeyOf(input, issuer.value, signed.value);
  if (!icc.ok) return icc.reason;
  const dynamic = verifySdad(icc.value, sdad, fddaInput(context));
  return dynamic.ok ? undefined : dynamic.reason;
}

/** Version 01 of the card's authentication data signs amount and currency too; version 00 the number only. */
function fddaInput({ data }: ContactlessContext): Uint8Array {
  const number = data.get(TAG.unpredictableNumber) ?? NONE;
  const related = data.get(TAG.cardAuthentication);
  if (related === undefined || related[0] !== 0x01) return number;
  return concat(number, data.get(TAG.amount) ?? NONE, data.get(TAG.currency) ?? NONE, related);
}
