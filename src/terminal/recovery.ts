import { drainOutbox } from '../acquirer/outbox.ts';
import type { TerminalContext } from './context.ts';
import { printPendingSlips } from './end-of-day.ts';

export interface RecoveryReport {
  /** Transactions that were on their way when the power failed: they are reversed. */
  readonly interrupted: number;
  /** Messages that still wait for the host. */
  readonly waiting: number;
  /** A settlement was begun and must be finished. */
  readonly mustSettle: boolean;
}

/**
 * What boot does before the first customer: every open request becomes a reversal that is due, in one commit;
 * the outboxes drain as far as the line allows; slips that were not printed are printed. Running it again, or
 * being cut off in it, changes nothing about the result.
 */
export async function recover(context: TerminalContext, signal: AbortSignal): Promise<RecoveryReport> {
  const { journal } = context;
  journal.outbox.verifyChain();
  const interrupted = reverseInterrupted(context);
  if (journal.outbox.waiting() > 0) await drainOutbox(context.acquirer, signal);
  await printPendingSlips(context, signal);
  return {
    interrupted,
    waiting: journal.outbox.waiting(),
    mustSettle: journal.batches.current()?.state === 'MUST_SETTLE',
  };
}

/**
 * Turns each request that nobody waits for any more into a reversal that is due, in one commit.
 * @returns how many there were
 */
export function reverseInterrupted({ journal }: Pick<TerminalContext, 'journal'>): number {
  const obligations = journal.outbox.held();
  if (obligations.length === 0) return 0;
  journal.commit('recovery', () => {
    for (const { id, transactionId } of obligations) {
      journal.transactions.advance(transactionId, { state: 'MUST_REVERSE' });
      journal.outbox.markDue(id);
    }
  });
  return obligations.length;
}
