import type { OutcomeCode } from '../emv/transaction.ts';
import type { TransactionRecord } from '../journal/transactions.ts';
import type { CardInterface } from '../ports/index.ts';
import type { MessageId } from './messages.ts';

export interface PurchaseRequest {
  readonly kind: 'sale' | 'refund';
  readonly amountMinor: number;
  readonly otherMinor?: number;
  /** The merchant wants it online. */
  readonly forceOnline?: boolean;
}

/** What one presented card came to: an end, or another try with other means. */
export type Step =
  | { readonly kind: 'end'; readonly result: Omit<TransactionResult, 'printed'> }
  | {
      readonly kind: 'again';
      readonly message: MessageId;
      readonly interfaces: readonly CardInterface[];
      /** The card has to leave before it is looked for again: it would say the same. */
      readonly removeFirst?: boolean;
    }
  /** The chip could not be read; after enough of them the stripe is accepted. */
  | { readonly kind: 'chip-failed' };

/** How a sale, refund or void ended, as the operator is told. */
export interface TransactionResult {
  /** The outcome of the kernels, or what the terminal itself decided. */
  readonly code: OutcomeCode | 'REFUSED' | 'REVERSED';
  /** One line for people. */
  readonly reason: string;
  readonly message: MessageId;
  /** Its row, when it left one. */
  readonly record?: TransactionRecord;
  /** False when a slip could not be printed: offer a reprint. */
  readonly printed: boolean;
}

/** True when goods may be handed over. */
export function isApproved(result: Pick<TransactionResult, 'code'>): boolean {
  return result.code === 'APPROVED_ONLINE' || result.code === 'APPROVED_OFFLINE';
}
