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
    const copies = isApproved(result) ? (['merchant', 'customer'] as const) : (['customer'] as const);
    return printReceipts(context, result.record, copies, signal);
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

/**
 * Copies of a transaction's receipt; `duplicate` marks a reprint.
 * @returns false when one of them was not printed
 */
export async function printReceipts(
  context: TerminalContext,
  record: TransactionRecord,
  copies: readonly ('customer' | 'merchant')[],
  signal: AbortSignal,
  duplicate = false,
): Promise<boolean> {
  const batch = context.journal.batches.byId(record.batchId)?.number ?? 0;
  let printed = true;
  for (const copy of copies) {
    const slip = receipt(context.settings, record, batch, copy, duplicate);
    printed = (await printSlip(context, slip, signal)) && printed;
  }
  return printed;
}
