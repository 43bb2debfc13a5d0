import { bytesField, type IsoMessage, textField } from '../iso8583/index.ts';
import type { NewTransaction, TransactionRecord } from '../journal/transactions.ts';
import { isPossumError } from '../platform/errors.ts';
import { type NoAnswerReason, type OutgoingMessage, openDialogue } from './dialogue.ts';
import { type FinancialRequest, financialMessage, reversalMessage } from './messages.ts';
import { drainOutbox } from './outbox.ts';
import { protectMessage, storeFields } from './protection.ts';
import type { AcquirerContext } from './settings.ts';

/** A request whose numbers are given out in the commit that creates it. */
export type NewRequest = Omit<FinancialRequest, 'stan' | 'invoice'> & {
  /** A void keeps the invoice of its original. */
  readonly invoice?: number;
};

/** What the host decided, in the terms of the profile. */
export interface HostDecision {
  /** Field 39. */
  readonly code: string;
  readonly approved: boolean;
  readonly approvalCode?: string;
  readonly rrn?: string;
  /** Field 55 of the answer: 91, 71, 72 … */
  readonly chip?: Uint8Array;
}

/** A request that may have left: its row is PENDING until {@link finish} is told how it ended. */
export interface PendingRequest {
  readonly record: TransactionRecord;
  /** Row of the outbox: the obligation to reverse it. */
  readonly obligation: number;
}

export type Authorisation =
  /** Nothing left this process: there is nothing to reverse, and no row. */
  | { readonly kind: 'not-sent'; readonly reason: 'no-line' | 'outbox' | 'no-key' | 'card-data' }
  | { readonly kind: 'answered'; readonly pending: PendingRequest; readonly decision: HostDecision }
  | {
      readonly kind: 'no-answer';
      readonly pending: PendingRequest;
      readonly reason: NoAnswerReason | 'unknown-code' | 'no-approval-code' | 'partial-amount';
    };

/**
 * Asks the host. The outboxes drain first; then row, STAN and the obligation to reverse become durable in one
 * commit, and only then does the first byte leave. The row stays `PENDING`: the caller finishes it together with
 * the card's verdict.
 */
export async function authorise(
  context: AcquirerContext,
  request: NewRequest,
  row: Omit<
    NewTransaction,
    'state' | 'online' | 'stan' | 'invoice' | 'amountMinor' | 'entryMode' | 'cardData'
  >,
  signal: AbortSignal,
): Promise<Authorisation> {
  const drained = await drainOutbox(context, signal);
  if (drained.kind === 'stuck') return { kind: 'not-sent', reason: drained.noLine ? 'no-line' : 'outbox' };
  const dialogue = await openDialogue(context, signal);
  if (dialogue === undefined) return { kind: 'not-sent', reason: 'no-line' };
  try {
    const prepared = prepare(context, request, row);
    if ('reason' in prepared) return { kind: 'not-sent', reason: prepared.reason };
    const answer = await dialogue.exchange(prepared.outgoing, signal);
    prepared.outgoing.key?.release();
    const { pending } = prepared;
    if (answer.kind === 'no-answer') return { kind: 'no-answer', pending, reason: answer.reason };
    return judge(context, pending, answer.message);
  } finally {
    await dialogue.close();
  }
}

type Prepared =
  | { readonly outgoing: OutgoingMessage; readonly pending: PendingRequest }
  | { readonly reason: 'no-key' | 'card-data' };

/** {@link record}, fenced: data of a card that fit no message leave no row. */
function prepare(
  context: AcquirerContext,
  request: NewRequest,
  row: Parameters<typeof authorise>[2],
): Prepared {
  try {
    return record(context, request, row) ?? { reason: 'no-key' };
  } catch (cause) {
    if (!isPossumError(cause, 'FORMAT')) throw cause;
    context.trace.emit({ kind: 'alarm', what: `the request cannot be written: ${cause.message}` });
    return { reason: 'card-data' };
  }
}

