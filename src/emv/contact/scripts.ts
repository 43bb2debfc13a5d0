import { concat, toHex } from '../../platform/bytes.ts';
import { findTlv, parseTlv, type Tlv } from '../../tlv/ber.ts';
import { decide, performed, raise, swText } from '../kernel.ts';
import { TAG } from '../tags.ts';
import { TSI, TVR } from '../tvr.ts';
import type { ContactContext } from './context.ts';
import { scriptsOf } from './online.ts';

const SPEC = 'EMV 4.3 Book 3, 10.10';

/** High nibble of the first byte of a script result (Book 4, annex A5). */
const RESULT = { notPerformed: 0x00, failed: 0x10, successful: 0x20 } as const;

/**
 * Issuer-to-card script processing (Book 3, section 10.10): templates 71 before the second GENERATE AC, 72 after
 * it. A failing command ends its script, not the transaction; the results go to the issuer.
 */
export async function runScripts(context: ContactContext, template: 0x71 | 0x72): Promise<void> {
  for (const script of scriptsOf(context.answer, template)) {
    const result = await runScript(context, script);
    context.scriptResults.push(result);
    context.data.set(TAG.scriptResults, concat(...context.scriptResults));
    const isGood = (result[0] as number) >> 4 === 2;
    decide(context, 'gac2', `Script ${toHex(result.subarray(1))}`, isGood ? 'done' : 'failed', SPEC);
    if (!isGood) {
      const bit = template === 0x71 ? TVR.scriptFailedBefore : TVR.scriptFailedAfter;
      raise(context, 'gac2', bit, `result ${toHex(result)}`, SPEC);
    }
    performed(context, 'gac2', TSI.scripts, SPEC);
  }
}

/** @returns five bytes: result and number of the failing command, then the script's identifier */
async function runScript(context: ContactContext, script: Uint8Array): Promise<Uint8Array> {
  const parsed = parseTlv(script);
  const items: readonly Tlv[] = parsed.ok ? (parsed.items[0]?.children ?? []) : [];
  const identifier = findTlv(items, TAG.scriptIdentifier)?.value;
  const result = new Uint8Array(5);
  if (identifier?.length === 4) result.set(identifier, 1);
  const commands = items.filter((item) => item.tag === TAG.scriptCommand);
  if (!parsed.ok || commands.length === 0 || commands.some((command) => command.value.length < 4)) {
    result[0] = RESULT.notPerformed;
    return result;
  }
  for (const [index, command] of commands.entries()) {
    const answer = await context.card.send(command.value);
    const sw1 = answer.kind === 'answer' ? answer.sw >> 8 : 0;
    if (sw1 === 0x90 || sw1 === 0x62 || sw1 === 0x63) continue;
    const what = answer.kind === 'answer' ? swText(answer.sw) : `no answer (${answer.fault})`;
    decide(context, 'gac2', `Script command ${index + 1}`, what, SPEC);
    result[0] = RESULT.failed | Math.min(index + 1, 0x0f);
    return result;
  }
  result[0] = RESULT.successful;
  return result;
}
