import { equalBytes } from '../../../../platform/bytes.ts';
import { decide } from '../../../kernel.ts';
import { TAG } from '../../../tags.ts';
import type { ContactlessContext } from '../../context.ts';
import { CTQ, cvmRequired, hasCtq, hasTtq, type Kernel3State, TTQ } from './state.ts';

const SPEC = 'EMV Contactless Book C-3, 5.7';

/** Cardholder verification by the card's qualifiers, or by the reader's where the card has none. */
export function cvm(context: ContactlessContext, state: Kernel3State): void {
  const choice = context.data.has(TAG.ctq) ? byCard(context, state) : byReader(context);
  context.cvm = choice.cvm;
  if (choice.cvm === 'failed') state.declineRequired = true;
  if (choice.cvm === 'online-pin') state.onlineRequired = true;
  decide(context, 'cvm', `CVM: ${choice.cvm}`, choice.reason, SPEC);
}

interface Choice {
  readonly cvm: ContactlessContext['cvm'];
  readonly reason: string;
}

function byReader(context: ContactlessContext): Choice {
  if (!cvmRequired(context)) return { cvm: 'none', reason: 'below the CVM limit' };
  if (hasTtq(context, TTQ.signature)) return { cvm: 'signature', reason: 'the reader requires a CVM' };
  if (hasTtq(context, TTQ.onlinePin)) return { cvm: 'online-pin', reason: 'the reader requires a CVM' };
  return { cvm: 'failed', reason: 'a CVM is required, the reader has none' };
}

function byCard(context: ContactlessContext, state: Kernel3State): Choice {
  if (hasCtq(context, CTQ.onlinePin) && hasTtq(context, TTQ.onlinePin)) {
    return { cvm: 'online-pin', reason: 'the card wants an online PIN' };
  }
  if ((context.data.byte(TAG.ctq, 1) & 0x80) !== 0) return onDevice(context, state);
  if (hasCtq(context, CTQ.signature) && hasTtq(context, TTQ.signature)) {
    return { cvm: 'signature', reason: 'the card wants a signature' };
  }
  return cvmRequired(context)
    ? { cvm: 'failed', reason: 'a CVM is required, card and reader have none in common' }
    : { cvm: 'none', reason: 'neither card nor reader wants one' };
}

/**
 * The device says that it verified its holder. It is believed where that statement is part of the signed data
 * or of an online cryptogram; where a CVM is required, neither after a failed signature nor from a plain card.
 */
function onDevice(context: ContactlessContext, state: Kernel3State): Choice {
  const doubt = doubtAboutDevice(context, state);
  if (doubt !== undefined) {
    return hasTtq(context, TTQ.onlinePin) && state.type === 'ARQC'
      ? { cvm: 'online-pin', reason: `${doubt}: the PIN is wanted` }
      : { cvm: 'failed', reason: doubt };
  }
  const related = context.data.get(TAG.cardAuthentication);
  const ctq = context.data.get(TAG.ctq);
  if (related !== undefined && ctq !== undefined) {
    if (state.type === 'TC' && related[0] !== 0x01) {
      return { cvm: 'failed', reason: 'verified on the device, but the signature does not cover it' };
    }
    return equalBytes(related.subarray(5, 7), ctq.subarray(0, 2))
      ? { cvm: 'cdcvm', reason: 'verified on the device, confirmed by the authentication data' }
      : { cvm: 'failed', reason: 'qualifiers and authentication data contradict each other' };
  }
  return state.type === 'ARQC'
    ? { cvm: 'cdcvm', reason: 'verified on the device, the issuer checks it' }
    : { cvm: 'failed', reason: 'verified on the device, but nothing confirms it' };
}

/** Form factors of 9F6E, byte 1, bits 5 to 1, that have nothing to verify a holder with: card and mini card. */
const PLAIN_FORM_FACTORS: readonly (number | undefined)[] = [0, 1];

function doubtAboutDevice(context: ContactlessContext, state: Kernel3State): string | undefined {
  if (!cvmRequired(context)) return undefined;
  if (state.oda === 'failed') return 'verified on the device, but data authentication failed';
  const formFactor = context.data.get(TAG.formFactor)?.[0];
  if (formFactor === undefined || !PLAIN_FORM_FACTORS.includes(formFactor & 0x1f)) return undefined;
  return 'verified on the device, but the device is a plain card';
}
