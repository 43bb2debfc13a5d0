import { drainOutbox } from '../acquirer/outbox.ts';
import type { TransactionRecord } from '../journal/transactions.ts';
import { NEVER } from '../platform/clock.ts';
import { isPossumError } from '../platform/errors.ts';
import { show, type TerminalContext } from './context.ts';
import { refusal, refusalReason } from './guards.ts';
import { finishAttempt, noAnswerText, sendOnline } from './online.ts';
import { reportResult } from './report.ts';
import type { TransactionResult } from './result.ts';

/** Takes an approved sale or refund of the open batch back, at its full amount, online only (host-protocol 15.1). */
export async function voidTransaction(
  context: TerminalContext,
  invoice: number,
  signal: AbortSignal,
): Promise<TransactionResult> {
  const refused = refusal(context);
  if (refused !== undefined) return refuse(context, refused, refusalReason(context, refused));
  const original = context.journal.transactions.findByInvoice(invoice);
  const objection = objectionTo(context, original, invoice);
  if (original === undefined || objection !== undefined)
    return refuse(context, 'void-refused', objection ?? '');
  // An offline sale is unknown to the host before its advice was answered.
  const drained = await drainOutbox(context.acquirer, signal).catch((cause) => {
    if (isPossumError(cause, 'CANCELLED')) return undefined;
    throw cause;
  });
  if (drained === undefined) return cancel(context);
  if (drained.kind === 'stuck')
    return refuse(context, 'no-line', 'what is waiting for the host could not be sent');
  const fresh = context.journal.transactions.find(original.id);
  if (fresh === undefined || fresh.state !== 'APPROVED')
    return refuse(context, 'void-refused', 'the host refused the original');
  return signal.aborted ? cancel(context) : sendVoid(context, fresh);
}

async function sendVoid(context: TerminalContext, original: TransactionRecord): Promise<TransactionResult> {
  // From here on a cancel key changes nothing: the host decides, and what it decides is told.
  show(context, 'authorising');
  const online = await sendOnline(
    context,
    {
      kind: 'void',
      onlineKind: original.kind === 'refund' ? 'voidRefund' : 'voidSale',
      amountMinor: original.amountMinor,
      entryMode: original.entryMode,
      invoice: original.invoice,
      originalId: original.id,
      card: withoutChip(context.journal.transactions.cardData(original.id)),
      ...(original.rrn === undefined ? {} : { originalRrn: original.rrn }),
      detail: { interface: 'none' },
    },
    NEVER,
  );
  if (online.kind === 'not-sent') return refuse(context, 'no-line', 'no line to the host');
  const record = finishAttempt(context, online, true);
  const withRecord = record === undefined ? {} : { record };
  const request = { kind: 'void', amountMinor: original.amountMinor } as const;
  if (online.kind === 'no-answer') {
    const result = {
      code: 'REVERSED',
      reason: noAnswerText(online),
      message: 'no-answer',
      ...withRecord,
    } as const;
    return reportResult(context, request, result, NEVER);
  }
  const { approved, code } = online.decision;
  return reportResult(
    context,
    request,
    {
      code: approved ? 'APPROVED_ONLINE' : 'DECLINED_ONLINE',
      reason: `the host answered ${code}`,
      message: approved ? 'approved' : 'declined',
      ...withRecord,
    },
    NEVER,
  );
}

function objectionTo(
  context: TerminalContext,
  original: TransactionRecord | undefined,
  invoice: number,
): string | undefined {
  if (original === undefined) return `there is no invoice ${invoice}`;
  if (original.batchId !== context.journal.batches.current()?.id)
    return 'its batch is settled; give a refund';
  if (original.voidedBy !== undefined) return 'it is voided already';
  if (original.state !== 'APPROVED') return `it is ${original.state.toLowerCase().replace('_', ' ')}`;
  return undefined;
}

function withoutChip<T extends { chip?: Uint8Array }>({ chip: _, ...rest }: T): Omit<T, 'chip'> {
  return rest;
}

function cancel(context: TerminalContext): TransactionResult {
  show(context, 'cancelled');
  return { code: 'CANCELLED', reason: 'cancelled', message: 'cancelled', printed: true };
}

function refuse(
  context: TerminalContext,
  message: TransactionResult['message'],
  reason: string,
): TransactionResult {
  show(context, message, reason === message ? undefined : reason);
  return { code: 'REFUSED', reason, message, printed: true };
}
