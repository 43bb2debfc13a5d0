import type { HostProfile } from '../iso8583/profile.ts';
import {
  type Batch,
  type BatchTotals,
  batchTotals,
  type HostTransaction,
  identity,
  newBatch,
} from './batch.ts';
import { batchRow, readBatch, readTransaction, transactionRow } from './books-rows.ts';
import type { IssuerCard } from './config.ts';
import { account, type CardName, Ledger, type LedgerEntry } from './ledger.ts';
import { type HostStore, numberKey, type StoredRow } from './store.ts';

export type NewTransaction = Omit<HostTransaction, 'id' | 'entry' | 'batch'>;

/** Batches, transactions and money. One open batch per terminal. */
export class Books {
  readonly ledger = new Ledger();
  readonly #profile: HostProfile;
  readonly #open = new Map<string, Batch>();
  readonly #closed: Batch[] = [];
  readonly #transactions: HostTransaction[] = [];
  /** Approved pre-authorisations that were neither completed nor cancelled. */
  readonly #holds = new Set<HostTransaction>();
  readonly #touched = new Set<HostTransaction>();
  readonly #touchedBatches = new Set<Batch>();
  #batchCount = 0;
  #savedEntries = 0;

  constructor(profile: HostProfile) {
    this.#profile = profile;
  }

  /** The terminal's open batch; the first use opens one. */
  openBatch(tid: string): Batch {
    let batch = this.#open.get(tid);
    if (batch === undefined) {
      batch = newBatch(++this.#batchCount, tid);
      this.#open.set(tid, batch);
    }
    this.#touchedBatches.add(batch);
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
  spendable(card: IssuerCard, name: CardName): number {
    if (card.funds === undefined) return Number.POSITIVE_INFINITY;
    let held = 0;
    for (const hold of this.#holds) if (hold.card === name.card) held += hold.amountMinor;
    return card.funds - this.ledger.balance(account.customer(name)) - held;
  }

  /** Enters a message that was decided; its identity is taken until the batch closes. */
  record(details: NewTransaction): HostTransaction {
    const batch = this.openBatch(details.tid);
    const transaction: HostTransaction = { ...details, id: this.#transactions.length + 1, batch: batch.id };
    this.#transactions.push(transaction);
    this.#touched.add(transaction);
    batch.transactions.push(transaction);
    batch.identities.set(identity(details.stan, details.invoice), transaction);
    return transaction;
  }

  /** From the customer to the merchant. */
  debit(transaction: HostTransaction): void {
    const { atMs, type, tid, amountMinor } = transaction;
    transaction.entry = this.ledger.move(
      atMs,
      type,
      account.customer(transaction),
      account.merchant(tid),
      amountMinor,
    );
  }

  /** From the merchant back to the customer. */
  credit(transaction: HostTransaction): void {
    const { atMs, type, tid, amountMinor } = transaction;
    transaction.entry = this.ledger.move(
      atMs,
      type,
      account.merchant(tid),
      account.customer(transaction),
      amountMinor,
    );
  }

  hold(transaction: HostTransaction): void {
    this.#holds.add(transaction);
  }

  /** The open hold of this card under an approval code. */
  findHold({ card }: CardName, approvalCode: string | undefined): HostTransaction | undefined {
    return [...this.#holds].find((hold) => hold.card === card && hold.approvalCode === approvalCode);
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
    this.#touched.add(transaction);
  }

  /** Puts a voided transaction back: its void was reversed. */
  restore(transaction: HostTransaction, atMs: number): void {
    transaction.state = 'approved';
    this.#touched.add(transaction);
    const side = this.#profile.transactions?.[transaction.type]?.totals;
    const { tid, amountMinor, id } = transaction;
    const [from, to] =
      side === 'refunds'
        ? [account.merchant(tid), account.customer(transaction)]
        : [account.customer(transaction), account.merchant(tid)];
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

  /** What changed since the last call, for the store. */
  takeChanges(): readonly StoredRow[] {
    const rows = [...[...this.#touched].map(transactionRow), ...[...this.#touchedBatches].map(batchRow)];
    const entries = this.ledger.entries();
    for (; this.#savedEntries < entries.length; this.#savedEntries++) {
      const entry = entries[this.#savedEntries] as LedgerEntry;
      rows.push({ kind: 'entry', key: numberKey(entry.id), value: JSON.stringify(entry) });
    }
    this.#touched.clear();
    this.#touchedBatches.clear();
    return rows;
  }

  /** Takes over what a store holds; only for new books. */
  restoreFrom(store: HostStore): void {
    this.ledger.restore(store.rows('entry').map(({ value }) => JSON.parse(value) as LedgerEntry));
    this.#savedEntries = this.ledger.entries().length;
    const batches = new Map(
      store
        .rows('batch')
        .map(({ value }) => readBatch(value))
        .map((batch) => [batch.id, batch]),
    );
    for (const batch of batches.values()) {
      if (batch.state === 'closed') this.#closed.push(batch);
      else this.#open.set(batch.tid, batch);
      this.#batchCount = Math.max(this.#batchCount, batch.id);
    }
    for (const { value } of store.rows('transaction')) {
      const transaction = readTransaction(value, (id) => this.#transactions[id - 1]);
      this.#transactions.push(transaction);
      const batch = batches.get(transaction.batch);
      batch?.transactions.push(transaction);
      batch?.identities.set(identity(transaction.stan, transaction.invoice), transaction);
      const held = transaction.type === 'preAuthorisation' && transaction.state === 'approved';
      if (held) this.#holds.add(transaction);
    }
  }
}
