import { openSession } from '../apdu.ts';
import { decide, end, kernelResult, type Step, terminalData } from '../kernel.ts';
import { ENTRY_MODE } from '../magstripe/fallback.ts';
import type { EmvResult, EmvServices, Outcome, PhaseName, TransactionParameters } from '../transaction.ts';
import { resetStatus } from '../tvr.ts';
import { actionAnalysis } from './action-analysis.ts';
import type { ContactContext } from './context.ts';
import { cvm } from './cvm.ts';
import { generateAc1 } from './generate-ac-1.ts';
import { generateAc2 } from './generate-ac-2.ts';
import { initiate } from './initiate.ts';
import { oda } from './oda.ts';
import { online } from './online.ts';
import { readData } from './read-data.ts';
import { restrictions } from './restrictions.ts';
import { risk } from './risk.ts';
import { selection } from './selection.ts';

/** The phases behind application initiation, in the order of Book 3, figure 7. */
const PHASES: readonly (readonly [PhaseName, (context: ContactContext) => Promise<Step>])[] = [
  ['read', readData],
  ['oda', oda],
  ['restrictions', restrictions],
  ['cvm', cvm],
  ['risk', risk],
  ['taa', actionAnalysis],
  ['gac1', generateAc1],
  ['online', online],
  ['gac2', generateAc2],
];

/**
 * One contact transaction (EMV Books 1 to 4). Whatever the card does ends as an outcome; the card stays powered.
 * @throws PossumError `USAGE` when a parameter is out of range
 */
export async function runContact(
  parameters: TransactionParameters,
  services: EmvServices,
): Promise<EmvResult> {
  const context = createContext(parameters, services);
  const at: { phase: PhaseName } = { phase: 'selection' };
  const outcome = await play(context, at);
  decide(context, at.phase, `Outcome: ${outcome.code}`, outcome.reason, 'EMV 4.3 Book 3, 10.11');
  return resultOf(context, outcome, at.phase);
}

function createContext(parameters: TransactionParameters, services: EmvServices): ContactContext {
  const data = terminalData(parameters, services, ENTRY_MODE.chip);
  resetStatus(data);
  return {
    parameters,
    services,
    card: openSession(services.channel, services.record, services.signal),
    data,
    tagContext: 'common',
    unpredictableNumbers: 0,
    candidates: [],
    remaining: [],
    selected: undefined,
    chosenByCardholder: false,
    pdolData: new Uint8Array(0),
    signed: { parts: [], wellFormed: true },
    seen: new Set(),
    pan: undefined,
    oda: 'none',
    iccKey: undefined,
    cvm: 'none',
    request: 'AAC',
    cdaRequested: false,
    cdol1Data: new Uint8Array(0),
    firstAtc: undefined,
    firstType: undefined,
    cdaFailedOnArqc: false,
    onlineSent: false,
    answer: undefined,
    scriptResults: [],
  };
}

async function play(context: ContactContext, at: { phase: PhaseName }): Promise<Outcome> {
  const { until, signal } = context.services;
  const begun = await begin(context, at);
  if (begun !== 'continue') return begun;
  for (const [name, phase] of PHASES) {
    at.phase = name;
    if (signal.aborted && context.answer === undefined) {
      return end('CANCELLED', 'the transaction was cancelled');
    }
    const step = await phase(context);
    if (step !== 'continue') return step;
    if (until === name) return end('STOPPED', `stopped after ${name}`);
  }
  return end('CARD_ERROR', 'the transaction came to no end');
}

/** Selection and GET PROCESSING OPTIONS, until an application goes along. */
async function begin(context: ContactContext, at: { phase: PhaseName }): Promise<Step> {
  const { until } = context.services;
  for (;;) {
    at.phase = 'selection';
    const selected = await selection(context);
    if (selected !== 'continue') return selected;
    if (until === 'selection') return end('STOPPED', 'stopped after selection');
    at.phase = 'gpo';
    const initiated = await initiate(context);
    if (initiated === 'next-application') continue;
    if (initiated === 'continue' && until === 'gpo') return end('STOPPED', 'stopped after gpo');
    return initiated;
  }
}

function resultOf(context: ContactContext, outcome: Outcome, phase: PhaseName): EmvResult {
  const isEarly = phase === 'selection' || phase === 'gpo';
  return kernelResult(context, outcome, outcome.code === 'CARD_ERROR' && isEarly);
}
