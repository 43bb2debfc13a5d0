import { concat, equalBytes, toHex } from '../../../../platform/bytes.ts';
import { type CardSession, openSession } from '../../../apdu.ts';
import { externalAuthenticateCommand, selectCommand } from '../../../commands.ts';
import { parseFci } from '../../../fci.ts';
import { runScript, type ScriptResult, scriptNotPerformed, scriptsOf } from '../../../issuer-scripts.ts';
import { decide, swText } from '../../../kernel.ts';
import { TAG } from '../../../tags.ts';
import type { ContactlessContext } from '../../context.ts';
import { selectionName } from '../../directory.ts';
import { issuerUpdateSupported } from './state.ts';

const SPEC = 'EMV Contactless Book C-3, 5.9';
/** Other cards that are presented before the update is given up. */
const MAX_OTHER_CARDS = 3;

/**
 * Issuer update processing: where reader and card know it and the issuer sent data for the card, the card is
 * presented once more, selected without GET PROCESSING OPTIONS, and given EXTERNAL AUTHENTICATE and the scripts,
 * 71 before 72. The issuer's decision stands, whatever becomes of the update; its scripts' results are in 9F5B.
 */
export async function issuerUpdate(context: ContactlessContext): Promise<void> {
  const { answer } = context;
  if (answer?.kind !== 'answered' || !issuerUpdateSupported(context)) return;
  const authentication = answer.tags.get(TAG.issuerAuthenticationData);
  const scripts = [...scriptsOf(answer, TAG.scriptBeforeAc), ...scriptsOf(answer, TAG.scriptAfterAc)];
  if (authentication === undefined && scripts.length === 0) return;
  decide(context, 'online', 'Second presentment', 'the issuer has data for the card', SPEC);
  const card = await sameCard(context);
  const reached = card !== undefined && (await authenticate(context, card, authentication));
  for (const script of scripts) {
    keep(context, reached ? await runScript(card, script) : scriptNotPerformed(script));
  }
}

function keep(context: ContactlessContext, { bytes, problem }: ScriptResult): void {
  context.scriptResults.push(bytes);
  context.data.set(TAG.scriptResults, concat(...context.scriptResults));
  decide(context, 'online', `Script ${toHex(bytes.subarray(1))}`, problem ?? 'done', SPEC);
}

/** Has cards presented until the right one is selected; `undefined` when it does not come. */
async function sameCard(context: ContactlessContext): Promise<CardSession | undefined> {
  const { services } = context;
  for (let others = 0; others < MAX_OTHER_CARDS; others++) {
    const channel =
      services.presentAgain === undefined ? services.channel : await services.presentAgain(others > 0);
    if (channel === undefined) {
      decide(context, 'online', 'No issuer update', 'the card was not presented again', SPEC);
      return undefined;
    }
    const session = openSession(channel, services.record, services.signal);
    const problem = await select(context, session);
    if (problem === undefined) return session;
    decide(context, 'online', 'Card refused', problem, SPEC);
    if (services.presentAgain === undefined) return undefined;
  }
  return undefined;
}

/** Selects the application of the first presentment. @returns why this is not its card */
async function select(context: ContactlessContext, session: CardSession): Promise<string | undefined> {
  const { selected, fci } = context;
  if (selected === undefined) return 'no application was selected';
  const answer = await session.send(selectCommand(selectionName(selected)));
  if (answer.kind === 'fault') return `no answer to SELECT (${answer.fault})`;
  if (answer.sw !== 0x9000) return `SELECT gave ${swText(answer.sw)}`;
  // A card that says nothing of itself now is not doubted: its keys answer for it.
  const isOther = fci !== undefined && parseFci(answer.data) !== undefined && !equalBytes(fci, answer.data);
  return isOther ? 'this is another card' : undefined;
}

/** EXTERNAL AUTHENTICATE. @returns false when the card is gone; a failure leaves the scripts to their MACs */
async function authenticate(
  context: ContactlessContext,
  card: CardSession,
  data: Uint8Array | undefined,
): Promise<boolean> {
  if (data === undefined) return true;
  context.data.set(TAG.issuerAuthenticationData, data);
  if (data.length < 8 || data.length > 16) {
    decide(context, 'online', 'Issuer not authenticated', `tag 91 has ${data.length} bytes`, SPEC);
    return true;
  }
  const answer = await card.send(externalAuthenticateCommand(data));
  const result = answer.kind === 'fault' ? answer.fault : swText(answer.sw);
  const isGood = answer.kind === 'answer' && answer.sw === 0x9000;
  const rule = isGood ? 'Issuer authenticated' : 'Issuer not authenticated';
  decide(context, 'online', rule, `EXTERNAL AUTHENTICATE gave ${result}`, SPEC);
  return answer.kind === 'answer';
}
