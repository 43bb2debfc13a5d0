import { latin1 } from '../../platform/bytes.ts';
import { externalAuthenticateCommand } from '../commands.ts';
import { decide, faultOutcome, performed, raise, type Step, swText } from '../kernel.ts';
import { TAG } from '../tags.ts';
import { terminalPower } from '../terminal-type.ts';
import type { OnlineAnswer } from '../transaction.ts';
import { TSI, TVR } from '../tvr.ts';
import type { ContactContext } from './context.ts';

const SPEC = 'EMV 4.3 Book 3, 10.9';

/** Online processing and issuer authentication (Book 3, section 10.9). */
export async function online(context: ContactContext): Promise<Step> {
  if (context.cdaFailedOnArqc) {
    const reason = 'CDA of the ARQC failed: the transaction is completed with an AAC';
    decide(context, 'online', 'Not sent', reason, 'EMV 4.3 Book 2, 6.6.2');
    return 'continue';
  }
  context.answer = await ask(context);
  const { answer } = context;
  if (answer.kind === 'unable') {
    decide(context, 'online', 'Unable to go online', 'no answer from the issuer', SPEC);
    return 'continue';
  }
  context.data.set(TAG.arc, latin1(answer.arc.padEnd(2).slice(0, 2)));
  for (const [tag, value] of answer.tags) if (!isScript(tag)) context.data.set(tag, value);
  const verdict = answer.approved ? 'approved' : answer.referral === true ? 'wants a call' : 'declined';
  decide(context, 'online', `The issuer ${verdict}`, `response code ${answer.arc}`, SPEC);
  return authenticateIssuer(context);
}

async function ask(context: ContactContext): Promise<OnlineAnswer> {
  const { services, data, pan, cvm } = context;
  if (terminalPower(data) === 'offline-only' || pan === undefined) return { kind: 'unable' };
  context.onlineSent = true;
  return services.authorise({ interface: 'contact', data, pan, cvm });
}

function isScript(tag: number): boolean {
  return tag === TAG.scriptBeforeAc || tag === TAG.scriptAfterAc;
}

/** EXTERNAL AUTHENTICATE when the AIP asks for it; otherwise tag 91 reaches the card in CDOL2. */
async function authenticateIssuer(context: ContactContext): Promise<Step> {
  const data = context.data.get(TAG.issuerAuthenticationData);
  if (data === undefined) {
    decide(context, 'online', 'No issuer authentication', 'the answer holds no tag 91', SPEC);
    return 'continue';
  }
  if ((context.data.byte(TAG.aip, 0) & 0x04) === 0) {
    decide(context, 'online', 'No EXTERNAL AUTHENTICATE', 'the AIP does not ask for it', SPEC);
    return 'continue';
  }
  if (data.length < 8 || data.length > 16) {
    raise(context, 'online', TVR.issuerAuthenticationFailed, `tag 91 has ${data.length} bytes`, SPEC);
    return 'continue';
  }
  const answer = await context.card.send(externalAuthenticateCommand(data));
  if (answer.kind === 'fault') return faultOutcome(context, answer.fault);
  performed(context, 'online', TSI.issuerAuthentication, SPEC);
  if (answer.sw === 0x9000) {
    decide(context, 'online', 'Issuer authenticated', 'EXTERNAL AUTHENTICATE gave 9000', SPEC);
  } else {
    const reason = `EXTERNAL AUTHENTICATE gave ${swText(answer.sw)}`;
    raise(context, 'online', TVR.issuerAuthenticationFailed, reason, SPEC);
  }
  return 'continue';
}
