import { concat, fromHex, numericToBytes, uintToBytes } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import type { Pan } from '../platform/secret.ts';
import type { ExchangeFault } from '../ports/index.ts';
import type { TagContext } from '../tlv/dictionary.ts';
import { buildDol, type DolResult, dolHas } from '../tlv/dol.ts';
import type { CardSession } from './apdu.ts';
import { DataStore } from './data-store.ts';
import type { AidConfig } from './parameters.ts';
import { TAG } from './tags.ts';
import type {
  Candidate,
  CvmMethod,
  EmvResult,
  EmvServices,
  OnlineAnswer,
  Outcome,
  OutcomeCode,
  PhaseName,
  TransactionParameters,
} from './transaction.ts';
import { setTsi, setTvr, type TsiBit, type TvrBit } from './tvr.ts';

/** What the phases of all kernels work on. */
export interface KernelContext {
  readonly parameters: TransactionParameters;
  readonly services: EmvServices;
  readonly card: CardSession;
  readonly data: DataStore;
  /** Whose meaning of a tag counts. */
  readonly tagContext: TagContext;
  /** Unpredictable numbers given out so far. */
  unpredictableNumbers: number;
}

/** What every kernel knows at its end. */
export interface KernelEnd {
  readonly candidates: readonly Candidate[];
  readonly selected: { readonly aid: Uint8Array } | undefined;
  readonly pan: Pan | undefined;
  readonly cvm: CvmMethod;
  readonly onlineSent: boolean;
  readonly answer: OnlineAnswer | undefined;
  readonly data: DataStore;
  readonly scriptResults: readonly Uint8Array[];
}

/** The result of a transaction, as terminal and tools get it. */
export function kernelResult(context: KernelEnd, outcome: Outcome, fallbackAllowed: boolean): EmvResult {
  const { answer, selected, pan, scriptResults } = context;
  const hostApproved = answer?.kind === 'answered' && answer.approved;
  return {
    outcome,
    candidates: context.candidates.map(({ aid, label, priority, confirm }) => ({
      aid,
      label,
      priority,
      confirm,
    })),
    ...(selected === undefined ? {} : { aid: selected.aid }),
    data: context.data,
    cvm: context.cvm,
    ...(pan === undefined ? {} : { pan }),
    onlineSent: context.onlineSent,
    ...(scriptResults.length === 0 ? {} : { scriptResults: concat(...scriptResults) }),
    hostApprovedCardDeclined: hostApproved && outcome.code !== 'APPROVED_ONLINE',
    fallbackAllowed,
  };
}

/** What a phase came to: go on with the next one, or end here. */
export type Step = 'continue' | Outcome;

/** An outcome as a value. */
export function end(code: OutcomeCode, reason: string): Outcome {
  return { code, reason };
}

/** Records one decision of a phase. */
export function decide(
  context: KernelContext,
  phase: PhaseName,
  rule: string,
  reason: string,
  spec: string,
): void {
  context.services.record.decision(phase, rule, reason, spec);
}

/** Sets a TVR bit and records why. */
export function raise(
  context: KernelContext,
  phase: PhaseName,
  bit: TvrBit,
  reason: string,
  spec: string,
): void {
  decide(context, phase, `TVR: ${setTvr(context.data, bit)}`, reason, spec);
}

/** Sets a TSI bit and records it. */
export function performed(context: KernelContext, phase: PhaseName, bit: TsiBit, spec: string): void {
  decide(context, phase, `TSI: ${setTsi(context.data, bit)}`, 'the function was performed', spec);
}

/** The outcome of an exchange that gave no answer. */
export function faultOutcome(context: KernelContext, fault: ExchangeFault): Outcome {
  if (context.services.signal.aborted) return end('CANCELLED', 'the transaction was cancelled');
  const text = {
    removed: 'the card was removed',
    timeout: 'the card did not answer in time',
    protocol: 'the card answered garbled or too short',
    lost: 'it is not known whether the card executed the command',
  }[fault];
  return context.services.channel.interface === 'contactless'
    ? end('TRY_AGAIN', `${text}: present the card again`)
    : end('CARD_ERROR', text);
}

/** The status word in an outcome's reason. */
export function swText(sw: number): string {
  return sw.toString(16).toUpperCase().padStart(4, '0');
}

/**
 * The data a DOL asks for. When it asks for the unpredictable number, a fresh one is drawn first, so that no two
 * commands of a transaction carry the same.
 */
export function answerDol(context: KernelContext, dol: Uint8Array): DolResult<Uint8Array> {
  if (dolHas(dol, TAG.unpredictableNumber)) drawUnpredictableNumber(context);
  return buildDol(dol, (tag) => context.data.get(tag), context.tagContext);
}

function drawUnpredictableNumber(context: KernelContext): void {
  const { fixedUnpredictableNumber, random } = context.services;
  const first = context.unpredictableNumbers++ === 0;
  const value = first && fixedUnpredictableNumber !== undefined ? fixedUnpredictableNumber : random.bytes(4);
  context.data.set(TAG.unpredictableNumber, value);
}

/**
 * The terminal's objects at the start of a transaction (Book 4, annex A; Book 3, annex A).
 * @throws PossumError `USAGE` when a parameter does not fit its object
 */
export function terminalData(
  parameters: TransactionParameters,
  services: EmvServices,
  entryMode: number,
): DataStore {
  const { amountMinor, otherMinor, transactionType, dateYymmdd, timeHhmmss, sequence } = parameters;
  const amounts = [amountMinor, otherMinor];
  const fits = amounts.every((a) => Number.isSafeInteger(a) && a >= 0 && a <= 999_999_999_999);
  const { fixedUnpredictableNumber: un } = services;
  if (!fits || !/^\d{6}$/.test(dateYymmdd) || !/^\d{6}$/.test(timeHhmmss)) {
    throw new PossumError('USAGE', 'an amount, the date or the time of the transaction is out of range');
  }
  if (un !== undefined && un.length !== 4) {
    throw new PossumError('USAGE', `an unpredictable number has 4 bytes, not ${un.length}`);
  }
  const data = new DataStore(services.config.data);
  data.set(TAG.amount, numericToBytes(amountMinor, 6));
  data.set(TAG.amountOther, numericToBytes(otherMinor, 6));
  data.set(TAG.amountBinary, binaryAmount(amountMinor));
  data.set(TAG.amountOtherBinary, binaryAmount(otherMinor));
  data.set(TAG.transactionType, Uint8Array.of(transactionType));
  data.set(TAG.date, fromHex(dateYymmdd));
  data.set(TAG.time, fromHex(timeHhmmss));
  data.set(TAG.sequenceCounter, numericToBytes(sequence % 100_000_000, 4));
  data.set(TAG.posEntryMode, Uint8Array.of(entryMode));
  return data;
}

/** Tags 81 and 9F04 hold four bytes; a larger amount is only in its numeric form. */
function binaryAmount(minor: number): Uint8Array {
  return minor > 0xffffffff ? new Uint8Array(4).fill(0xff) : uintToBytes(minor, 4);
}

/** The objects that belong to one application of the terminal. */
export function applicationData(data: DataStore, config: AidConfig): void {
  for (const [tag, value] of config.data) data.set(tag, value);
  data.set(TAG.terminalAid, config.aid);
  data.set(TAG.terminalVersion, config.version);
  data.set(TAG.floorLimit, binaryAmount(config.floorLimitMinor));
}
