import { Pan } from '../../../../platform/secret.ts';
import { brandMismatch } from '../../../brand.ts';
import { decide, end } from '../../../kernel.ts';
import { cardIdentity, parseAfl, readRecords } from '../../../records.ts';
import { TAG } from '../../../tags.ts';
import type { Outcome, PhaseName } from '../../../transaction.ts';
import type { ContactlessContext, KernelResult } from '../../context.ts';
import { cvm } from './cvm.ts';
import { initiate } from './initiate.ts';
import { dataAuthentication } from './oda.ts';
import { conclude } from './outcome.ts';
import { restrictions } from './restrictions.ts';
import { hasTtq, type Kernel3State, onlineCryptogramRequired, TTQ } from './state.ts';

/** Kernel 3 (qVSDC): GPO, records, restrictions, data authentication, CVM, outcome. The card may leave before the CVM. */
export async function runKernel3(context: ContactlessContext): Promise<KernelResult> {
  const stop = (phase: PhaseName): Outcome | undefined =>
    context.services.until === phase ? end('STOPPED', `stopped after ${phase}`) : undefined;
  context.tagContext = 'C-3';
  const initiated = await initiate(context);
  if (initiated === 'select-next' || 'code' in initiated) return initiated;
  const { type } = initiated;
  const state: Kernel3State = {
    type,
    declineRequired: type === 'AAC',
    onlineRequired: type === 'ARQC' || (type === 'TC' && onlineCryptogramRequired(context)),
    oda: 'none',
  };
  return (
    stop('gpo') ??
    (await readData(context)) ??
    stop('read') ??
    restrictions(context, state) ??
    stop('restrictions') ??
    dataAuthentication(context, state) ??
    stop('oda') ??
    verify(context, state) ??
    stop('cvm') ??
    stop('risk') ??
    stop('taa') ??
    stop('gac1') ??
    (await conclude(context, state))
  );
}

/** Records hold the card's key and whatever the GPO answer had no room for; they may be absent. */
async function readData(context: ContactlessContext): Promise<Outcome | undefined> {
  const afl = context.data.get(TAG.afl);
  if (context.seen.has(TAG.afl) && afl !== undefined && afl.length > 0) {
    const entries = parseAfl(afl);
    if (entries === undefined) return end('CARD_ERROR', 'the Application File Locator is malformed');
    const problem = await readRecords(context, entries, context.signed, context.seen);
    if (problem !== undefined) return problem;
  }
  const identity = cardIdentity(context);
  if (identity.kind === 'contradiction') return end('DECLINED_OFFLINE', identity.reason);
  if (identity.kind === 'none') return end('CARD_ERROR', 'the PAN is malformed');
  context.pan = new Pan(identity.digits);
  decide(context, 'read', 'Application data read', `PAN ${context.pan}`, 'EMV Contactless Book C-3, 5.4');
  return brandOutcome(context, identity.digits);
}

/** An account of another scheme was put behind this application: the contacts tell which one is true. */
function brandOutcome(context: ContactlessContext, pan: string): Outcome | undefined {
  const mismatch = context.selected && brandMismatch(context.selected.aid, pan);
  if (mismatch === undefined) return undefined;
  return hasTtq(context, TTQ.contactChip)
    ? end('TRY_ANOTHER_INTERFACE', mismatch)
    : end('DECLINED_OFFLINE', mismatch);
}

function verify(context: ContactlessContext, state: Kernel3State): undefined {
  if (!state.declineRequired) cvm(context, state);
  return undefined;
}
