import { latin1, toHex } from '../../platform/bytes.ts';
import { findTlv, type Tlv } from '../../tlv/ber.ts';
import { openSession } from '../apdu.ts';
import { selectCommand } from '../commands.ts';
import { parseFci } from '../fci.ts';
import { applicationData, decide, end, faultOutcome, kernelResult, swText, terminalData } from '../kernel.ts';
import { ENTRY_MODE } from '../magstripe/fallback.ts';
import { TAG } from '../tags.ts';
import type { EmvResult, EmvServices, Outcome, TransactionParameters } from '../transaction.ts';
import { resetStatus } from '../tvr.ts';
import type { ContactlessContext, KernelResult } from './context.ts';
import { type ContactlessCandidate, directoryEntries, matchCandidates, selectionName } from './directory.ts';
import { runKernel3 } from './kernels/c3/run.ts';
import { type Combination, preProcess } from './pre-processing.ts';

const PPSE_NAME = latin1('2PAY.SYS.DDF01');
const SPEC = 'EMV Contactless Book B, 3.3';

/** The kernels that are built, by kernel identifier. */
const KERNELS: ReadonlyMap<number, (context: ContactlessContext) => Promise<KernelResult>> = new Map([
  [3, runKernel3],
]);

/**
 * One contactless transaction through Entry Point (Book B): pre-processing, directory, combination, kernel,
 * outcome. A lost card ends with `TRY_AGAIN`; calling again draws a new unpredictable number.
 * @throws PossumError `USAGE` when a parameter is out of range
 */
export async function runContactless(
  parameters: TransactionParameters,
  services: EmvServices,
): Promise<EmvResult> {
  const data = terminalData(parameters, services, ENTRY_MODE.contactless);
  resetStatus(data);
  const context: ContactlessContext = {
    parameters,
    services,
    card: openSession(services.channel, services.record, services.signal),
    data,
    tagContext: 'common',
    unpredictableNumbers: 0,
    candidates: [],
    selected: undefined,
    fci: undefined,
    indicators: undefined,
    signed: { parts: [], wellFormed: true },
    seen: new Set(),
    pan: undefined,
    cvm: 'none',
    onlineSent: false,
    answer: undefined,
    scriptResults: [],
  };
  const outcome = await enter(context);
  decide(context, 'online', `Outcome: ${outcome.code}`, outcome.reason, 'EMV Contactless Book B, 3.5');
  return kernelResult(context, outcome, false);
}

async function enter(context: ContactlessContext): Promise<Outcome> {
  const allowed = startA(context);
  if (allowed.length === 0) {
    return end('TRY_ANOTHER_INTERFACE', 'no application may be used contactless for this amount');
  }
  const answer = await context.card.send(selectCommand(PPSE_NAME));
  if (answer.kind === 'fault') return faultOutcome(context, answer.fault);
  const entries = answer.sw === 0x9000 ? directoryEntries(answer.data) : [];
  const reason = answer.sw === 0x9000 ? `${entries.length} entries` : `SELECT gave ${swText(answer.sw)}`;
  decide(context, 'selection', 'Proximity directory', reason, `${SPEC}.2`);
  context.candidates = matchCandidates(entries, allowed, context.data.get(TAG.additionalCapabilities));
  for (const candidate of context.candidates) {
    const result = await tryCandidate(context, candidate);
    if (result !== 'select-next') return result;
    decide(context, 'selection', 'Select next', toHex(candidate.aid), `${SPEC}.2`);
  }
  return end('NOT_ACCEPTED', 'card and reader have no application in common');
}

/** Pre-processing of every combination; those that the amount does not allow fall out. */
function startA(context: ContactlessContext): readonly Combination[] {
  const exponent = context.data.byte(TAG.currencyExponent, 0);
  const allowed: Combination[] = [];
  for (const config of context.services.config.aids) {
    const { contactless } = config;
    if (contactless === undefined) continue;
    const combination = preProcess(config, contactless, contactless.limits, context.parameters, exponent);
    const { notAllowed } = combination.indicators;
    if (context.services.record.wantsDecisions()) {
      decide(
        context,
        'selection',
        `Pre-processing ${toHex(config.aid)}`,
        notAllowed ? 'not allowed for this amount' : `TTQ ${toHex(combination.ttq ?? new Uint8Array(0))}`,
        'EMV Contactless Book B, 3.1.1',
      );
    }
    if (!notAllowed) allowed.push(combination);
  }
  return allowed;
}

async function tryCandidate(
  context: ContactlessContext,
  candidate: ContactlessCandidate,
): Promise<KernelResult> {
  const { aid, combination } = candidate;
  const answer = await context.card.send(selectCommand(selectionName(candidate)));
  if (answer.kind === 'fault') return faultOutcome(context, answer.fault);
  if (answer.sw !== 0x9000) {
    decide(context, 'selection', 'Application refused', `SELECT gave ${swText(answer.sw)}`, `${SPEC}.3`);
    return 'select-next';
  }
  const fci = parseFci(answer.data);
  if (fci === undefined) return end('CARD_ERROR', 'the answer to SELECT is malformed');
  context.selected = candidate;
  context.fci = answer.data;
  context.seen = new Set();
  context.data.delete(TAG.pdol);
  storeFci(context, fci.proprietary);
  context.data.set(TAG.dfName, fci.dfName);
  context.data.set(TAG.aid, aid);
  applicationData(context.data, combination.config);
  const limited = dynamicLimits(context, candidate, fci.proprietary);
  if (limited === 'not-allowed') return 'select-next';
  context.indicators = limited.indicators;
  if (limited.ttq !== undefined) context.data.set(TAG.ttq, limited.ttq);
  decide(context, 'selection', 'Combination', `${toHex(aid)}, kernel ${candidate.kernel}`, `${SPEC}.3`);
  if (context.services.until === 'selection') return end('STOPPED', 'stopped after selection');
  const kernel = KERNELS.get(candidate.kernel);
  return kernel === undefined
    ? end('TRY_ANOTHER_INTERFACE', `kernel ${candidate.kernel} is not built`)
    : kernel(context);
}

function storeFci(context: ContactlessContext, items: readonly Tlv[]): void {
  for (const { tag, value, children } of items) {
    if (children === undefined) context.data.set(tag, value);
  }
}

/** Dynamic reader limits of kernel 3: the set whose program id is the longest beginning of tag 9F5A. */
function dynamicLimits(
  context: ContactlessContext,
  { combination }: ContactlessCandidate,
  proprietary: readonly Tlv[],
): Combination | 'not-allowed' {
  const discretionary = findTlv(proprietary, TAG.fciIssuerData)?.children ?? [];
  const program = findTlv(discretionary, TAG.programId)?.value;
  const { config, contactless } = combination;
  if (program === undefined) return combination;
  const set = contactless.dynamicLimits
    .filter(({ programId }) => toHex(program).startsWith(toHex(programId)))
    .sort((a, b) => b.programId.length - a.programId.length)[0];
  if (set === undefined) return combination;
  const exponent = context.data.byte(TAG.currencyExponent, 0);
  const limited = preProcess(config, contactless, set, context.parameters, exponent);
  decide(
    context,
    'selection',
    'Dynamic reader limits',
    toHex(set.programId),
    'EMV Contactless Book C-3, 2.2',
  );
  return limited.indicators.notAllowed ? 'not-allowed' : limited;
}
