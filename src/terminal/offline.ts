import { adviceMessage } from '../acquirer/messages.ts';
import { storeFields } from '../acquirer/protection.ts';
import type { CardData, TransactionDetail, TransactionRecord } from '../journal/transactions.ts';
import type { TerminalContext } from './context.ts';

export interface OfflineApproval {
  readonly amountMinor: number;
  readonly entryMode: string;
  readonly card: CardData;
  readonly detail: TransactionDetail;
  /** Why it was approved here: `Y1` by the card, `Y3` since the host could not be reached. */
  readonly localCode: 'Y1' | 'Y3';
}

/**
 * Makes the offline approval of a sale durable, with its advice to the host, in one commit. Nobody is told before.
 * @returns the transaction
 * @throws PossumError `FORMAT` when the card's data fit no advice: nothing is stored, nothing is approved
 */
export function approveOffline(context: TerminalContext, approval: OfflineApproval): TransactionRecord {
  const { journal, clock, acquirer, settings } = context;
  const { localCode } = approval;
  return journal.commit('offline approval', () => {
    const stan = journal.counters.next('stan');
    const record = journal.transactions.insert(journal.batches.ensureOpen(clock.now()).id, {
      kind: 'sale',
      state: 'APPROVED',
      online: false,
      stan,
      invoice: journal.counters.next('invoice'),
      amountMinor: approval.amountMinor,
      currency: settings.currency.code,
      cardData: approval.card,
      entryMode: approval.entryMode,
      atMs: clock.now(),
      // Nobody else approved: the local code and four digits stand where an approval code is expected.
      approvalCode: `${localCode}${String(stan % 10_000).padStart(4, '0')}`,
      detail: { ...approval.detail, localCode },
    });
    const advice = adviceMessage(acquirer, record, approval.card);
    // An advice that can never be written would stop the outbox for good.
    acquirer.codec.pack(advice);
    journal.outbox.insert('advice', record.id, approval.amountMinor, 'DUE', storeFields(advice));
    return record;
  });
}
