import type { TerminalContext } from './context.ts';
import type { MessageId } from './messages.ts';

/** Field 63 counts with three digits: nobody knows what a host does at 1000, so it is never reached. */
const BATCH_LIMIT = 999;

/** Why no new transaction may begin now, or `undefined`. */
export function refusal(context: TerminalContext): MessageId | undefined {
  const { journal, secure } = context;
  const status = secure.status();
  if (status === 'tampered') return 'tampered';
  if (status === 'failed') return 'out-of-service';
  const batch = journal.batches.current();
  if (batch?.state === 'MUST_SETTLE') return 'must-settle';
  if (batch !== undefined && journal.transactions.count(batch.id) >= BATCH_LIMIT) return 'batch-full';
  if (status !== 'ready') return 'no-keys';
  // Before the host is asked: its approval could not be written down.
  if (!journal.hasRoom()) return 'disk-full';
  return undefined;
}

/** A refusal for people: of a module that failed or was tampered with, what happened. */
export function refusalReason({ secure }: TerminalContext, refused: MessageId): string {
  if (refused === 'tampered') return `out of service: tampered with (${secure.tampering()?.reason})`;
  return refused === 'out-of-service' ? `out of service: ${secure.fault()}` : refused;
}
