import { latin1 } from '../../platform/bytes.ts';
import { describeCid } from '../../tlv/bits.ts';
import { decide, end, performed, type Step } from '../kernel.ts';
import { TAG } from '../tags.ts';
import { TSI } from '../tvr.ts';
import type { ContactContext } from './context.ts';
import { answerCdol, generateAc } from './cryptogram.ts';

const SPEC = 'EMV 4.3 Book 3, 10.8';

/** Card action analysis: the first GENERATE AC (Book 3, section 10.8). */
export async function generateAc1(context: ContactContext): Promise<Step> {
  const built = answerCdol(context, context.data.get(TAG.cdol1) ?? new Uint8Array(0));
  if (!built.ok) return end('CARD_ERROR', `CDOL1: ${built.message}`);
  context.cdol1Data = built.value;
  const { request, cdaRequested } = context;
  const result = await generateAc(context, 'gac1', request, cdaRequested, [], built.value);
  if ('code' in result) return result;
  context.firstType = result.type;
  context.firstAtc = context.data.get(TAG.atc);
  performed(context, 'gac1', TSI.cardRisk, SPEC);
  switch (result.type) {
    case 'AAC':
      return declined(context);
    case 'TC':
      return result.cdaFailed ? cdaFailedOnTc(context) : approved(context);
    case 'ARQC':
      context.cdaFailedOnArqc = result.cdaFailed;
      context.data.delete(TAG.arc);
      return 'continue';
  }
}

function approved(context: ContactContext): Step {
  context.data.set(TAG.arc, latin1('Y1'));
  decide(context, 'gac1', 'Approved offline', 'the card gave a TC', SPEC);
  return end('APPROVED_OFFLINE', 'the card approved offline');
}

function cdaFailedOnTc(context: ContactContext): Step {
  context.data.set(TAG.arc, latin1('Z1'));
  decide(context, 'gac1', 'Declined', 'CDA of the TC failed', 'EMV 4.3 Book 2, 6.6.2');
  return end('DECLINED_OFFLINE', 'the signature over the cryptogram does not hold');
}

function declined(context: ContactContext): Step {
  context.data.set(TAG.arc, latin1('Z1'));
  const { reason } = describeCid(context.data.byte(TAG.cid, 0));
  const who = context.request === 'AAC' ? 'the terminal declined' : 'the card declined';
  decide(context, 'gac1', 'Declined offline', `${who}, the card says: ${reason}`, SPEC);
  return end('DECLINED_OFFLINE', who);
}
