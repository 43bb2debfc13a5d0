import { latin1, toHex } from '../../platform/bytes.ts';
import { decide, type Step } from '../kernel.ts';
import { TAG } from '../tags.ts';
import { terminalPower } from '../terminal-type.ts';
import { hasTvr, TVR } from '../tvr.ts';
import { type ContactContext, selectedConfig } from './context.ts';

const SPEC = 'EMV 4.3 Book 3, 10.7';

/** Terminal action analysis (Book 3, section 10.7): which cryptogram to ask for. */
export async function actionAnalysis(context: ContactContext): Promise<Step> {
  const power = terminalPower(context.data);
  if (matches(context, 'denial')) context.request = 'AAC';
  else if (power === 'online-only') context.request = 'ARQC';
  else if (power === 'both') context.request = matches(context, 'online') ? 'ARQC' : 'TC';
  else context.request = matches(context, 'default') ? 'AAC' : 'TC';
  if (context.request === 'TC') context.data.set(TAG.arc, latin1('Y1'));
  if (context.request === 'AAC') context.data.set(TAG.arc, latin1('Z1'));
  // A key that could not be recovered cannot verify a signature: it is not asked for (Book 2, section 6.6).
  context.cdaRequested =
    context.request !== 'AAC' && context.iccKey !== undefined && !hasTvr(context.data, TVR.cdaFailed);
  decide(context, 'taa', `Ask for ${context.request}`, `terminal is ${power}`, SPEC);
  return 'continue';
}

const CODES = {
  denial: { tag: TAG.iacDenial, absent: 0x00 },
  online: { tag: TAG.iacOnline, absent: 0xff },
  default: { tag: TAG.iacDefault, absent: 0xff },
} as const;

/**
 * True when a bit of the TVR is set that the terminal's or the card's action code names. A card without action
 * codes denies nothing and wants everything else looked at.
 */
export function matches(
  context: ContactContext,
  kind: keyof typeof CODES,
  phase: 'taa' | 'gac2' = 'taa',
): boolean {
  const { tag, absent } = CODES[kind];
  const tvr = context.data.get(TAG.tvr) ?? new Uint8Array(5);
  const tac = selectedConfig(context).tac[kind];
  const iac = context.data.get(tag) ?? new Uint8Array(5).fill(absent);
  const hits = tvr.map((byte, i) => byte & ((tac[i] ?? 0) | (iac[i] ?? 0)));
  const found = hits.some((byte) => byte !== 0);
  const codes = `TVR ${toHex(tvr)}, TAC ${toHex(tac)}, IAC ${toHex(iac)}`;
  const reason = found ? `${codes}: ${toHex(hits)} in common` : `${codes}: nothing in common`;
  decide(context, phase, `Action codes ${kind}`, reason, SPEC);
  return found;
}
