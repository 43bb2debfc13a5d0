import { adviceMessage } from '../acquirer/messages.ts';
import { storeFields } from '../acquirer/protection.ts';
import type { CardData, TransactionDetail, TransactionKind } from '../journal/transactions.ts';
import type { TerminalContext } from './context.ts';

export interface OfflineApproval {
  readonly kind: Extract<TransactionKind, 'sale' | 'refund'>;
  readonly amountMinor: number;
  readonly entryMode: string;
  readonly card: CardData;
  readonly detail: TransactionDetail;
}

/**
 * Makes an offline approval durable, with its advice to the host, in one commit. Nobody is told before.
 * @returns the id of its row
 */
export function approveOffline(context: TerminalContext, approval: OfflineApproval): number {
  const { journal, clock, acquirer, settings } = context;
  return journal.commit('offline approval', () => {
    const stan = journal.counters.next('stan');
    const id = journal.transactions.insert(journal.batches.ensureOpen(clock.now()).id, {
      kind: approval.kind,
      state: 'APPROVED',
      online: false,
      stan,
      invoice: journal.counters.next('invoice'),
      amountMinor: approval.amountMinor,
      currency: settings.currency.code,
      cardData: approval.card,
      entryMode: approval.entryMode,
      atMs: clock.now(),
      // The card approved: Y1 and four digits stand where an approval code is expected.
      approvalCode: `Y1${String(stan % 10_000).padStart(4, '0')}`,
      detail: { ...approval.detail, localCode: 'Y1' },
    });
    const record = journal.transactions.find(id);
    if (record !== undefined) {
      journal.outbox.insert(
        'advice',
        id,
        approval.amountMinor,
        'DUE',
        storeFields(adviceMessage(acquirer, record, approval.card)),
      );
    }
    return id;
  });
}
