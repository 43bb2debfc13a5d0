import { equalBytes, latin1 } from '../../platform/bytes.ts';
import type { RequestedType } from '../commands.ts';
import { decide, end, type Step } from '../kernel.ts';
import { TAG } from '../tags.ts';
import { terminalPower } from '../terminal-type.ts';
import { matches } from './action-analysis.ts';
import type { ContactContext } from './context.ts';
import { answerCdol, type Cryptogram, generateAc } from './cryptogram.ts';
import { runScripts } from './scripts.ts';

const SPEC = 'EMV 4.3 Book 3, 10.11';

/** Scripts before, second GENERATE AC, scripts after it, completion (Book 3, sections 10.10 and 10.11). */
export async function generateAc2(context: ContactContext): Promise<Step> {
  await runScripts(context, 0x71);
  const request = finalRequest(context);
  const built = answerCdol(context, context.data.get(TAG.cdol2) ?? new Uint8Array(0));
  if (!built.ok) return end('CARD_ERROR', `CDOL2: ${built.message}`);
  const cda = context.cdaRequested && request === 'TC' && !context.cdaFailedOnArqc;
  const result = await generateAc(context, 'gac2', request, cda, [context.cdol1Data], built.value);
  if ('code' in result) return result;
  const atc = context.data.get(TAG.atc);
  if (atc === undefined || context.firstAtc === undefined || !equalBytes(atc, context.firstAtc)) {
    return declined(context, 'the transaction counter changed: this is another card');
  }
  await runScripts(context, 0x72);
  return complete(context, result);
}

function finalRequest(context: ContactContext): RequestedType {
  const { answer, data } = context;
  if (context.cdaFailedOnArqc) {
    data.set(TAG.arc, latin1('Z1'));
    return 'AAC';
  }
  if (answer?.kind === 'answered') return answer.approved && answer.referral !== true ? 'TC' : 'AAC';
  const requestLeft = answer?.requestLeft === true;
  const denied = requestLeft || terminalPower(data) === 'online-only' || matches(context, 'default', 'gac2');
  data.set(TAG.arc, latin1(denied ? 'Z3' : 'Y3'));
  const byCodes = denied ? 'the default action codes decline' : 'the default action codes allow it';
  const why = requestLeft ? 'the issuer may have the request: what it approved is reversed' : byCodes;
  decide(context, 'gac2', denied ? 'Z3: decline' : 'Y3: approve', why, 'EMV 4.3 Book 3, 10.7');
  return denied ? 'AAC' : 'TC';
}

function complete(context: ContactContext, result: Cryptogram): Step {
  const { answer, data } = context;
  const isOnline = answer?.kind === 'answered';
  if (result.type === 'ARQC') return end('CARD_ERROR', 'the card gave a second ARQC');
  if (isOnline && answer.referral === true) return end('REFERRED', 'the issuer wants a call');
  if (result.cdaFailed) return declined(context, 'the signature over the cryptogram does not hold');
  if (result.type === 'TC') {
    decide(context, 'gac2', 'Approved', 'the card gave a TC', SPEC);
    return isOnline
      ? end('APPROVED_ONLINE', `approved by the issuer (${answer.arc})`)
      : end('APPROVED_OFFLINE', 'unable to go online, approved by card and terminal');
  }
  if (isOnline) {
    const who = answer.approved ? 'the card declined what the issuer approved' : 'the issuer declined';
    return declined(context, `${who} (${answer.arc})`);
  }
  if (!context.cdaFailedOnArqc) data.set(TAG.arc, latin1('Z3'));
  return declined(
    context,
    context.cdaFailedOnArqc ? 'the signature over the cryptogram does not hold' : 'unable to go online',
  );
}

function declined(context: ContactContext, reason: string): Step {
  decide(context, 'gac2', 'Declined', reason, SPEC);
  const isOnline = context.answer?.kind === 'answered';
  return end(isOnline ? 'DECLINED_ONLINE' : 'DECLINED_OFFLINE', reason);
}
