import { concat } from '../../../../platform/bytes.ts';
import { decide, end } from '../../../kernel.ts';
import type { OdaResult } from '../../../oda/certificates.ts';
import { type ChainInput, iccKeyOf, issuerKeyOf, staticData } from '../../../oda/chain.ts';
import { verifySdad, verifySsad } from '../../../oda/signatures.ts';
import { TAG } from '../../../tags.ts';
import type { Outcome } from '../../../transaction.ts';
import type { ContactlessContext } from '../../context.ts';
import { CTQ, hasCtq, hasTtq, type Kernel3State, TTQ } from './state.ts';

const SPEC = 'EMV Contactless Book C-3, 5.6';
const NONE = new Uint8Array(0);

/** Format bytes of recovered data: those of Book 2, and those that cards use when they ask to go online. */
const FORMATS = {
  fdda: { offline: [0x05], online: [0x95, 0x05] },
  sda: { online: [0x93, 0x03] },
} as const;

/**
 * Offline data authentication. No transaction is approved offline without fDDA; an online one is authenticated
 * where the reader asks for it and the card sent its records, by fDDA or else by SDA.
 */
export function dataAuthentication(context: ContactlessContext, state: Kernel3State): Outcome | undefined {
  if (state.declineRequired) return notPerformed(context, 'the transaction is declined');
  if (state.type === 'TC' && !state.onlineRequired) return forOffline(context, state);
  if (state.type !== 'ARQC' || !hasTtq(context, TTQ.odaForOnline)) {
    return notPerformed(context, 'the transaction goes online');
  }
  if (!context.seen.has(TAG.afl)) {
    return notPerformed(context, 'the card gave no records to authenticate');
  }
  return forOnline(context, state);
}

function notPerformed(context: ContactlessContext, why: string): undefined {
  decide(context, 'oda', 'Not performed', why, SPEC);
}

function forOffline(context: ContactlessContext, state: Kernel3State): Outcome | undefined {
  const defect = fddaDefect(context, FORMATS.fdda.offline);
  note(context, state, 'fDDA', defect);
  if (defect === undefined) return undefined;
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

/** The site decides what a failure means: the issuer is asked all the same, or the card is refused. */
function forOnline(context: ContactlessContext, state: Kernel3State): undefined {
  const aip = context.data.byte(TAG.aip, 0);
  if ((aip & 0x60) === 0) return notPerformed(context, 'the card supports no method');
  const dynamic = (aip & 0x20) !== 0;
  const defect = dynamic ? fddaDefect(context, FORMATS.fdda.online) : sdaDefect(context);
  note(context, state, dynamic ? 'fDDA' : 'SDA', defect);
  if (defect === undefined || context.selected === undefined) return undefined;
  const { onlineOdaFailure } = context.selected.combination.contactless;
  if (onlineOdaFailure === 'decline') state.declineRequired = true;
  const what = onlineOdaFailure === 'decline' ? 'Decline' : 'Go online all the same';
  decide(context, 'oda', what, 'the terminal is configured so', SPEC);
  return undefined;
}

function note(
  context: ContactlessContext,
  state: Kernel3State,
  method: string,
  defect: string | undefined,
): void {
  state.oda = defect === undefined ? 'good' : 'failed';
  const result = defect === undefined ? 'succeeded' : 'failed';
  decide(context, 'oda', `${method} ${result}`, defect ?? 'the signature is genuine', SPEC);
}

function chainInput(context: ContactlessContext): ChainInput | undefined {
  const { data, selected, pan } = context;
  if (selected === undefined || pan === undefined) return undefined;
  return {
    data,
    config: context.services.config,
    dfName: selected.aid,
    pan: pan.reveal(),
    dateYymmdd: context.parameters.dateYymmdd,
  };
}

function fddaDefect(context: ContactlessContext, formats: readonly number[]): string | undefined {
  const { data } = context;
  if ((data.byte(TAG.aip, 0) & 0x20) === 0) return 'the card does not support dynamic authentication';
  const sdad = data.get(TAG.sdad);
  const input = chainInput(context);
  if (sdad === undefined || input === undefined) return 'the card gave no signature';
  const issuer = issuerKeyOf(input);
  if (!issuer.ok) return issuer.reason;
  const signed = staticData(data, context.signed);
  if (!signed.ok) return signed.reason;
  const icc = iccKeyOf(input, issuer.value, signed.value);
  if (!icc.ok) return icc.reason;
  return firstDefect(formats, (format) => verifySdad(icc.value, sdad, fddaInput(context), format));
}

function sdaDefect(context: ContactlessContext): string | undefined {
  const { data } = context;
  const ssad = data.get(TAG.ssad);
  const input = chainInput(context);
  if (ssad === undefined || input === undefined) return 'the card gave no signature';
  const issuer = issuerKeyOf(input);
  if (!issuer.ok) return issuer.reason;
  const signed = staticData(data, context.signed);
  if (!signed.ok) return signed.reason;
  return firstDefect(FORMATS.sda.online, (format) => verifySsad(issuer.value, ssad, signed.value, format));
}

/** Why a signature is of none of the formats; `undefined` when it is genuine. */
function firstDefect(
  formats: readonly number[],
  verify: (format: number) => OdaResult<unknown>,
): string | undefined {
  let reason = '';
  for (const format of formats) {
    const result = verify(format);
    if (result.ok) return undefined;
    reason = result.reason;
    if (result.code !== 'FORMAT') return reason;
  }
  return reason;
}

/** Version 01 of the card's authentication data signs amount and currency too; version 00 the number only. */
function fddaInput({ data }: ContactlessContext): Uint8Array {
  const number = data.get(TAG.unpredictableNumber) ?? NONE;
  const related = data.get(TAG.cardAuthentication);
  if (related === undefined || related[0] !== 0x01) return number;
  return concat(number, data.get(TAG.amount) ?? NONE, data.get(TAG.currency) ?? NONE, related);
}
