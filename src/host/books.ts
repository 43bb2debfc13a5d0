import type { HostProfile } from '../iso8583/profile.ts';
import {
  type Batch,
  type BatchTotals,
  batchTotals,
  type HostTransaction,
  identity,
  newBatch,
} from './batch.ts';
import type { IssuerCard } from './config.ts';
import { account, Ledger } from './ledger.ts';

export type NewTransaction = Omit<HostTransaction, 'id' | 'entry'>;

/** Batches, transactions and money. One open batch per terminal. */
export class Books {
  readonly ledger = new Ledger();
  readonly #profile: HostProfile;
  readonly #open = new Map<string, Batch>();
  readonly #closed: Batch[] = [];
  readonly #transactions: HostTransaction[] = [];
  /** Approved pre-authorisations that were neither completed nor cancelled. */
  readonly #holds = new Set<HostTransaction>();

  constructor(profile: HostProfile) {
    this.#profile = profile;
  }

  /** The terminal's open batch; the first use opens one. */
  openBatch(tid: string): Batch {
    let batch = this.#open.get(tid);
    if (batch === undefined) {
      batch = newBatch(tid);
      this.#open.set(tid, batch);
    }
    return batch;
  }

  /** The last closed batch of the terminal under this number. */
  closedBatch(tid: string, number: string): Batch | undefined {
    return this.#closed.findLast((batch) => batch.tid === tid && batch.number === number);
  }

  batches(): readonly Batch[] {
    return [...this.#closed, ...this.#open.values()];
  }

  transactions(): readonly HostTransaction[] {
    return this.#transactions;
  }

  /** What the customer can still spend, minor units. */
  spendable(card: IssuerCard): number {
    if (card.funds === undefined) return Number.POSITIVE_INFINITY;
    let held = 0;
    for (const hold of this.#holds) if (hold.pan === card.pan) held += hold.amountMinor;
    return card.funds - this.ledger.balance(account.customer(card.pan)) - held;
  }

  /** Enters a message that was decided; its identity is taken until the batch closes. */
  record(details: NewTransaction): HostTransaction {
    const transaction: HostTransaction = { ...details, id: this.#transactions.length + 1 };
    this.#transactions.push(transaction);
    const batch = this.openBatch(details.tid);
    batch.transactions.push(transaction);
    batch.identities.set(identity(details.stan, details.invoice), transaction);
    return transaction;
  }

  /** From the customer to the merchant. */
  debit(transaction: HostTransaction): void {
    const { atMs, type, pan, tid, amountMinor } = transaction;
    transaction.entry = this.ledger.move(
      atMs,
      type,
      account.customer(pan),
      account.merchant(tid),
      amountMinor,
    );
  }

  /** From the merchant back to the customer. */
  credit(transaction: HostTransaction): void {
    const { atMs, type, pan, tid, amountMinor } = transaction;
    transaction.entry = this.ledger.move(
      atMs,
      type,
      account.merchant(tid),
      account.customer(pan),
      amountMinor,
    );
  }

  hold(transaction: HostTransaction): void {
    this.#holds.add(transaction);
  }

  /** The open hold of this card under an approval code. */
  findHold(pan: string, approvalCode: string | undefined): HostTransaction | undefined {
    return [...this.#holds].find((hold) => hold.pan === pan && hold.approvalCode === approvalCode);
  }

  releaseHold(transaction: HostTransaction): void {
    this.#holds.delete(transaction);
  }

  /** Takes the money of a transaction back where it came from. */
  takeOut(transaction: HostTransaction, state: 'voided' | 'reversed', atMs: number, by: string): void {
    if (transaction.entry !== undefined) {
      this.ledger.undo(atMs, transaction.entry, `${by} of ${transaction.id}`);
      delete transaction.entry;
    }
    this.#holds.delete(transaction);
    transaction.state = state;
  }

  /** Puts a voided transaction back: its void was reversed. */
  restore(transaction: HostTransaction, atMs: number): void {
    transaction.state = 'approved';
    const side = this.#profile.transactions?.[transaction.type]?.totals;
    const { pan, tid, amountMinor, id } = transaction;
    const [from, to] =
      side === 'refunds'
        ? [account.merchant(tid), account.customer(pan)]
        : [account.customer(pan), account.merchant(tid)];
    if (side === undefined) this.#holds.add(transaction);
    else transaction.entry = this.ledger.move(atMs, `${id} restored`, from, to, amountMinor);
  }

  /** Closes a balanced batch: what the merchant is owed leaves for clearing. */
  close(batch: Batch, number: string, atMs: number): void {
    const totals = batchTotals(batch, this.#profile);
    batch.state = 'closed';
    batch.number = number;
    batch.totals = totals;
    batch.poisoned.clear();
    this.#open.delete(batch.tid);
    this.#closed.push(batch);
    const net = totals.sales.amountMinor - totals.refunds.amountMinor;
    if (net !== 0)
      this.ledger.move(atMs, `batch ${number}`, account.merchant(batch.tid), account.clearing, net);
  }

  totals(batch: Batch): BatchTotals {
    return batchTotals(batch, this.#profile);
  }
}
