import { fromHex, toHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import { Pan } from '../platform/secret.ts';
import type { Database, SqlRow } from '../platform/sqlite.ts';
import type { Sealer } from '../ports/index.ts';
import type { Remembering } from './counters.ts';

export type TransactionKind = 'sale' | 'refund' | 'void';

/**
 * A transaction only moves forward:
 * - `PENDING` the request may have left, its reversal is an obligation
 * - `APPROVED`, `DECLINED` final
 * - `MUST_REVERSE` the host may have approved, the cardholder was told otherwise
 * - `REVERSED` the host knows
 * - `REJECTED` an offline approval that the host refused
 * - `NEEDS_OPERATOR` the host refused the reversal
 */
export type TransactionState =
  | 'PENDING'
  | 'APPROVED'
  | 'DECLINED'
  | 'MUST_REVERSE'
  | 'REVERSED'
  | 'REJECTED'
  | 'NEEDS_OPERATOR';

const MAY_BECOME: Record<TransactionState, readonly TransactionState[]> = {
  PENDING: ['APPROVED', 'DECLINED', 'MUST_REVERSE'],
  APPROVED: ['REJECTED'],
  DECLINED: [],
  MUST_REVERSE: ['REVERSED', 'NEEDS_OPERATOR'],
  REVERSED: [],
  REJECTED: [],
  NEEDS_OPERATOR: ['REVERSED'],
};

/** What is needed again later (reversal, upload, void) and is stored sealed. */
export interface CardData {
  readonly pan: Pan;
  /** YYMM */
  readonly expiry?: string;
  /** Three digits, field 23. */
  readonly sequenceNumber?: string;
  /** Field 55 as it is uploaded. */
  readonly chip?: Uint8Array;
}

/** What a receipt and a report show beside the columns; nothing secret. */
export interface TransactionDetail {
  readonly interface: 'contact' | 'contactless' | 'stripe' | 'none';
  readonly aid?: string;
  readonly label?: string;
  readonly tvr?: string;
  readonly tsi?: string;
  readonly cryptogram?: string;
  readonly cid?: string;
  readonly atc?: string;
  readonly cvm?: 'none' | 'signature' | 'online-pin' | 'offline-pin' | 'cdcvm';
  /** Local code of host-protocol: Y1, Z1, Y3, Z3, L1 … */
  readonly localCode?: string;
  readonly reason?: string;
}

export interface NewTransaction {
  readonly kind: TransactionKind;
  readonly state: 'PENDING' | 'APPROVED';
  readonly online: boolean;
  readonly stan: number;
  readonly invoice: number;
  readonly amountMinor: number;
  /** ISO 4217 numeric, three digits. */
  readonly currency: string;
  readonly cardData: CardData;
  /** Field 22, three digits. */
  readonly entryMode: string;
  readonly atMs: number;
  readonly originalId?: number;
  readonly approvalCode?: string;
  readonly detail: TransactionDetail;
}

export interface TransactionRecord {
  readonly id: number;
  readonly batchId: number;
  readonly kind: TransactionKind;
  readonly state: TransactionState;
  readonly online: boolean;
  readonly stan: number;
  readonly invoice: number;
  readonly amountMinor: number;
  readonly currency: string;
  /** Masked PAN. */
  readonly card: string;
  readonly entryMode: string;
  readonly atMs: number;
  readonly originalId?: number;
  readonly voidedBy?: number;
  readonly responseCode?: string;
  readonly approvalCode?: string;
  readonly rrn?: string;
  readonly detail: TransactionDetail;
}

export interface TransactionUpdate {
  readonly state: TransactionState;
  readonly responseCode?: string;
  readonly approvalCode?: string;
  readonly rrn?: string;
  readonly detail?: TransactionDetail;
  readonly cardData?: CardData;
}

/** Sums of a batch by the net rule of the `nac` profile: voided sales and their voids vanish. */
export interface BatchTotals {
  readonly salesCount: number;
  readonly salesMinor: number;
  readonly refundsCount: number;
  readonly refundsMinor: number;
}

export interface TransactionsView {
  find(id: number): TransactionRecord | undefined;
  /** The latest sale or refund with that invoice number. */
  findByInvoice(invoice: number): TransactionRecord | undefined;
  /** In the order in which they happened; newest last. */
  list(filter?: { batchId: number; state?: TransactionState }): readonly TransactionRecord[];
  totals(batchId: number): BatchTotals;
  /** Rows of a batch, whatever their state. */
  count(batchId: number): number;
  /** Approved amounts of the open batch by cards whose masked number is `card` (floor-limit check). */
  recentAmountMinor(batchId: number, card: string): number;
}

export interface Transactions extends TransactionsView {
  insert(batchId: number, transaction: NewTransaction): TransactionRecord;
  /**
   * @param of the transaction, or its id when the caller does not know it
   * @throws PossumError `STATE` when the row may not move so, or has moved meanwhile: a mistake in the caller
   */
  advance(of: TransactionRecord | number, update: TransactionUpdate): TransactionRecord;
  /** The host's reference for an offline approval that it has accepted. */
  setReference(id: number, rrn: string): void;
  /** Links an approved void and its original. */
  markVoided(originalId: number, voidId: number): void;
  /** @throws PossumError `STORAGE` when the sealed value was altered or is gone */
  cardData(id: number): CardData;
  /** Erases the card data of a settled batch. */
  forgetCards(batchId: number): void;
}

/** Table `txn`, for those who only look. */
export function transactionsView(database: Database): TransactionsView {
  return {
    find: (id) => recordOf(database.prepare('SELECT * FROM txn WHERE id = ?').get(id)),
    findByInvoice: (invoice) =>
      recordOf(
        database
          .prepare(
            `SELECT * FROM txn WHERE batch_id IN (SELECT id FROM batch) AND invoice = ? AND kind <> 'void'
             ORDER BY id DESC LIMIT 1`,
          )
          .get(invoice),
      ),
    list: (filter) => listRows(database, filter).map((row) => recordOf(row) as TransactionRecord),
    totals: (batchId) => totalsOf(database, batchId),
    count: (batchId) =>
      Number(
        database.prepare('SELECT count(*) AS count FROM txn WHERE batch_id = ?').get(batchId)?.count ?? 0,
      ),
    recentAmountMinor: (batchId, card) =>
      Number(
        database
          .prepare(
            `SELECT coalesce(sum(amount), 0) AS sum FROM txn
             WHERE batch_id = ? AND card = ? AND kind = 'sale' AND state = 'APPROVED'`,
          )
          .get(batchId, card)?.sum ?? 0,
      ),
  };
}

/**
 * Table `txn`, for the owner, who remembers the last id and how many rows a batch has. All writes belong into a
 * unit of work.
 */
export function transactions(database: Database, sealer: Sealer): Transactions & Remembering {
  const view = transactionsView(database);
  let counted: { readonly batchId: number; readonly rows: number } | undefined;
  let last: number | undefined;
  const count = (batchId: number) => {
    if (counted?.batchId !== batchId) counted = { batchId, rows: view.count(batchId) };
    return counted.rows;
  };
  return {
    ...view,
    count,
    forget() {
      counted = undefined;
      last = undefined;
    },
    insert(batchId, transaction) {
      const rows = count(batchId);
      // Taken early because the id is part of what is sealed; rows are never deleted, so none comes twice.
      const id = (last ?? lastId(database)) + 1;
      const { cardData, ...facts } = transaction;
      const card = cardData.pan.toString();
      database
        .prepare(
          `INSERT INTO txn (id, batch_id, kind, state, online, stan, invoice, amount, currency, card, card_sealed,
             entry_mode, at_ms, original_id, approval_code, detail)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          id,
          batchId,
          transaction.kind,
          transaction.state,
          transaction.online ? 1 : 0,
          transaction.stan,
          transaction.invoice,
          transaction.amountMinor,
          transaction.currency,
          card,
          sealer.seal(encodeCardData(cardData), cardContext(id, transaction.amountMinor)),
          transaction.entryMode,
          transaction.atMs,
          transaction.originalId ?? null,
          transaction.approvalCode ?? null,
          JSON.stringify(transaction.detail),
        );
      last = id;
      counted = { batchId, rows: rows + 1 };
      return { ...facts, id, batchId, card };
    },
    advance(of, update) {
      const record = typeof of === 'number' ? view.find(of) : of;
      if (record === undefined) throw new PossumError('STATE', `there is no transaction ${of}`);
      const { id, state } = record;
      const { cardData, ...facts } = update;
      const after = { ...record, ...facts };
      const moved = database
        .prepare(
          `UPDATE txn SET state = ?, response_code = ?, approval_code = ?, rrn = ?, detail = ?,
             card_sealed = coalesce(?, card_sealed) WHERE id = ? AND state = ?`,
        )
        .run(
          after.state,
          after.responseCode ?? null,
          after.approvalCode ?? null,
          after.rrn ?? null,
          JSON.stringify(after.detail),
          cardData === undefined
            ? null
            : sealer.seal(encodeCardData(cardData), cardContext(id, record.amountMinor)),
          id,
          // A move that is not allowed finds no row, like one from a state that the row has left.
          MAY_BECOME[state].includes(update.state) ? state : null,
        );
      if (moved === 0)
        throw new PossumError('STATE', `transaction ${id} cannot go from ${state} to ${update.state}`);
      return after;
    },
    setReference: (id, rrn) => void database.prepare('UPDATE txn SET rrn = ? WHERE id = ?').run(rrn, id),
    markVoided(originalId, voidId) {
      const changed = database
        .prepare(`UPDATE txn SET voided_by = ? WHERE id = ? AND voided_by IS NULL AND state = 'APPROVED'`)
        .run(voidId, originalId);
      if (changed !== 1)
        throw new PossumError('STATE', `transaction ${originalId} cannot be voided by ${voidId}`);
    },
    cardData(id) {
      const row = database.prepare('SELECT amount, card_sealed FROM txn WHERE id = ?').get(id);
      const sealed = row?.card_sealed;
      const plain =
        sealed instanceof Uint8Array ? sealer.open(sealed, cardContext(id, Number(row?.amount))) : undefined;
      if (plain === undefined) {
        throw new PossumError('STORAGE', `the card data of transaction ${id} was altered or erased`, {
          where: database.path,
          remedy: 'Do not settle this batch; keep the file and report it.',
        });
      }
      return decodeCardData(plain);
    },
    forgetCards(batchId) {
      database.prepare('UPDATE txn SET card_sealed = NULL WHERE batch_id = ?').run(batchId);
    },
  };
}

function listRows(database: Database, filter: Parameters<TransactionsView['list']>[0]): SqlRow[] {
  if (filter === undefined) return database.prepare('SELECT * FROM txn ORDER BY id').all();
  const { batchId, state } = filter;
  if (state === undefined)
    return database.prepare('SELECT * FROM txn WHERE batch_id = ? ORDER BY id').all(batchId);
  return database
    .prepare('SELECT * FROM txn WHERE batch_id = ? AND state = ? ORDER BY id')
    .all(batchId, state);
}

function lastId(database: Database): number {
  return Number(database.prepare('SELECT max(id) AS last FROM txn').get()?.last ?? 0);
}

function cardContext(id: number, amountMinor: number): string {
  return `txn/${id}/${amountMinor}`;
}

function encodeCardData(data: CardData): Uint8Array {
  const { pan, chip, ...rest } = data;
  const text = JSON.stringify({
    ...rest,
    pan: pan.reveal(),
    ...(chip === undefined ? {} : { chip: toHex(chip) }),
  });
  return new TextEncoder().encode(text);
}

function decodeCardData(plain: Uint8Array): CardData {
  const { pan, chip, ...rest } = JSON.parse(new TextDecoder().decode(plain)) as Record<string, string>;
  return { ...rest, pan: new Pan(pan as string), ...(chip === undefined ? {} : { chip: fromHex(chip) }) };
}

function totalsOf(database: Database, batchId: number): BatchTotals {
  const sums = database
    .prepare(
      `SELECT kind, count(*) AS count, sum(amount) AS sum FROM txn
       WHERE batch_id = ? AND state = 'APPROVED' AND voided_by IS NULL AND kind <> 'void' GROUP BY kind`,
    )
    .all(batchId);
  const of = (kind: string) => sums.find((row) => row.kind === kind);
  return {
    salesCount: Number(of('sale')?.count ?? 0),
    salesMinor: Number(of('sale')?.sum ?? 0),
    refundsCount: Number(of('refund')?.count ?? 0),
    refundsMinor: Number(of('refund')?.sum ?? 0),
  };
}

function recordOf(row: SqlRow | undefined): TransactionRecord | undefined {
  if (row === undefined) return undefined;
  return {
    id: Number(row.id),
    batchId: Number(row.batch_id),
    kind: row.kind as TransactionKind,
    state: row.state as TransactionState,
    online: row.online === 1,
    stan: Number(row.stan),
    invoice: Number(row.invoice),
    amountMinor: Number(row.amount),
    currency: String(row.currency),
    card: String(row.card),
    entryMode: String(row.entry_mode),
    atMs: Number(row.at_ms),
    ...(row.original_id === null ? {} : { originalId: Number(row.original_id) }),
    ...(row.voided_by === null ? {} : { voidedBy: Number(row.voided_by) }),
    ...(row.response_code === null ? {} : { responseCode: String(row.response_code) }),
    ...(row.approval_code === null ? {} : { approvalCode: String(row.approval_code) }),
    ...(row.rrn === null ? {} : { rrn: String(row.rrn) }),
    detail: JSON.parse(String(row.detail)) as TransactionDetail,
  };
}
