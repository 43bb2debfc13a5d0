import { toHex } from '../../platform/bytes.ts';
import { findTlv, parseTlv } from '../../tlv/ber.ts';
import { getProcessingOptionsCommand } from '../commands.ts';
import { answerDol, decide, end, faultOutcome, type Step, swText } from '../kernel.ts';
import { storeCardObjects } from '../records.ts';
import { TAG } from '../tags.ts';
import type { ContactContext } from './context.ts';

const SPEC = 'EMV 4.3 Book 3, 10.1';

/**
 * Initiate application processing (Book 3, section 10.1): GET PROCESSING OPTIONS with the card's PDOL.
 * @returns `next-application` when the card refuses this one (6985)
 */
export async function initiate(context: ContactContext): Promise<Step | 'next-application'> {
  const built = answerDol(context, context.data.get(TAG.pdol) ?? new Uint8Array(0));
  if (!built.ok) return end('CARD_ERROR', `PDOL: ${built.message}`);
  context.pdolData = built.value;
  const answer = await context.card.send(getProcessingOptionsCommand(built.value));
  if (answer.kind === 'fault') return faultOutcome(context, answer.fault);
  if (answer.sw === 0x6985) {
    decide(context, 'gpo', 'Conditions of use not satisfied', 'the next application is tried', SPEC);
    return 'next-application';
  }
  if (answer.sw !== 0x9000) return end('CARD_ERROR', `GET PROCESSING OPTIONS gave ${swText(answer.sw)}`);
  const problem = takeProcessingOptions(context, answer.data);
  if (problem !== undefined) return end('CARD_ERROR', `GET PROCESSING OPTIONS: ${problem}`);
  const aip = context.data.get(TAG.aip) as Uint8Array;
  decide(context, 'gpo', 'Application Interchange Profile', toHex(aip), SPEC);
  return 'continue';
}

/** Format 1: template 80 with AIP and AFL; format 2: template 77 (Book 3, section 6.5.8.4). */
function takeProcessingOptions(context: ContactContext, response: Uint8Array): string | undefined {
  const parsed = parseTlv(response);
  if (!parsed.ok) return parsed.error.message;
  const [template, ...others] = parsed.items;
  if (template === undefined || others.length > 0) return 'the answer is not one template';
  if (template.tag === TAG.responseFormat1) {
    if (template.value.length < 6) return 'the answer is too short';
    context.data.set(TAG.aip, template.value.subarray(0, 2));
    context.data.set(TAG.afl, template.value.subarray(2));
    context.seen.add(TAG.aip).add(TAG.afl);
    return undefined;
  }
  if (template.tag !== TAG.responseTemplate) return 'the answer is neither format 1 nor format 2';
  const items = template.children ?? [];
  if (findTlv(items, TAG.aip) === undefined) return 'the AIP is missing';
  if (findTlv(items, TAG.afl) === undefined) return 'the AFL is missing';
  return storeCardObjects(context, items, context.seen);
}
