import { concat, toHex } from '../../platform/bytes.ts';
import { runScript, scriptsOf } from '../issuer-scripts.ts';
import { decide, performed, raise } from '../kernel.ts';
import { TAG } from '../tags.ts';
import { TSI, TVR } from '../tvr.ts';
import type { ContactContext } from './context.ts';

const SPEC = 'EMV 4.3 Book 3, 10.10';

/**
 * Issuer-to-card script processing (Book 3, section 10.10): templates 71 before the second GENERATE AC, 72 after
 * it. A failing command ends its script, not the transaction; the results go to the issuer.
 */
export async function runScripts(context: ContactContext, template: 0x71 | 0x72): Promise<void> {
  for (const script of scriptsOf(context.answer, template)) {
    const { bytes, successful, problem } = await runScript(context.card, script);
    context.scriptResults.push(bytes);
    context.data.set(TAG.scriptResults, concat(...context.scriptResults));
    decide(context, 'gac2', `Script ${toHex(bytes.subarray(1))}`, problem ?? 'done', SPEC);
    if (!successful) {
      const bit = template === 0x71 ? TVR.scriptFailedBefore : TVR.scriptFailedAfter;
      raise(context, 'gac2', bit, `result ${toHex(bytes)}`, SPEC);
    }
    performed(context, 'gac2', TSI.scripts, SPEC);
  }
}
