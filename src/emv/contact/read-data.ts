import { Pan } from '../../platform/secret.ts';
import { tagHex } from '../../tlv/ber.ts';
import { DOL_MAX_BYTES, parseDol } from '../../tlv/dol.ts';
import { decide, end, type Step } from '../kernel.ts';
import { cardIdentity, parseAfl, readRecords } from '../records.ts';
import { TAG } from '../tags.ts';
import type { ContactContext } from './context.ts';

const SPEC = 'EMV 4.3 Book 3, 10.2';

/** Objects without which a transaction cannot be completed (Book 3, section 7.2). */
const MANDATORY = [TAG.expiry, TAG.pan, TAG.cdol1, TAG.cdol2] as const;

/** Read application data (Book 3, section 10.2), and the checks on what was read (section 7.5). */
export async function readData(context: ContactContext): Promise<Step> {
  const entries = parseAfl(context.data.get(TAG.afl) ?? new Uint8Array(0));
  if (entries === undefined) return end('CARD_ERROR', 'the Application File Locator is malformed');
  const problem = await readRecords(context, entries, context.signed, context.seen);
  if (problem !== undefined) return problem;
  const missing = MANDATORY.filter((tag) => !context.data.has(tag)).map(tagHex);
  if (missing.length > 0) return end('CARD_ERROR', `mandatory data is missing: ${missing.join(', ')}`);
  const defect = listDefect(context, TAG.cdol1) ?? listDefect(context, TAG.cdol2);
  if (defect !== undefined) return end('CARD_ERROR', defect);
  const identity = cardIdentity(context);
  if (identity.kind === 'contradiction') return end('DECLINED_OFFLINE', identity.reason);
  if (identity.kind === 'none') return end('CARD_ERROR', 'the card has no PAN');
  context.pan = new Pan(identity.digits);
  decide(context, 'read', 'Application data read', `PAN ${context.pan}`, SPEC);
  return 'continue';
}

/** A list that no command can answer is found out now, not when the issuer has approved. */
function listDefect({ data }: ContactContext, tag: number): string | undefined {
  const dol = parseDol(data.get(tag) ?? new Uint8Array(0));
  if (!dol.ok) return `${tagHex(tag)}: ${dol.message}`;
  const total = dol.value.reduce((sum, { length }) => sum + length, 0);
  return total > DOL_MAX_BYTES ? `${tagHex(tag)} asks for ${total} bytes` : undefined;
}