/** The second durable commit of an online sale (the first when no PIN was entered). */
function record(
  context: AcquirerContext,
  request: NewRequest,
  row: Parameters<typeof authorise>[2],
): { outgoing: OutgoingMessage; pending: PendingRequest } | undefined {
  const { journal, secure, clock } = context;
  const pinKey = secure.takePinKey();
  return journal.commit('request', () => {
    const key = pinKey ?? secure.takeMessageKey();
    if (key === undefined) return undefined;
    const numbered: FinancialRequest = {
      ...request,
      stan: journal.counters.next('stan'),
      invoice: request.invoice ?? journal.counters.next('invoice'),
    };
    const outgoing = protectMessage(context, financialMessage(context, numbered), key);
    const record = journal.transactions.insert(journal.batches.ensureOpen(clock.now()).id, {
      ...row,
      state: 'PENDING',
      online: true,
      stan: numbered.stan,
      invoice: numbered.invoice,
      amountMinor: request.amountMinor,
      entryMode: request.entryMode,
      cardData: request.card,
    });
    const fields = storeFields(reversalMessage(context, numbered));
    const obligation = journal.outbox.insert('reversal', record.id, request.amountMinor, 'HELD', fields);
    return { outgoing, pending: { record, obligation } };
  });
}

/** An answer that says nothing usable counts as none: what the host did is then reversed. */
function judge(context: AcquirerContext, pending: PendingRequest, message: IsoMessage): Authorisation {
  const code = textField(message, 39);
  const entry = code === undefined ? undefined : context.profile.responseCodes[code];
  if (code === undefined || entry === undefined)
    return { kind: 'no-answer', pending, reason: 'unknown-code' };
  // Nobody asked for a part of the amount.
  if (entry.action === 'partial') return { kind: 'no-answer', pending, reason: 'partial-amount' };
  const approved = entry.class === 'A';
  const approvalCode = textField(message, 38);
  if (approved && (approvalCode ?? '').trim() === '') {
    return { kind: 'no-answer', pending, reason: 'no-approval-code' };
  }
  const rrn = textField(message, 37);
  const chip = bytesField(message, 55);
  return {
    kind: 'answered',
    pending,
    decision: {
      code,
      approved,
      ...(approvalCode === undefined ? {} : { approvalCode }),
      ...(rrn === undefined ? {} : { rrn }),
      ...(chip === undefined ? {} : { chip }),
    },
  };
}

/** How a pending transaction ends. */
export type Ending =
  | { readonly kind: 'approved' | 'declined'; readonly decision: HostDecision }
  /** The host may have approved what the cardholder is told was declined. */
  | { readonly kind: 'reverse'; readonly decision?: HostDecision };

/**
 * The last commit of an online transaction: answer, card's verdict, and the reversal cleared or due, together.
 * @param update what the card added: detail, field 55 for the upload
 * @returns the transaction as it is now
 */
export function finish(
  { journal }: Pick<AcquirerContext, 'journal'>,
  { record: sent, obligation }: PendingRequest,
  ending: Ending,
  update: Pick<Parameters<typeof journal.transactions.advance>[1], 'detail' | 'cardData'> = {},
): TransactionRecord {
  return journal.commit('result', () => {
    const { decision } = ending;
    const record = journal.transactions.advance(sent, {
      ...update,
      state:
        ending.kind === 'approved' ? 'APPROVED' : ending.kind === 'declined' ? 'DECLINED' : 'MUST_REVERSE',
      ...(decision === undefined ? {} : { responseCode: decision.code }),
      ...(decision?.approvalCode === undefined ? {} : { approvalCode: decision.approvalCode }),
      ...(decision?.rrn === undefined ? {} : { rrn: decision.rrn }),
    });
    if (ending.kind === 'reverse') journal.outbox.markDue(obligation);
    else journal.outbox.close(obligation, 'CLEARED');
    if (ending.kind === 'approved' && record.kind === 'void' && record.originalId !== undefined) {
      journal.transactions.markVoided(record.originalId, record.id);
    }
    return record;
  });
}
