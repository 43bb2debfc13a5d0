import { type Settlement, type SettlementProgress, settleBatch } from '../acquirer/settlement.ts';
import { NEVER } from '../platform/clock.ts';
import { show, type TerminalContext } from './context.ts';
import { printSlip } from './printing.ts';
import { settlementSlip } from './receipt.ts';

/** Settles the batch and prints the end-of-day slip. A failed settlement leaves the batch to be settled again. */
export async function endOfDay(
  context: TerminalContext,
  signal: AbortSignal,
  progress?: SettlementProgress,
): Promise<Settlement> {
  show(context, 'processing');
  const settlement = await settleBatch(context.acquirer, signal, progress);
  if (settlement.kind === 'settled') {
    show(context, 'settled', String(settlement.slip.batch));
    // The batch is closed: its slip is printed even when somebody cancels now.
    await printPendingSlips(context, NEVER);
  } else {
    show(
      context,
      settlement.kind === 'empty' ? 'batch-empty' : 'settlement-failed',
      settlement.kind === 'failed' ? settlement.code : undefined,
    );
  }
  return settlement;
}

/** Prints the slips of closed batches that were not printed yet: after settlement, and at boot after a power cut. */
export async function printPendingSlips(context: TerminalContext, signal: AbortSignal): Promise<void> {
  for (const batch of context.journal.batches.list()) {
    if (batch.state !== 'CLOSED' || batch.slip === undefined || batch.slipPrinted) continue;
    const lines = settlementSlip(context.settings, batch.slip, batch.closedMs ?? context.clock.now());
    if (await printSlip(context, lines, signal)) {
      context.journal.commit('slip printed', () => context.journal.batches.markSlipPrinted(batch.id));
    }
  }
}
