import { drainOutbox } from '../acquirer/outbox.ts';
import type { TransactionRecord } from '../journal/transactions.ts';
import { show, type TerminalContext } from './context.ts';
import { messageText } from './messages.ts';
import { printSlip } from './printing.ts';
import { declinedSlip, receipt } from './receipt.ts';
import { isApproved, type TransactionResult } from './result.ts';

/**
 * Tells how a transaction ended, after it is durable: screen, then slips; a reversal that is due by now is sent
 * at once when the line allows.
 */
export async function reportResult(
  context: TerminalContext,
  request: { readonly kind: 'sale' | 'refund' | 'void'; readonly amountMinor: number },
  result: Omit<TransactionResult, 'printed'>,
  signal: AbortSignal,
): Promise<TransactionResult> {
  const { record } = result;
  show(context, result.message, record?.approvalCode ?? record?.responseCode);
  const printed = await printResult(context, request, result, signal);
  if (record?.state !== 'MUST_REVERSE') return { ...result, printed };
  await drainOutbox(context.acquirer, signal, 'reversal');
  const now = context.journal.transactions.find(record.id) ?? record;
  return { ...result, record: now, printed };
}

async function printResult(
  context: TerminalContext,
  request: { readonly kind: 'sale' | 'refund' | 'void'; readonly amountMinor: number },
  result: Omit<TransactionResult, 'printed'>,
  signal: AbortSignal,
): Promise<boolean> {
  if (result.record !== undefined) {
    const merchant = isApproved(result)
      ? await printReceipt(context, result.record, 'merchant', signal)
      : true;
    return (await printReceipt(context, result.record, 'customer', signal)) && merchant;
  }
  if (request.kind === 'void' || result.code !== 'DECLINED_OFFLINE') return true;
  const slip = {
    kind: request.kind,
    amountMinor: request.amountMinor,
    atMs: context.clock.now(),
    reason: messageText(result.message, context.settings.language),
  };
  return printSlip(context, declinedSlip(context.settings, slip), signal);
}

/** One copy of a transaction's receipt; `duplicate` marks a reprint. */
export function printReceipt(
  context: TerminalContext,
  record: TransactionRecord,
  copy: 'customer' | 'merchant',
  signal: AbortSignal,
  duplicate = false,
): Promise<boolean> {
  const batch = context.journal.batches.byId(record.batchId);
  return printSlip(context, receipt(context.settings, record, batch?.number ?? 0, copy, duplicate), signal);
}
