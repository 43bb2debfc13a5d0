import { toHex } from '../../../../platform/bytes.ts';
import { parseTlv, tagHex } from '../../../../tlv/ber.ts';
import { dolHas } from '../../../../tlv/dol.ts';
import { getProcessingOptionsCommand } from '../../../commands.ts';
import { answerDol, decide, end, faultOutcome, swText } from '../../../kernel.ts';
import { storeCardObjects } from '../../../records.ts';
import { TAG } from '../../../tags.ts';
import type { ContactlessContext, KernelResult } from '../../context.ts';

const SPEC = 'EMV Contactless Book C-3, 5.2';
const MANDATORY = [TAG.aip, TAG.cryptogram, TAG.atc, TAG.issuerApplicationData, TAG.track2] as const;
const TYPES = ['AAC', 'TC', 'ARQC', undefined] as const;

/** GET PROCESSING OPTIONS with the reader's qualifiers; the answer holds cryptogram and track 2. */
export async function initiate(
  context: ContactlessContext,
): Promise<KernelResult | { readonly type: 'AAC' | 'TC' | 'ARQC' }> {
  const pdol = context.data.get(TAG.pdol);
  if (pdol === undefined || !dolHas(pdol, TAG.ttq)) {
    decide(context, 'gpo', 'No qualifiers in the PDOL', 'the card is not for kernel 3', SPEC);
    return 'select-next';
  }
  const built = answerDol(context, pdol);
  if (!built.ok) return end('CARD_ERROR', `PDOL: ${built.message}`);
  const answer = await context.card.send(getProcessingOptionsCommand(built.value));
  if (answer.kind === 'fault') return faultOutcome(context, answer.fault);
  switch (answer.sw) {
    case 0x9000:
      break;
    case 0x6984:
      return { ...end('TRY_ANOTHER_INTERFACE', 'the card wants its contacts (6984)'), ask: 'insert-card' };
    case 0x6985:
      return 'select-next';
    case 0x6986:
      return { ...end('TRY_AGAIN', 'the cardholder has to act on the device (6986)'), ask: 'see-phone' };
    default:
      return end('CARD_ERROR', `GET PROCESSING OPTIONS gave ${swText(answer.sw)}`);
  }
  const problem = takeAnswer(context, answer.data);
  if (problem !== undefined) return end('CARD_ERROR', `GET PROCESSING OPTIONS: ${problem}`);
  const type = cryptogramType(context);
  if (type === undefined) return end('CARD_ERROR', 'the card gave a reserved cryptogram type');
  decide(context, 'gpo', `Card gave ${type}`, `AIP ${toHex(context.data.get(TAG.aip) as Uint8Array)}`, SPEC);
  return { type };
}

function takeAnswer(context: ContactlessContext, response: Uint8Array): string | undefined {
  const parsed = parseTlv(response);
  if (!parsed.ok) return parsed.error.message;
  const template = parsed.items.length === 1 ? parsed.items[0] : undefined;
  if (template?.tag !== TAG.responseTemplate) return 'the answer is not of format 2';
  const problem = storeCardObjects(context, template.children ?? [], context.seen);
  if (problem !== undefined) return problem;
  const missing = MANDATORY.filter((tag) => !context.seen.has(tag)).map(tagHex);
  return missing.length === 0 ? undefined : `missing: ${missing.join(', ')}`;
}

/** From 9F27, else from bits 6 and 5 of byte 5 of the issuer application data. */
function cryptogramType(context: ContactlessContext): 'AAC' | 'TC' | 'ARQC' | undefined {
  if (!context.seen.has(TAG.cid)) {
    const bits = (context.data.byte(TAG.issuerApplicationData, 4) >> 4) & 0x03;
    context.data.set(TAG.cid, Uint8Array.of(bits << 6));
  }
  return TYPES[context.data.byte(TAG.cid, 0) >> 6];
}
