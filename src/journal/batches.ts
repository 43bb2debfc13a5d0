import type { Database, SqlRow, SqlValue } from '../platform/sqlite.ts';
import type { Counters, Remembering } from './counters.ts';
import type { BatchTotals } from './transactions.ts';

/** `MUST_SETTLE`: a settlement was begun; nothing but settlement is allowed until it is finished. */
export type BatchState = 'OPEN' | 'MUST_SETTLE' | 'CLOSED';

export interface BatchRecord {
  readonly id: number;
  /** Six digits at most, as the host knows it. */
  readonly number: number;
  readonly state: BatchState;
  readonly openedMs: number;
  readonly closedMs?: number;
  readonly failures: number;
  /** What the settlement slip shows; kept for the last-batch report. */
  readonly slip?: SettlementSlip;
  readonly slipPrinted: boolean;
}

export interface SettlementSlip {
  readonly batch: number;
  readonly totals: BatchTotals;
  readonly currency: string;
  readonly uploaded: number;
  readonly hostTotals: 'balanced' | 'balanced after upload' | 'closed by hand';
}

export interface BatchesView {
  /** The one batch that is not closed. */
  current(): BatchRecord | undefined;
  find(number: number): BatchRecord | undefined;
  byId(id: number): BatchRecord | undefined;
  list(): readonly BatchRecord[];
}

export interface Batches extends BatchesView {
  /** Opens the first batch, or gives the current one. */
  ensureOpen(nowMs: number): BatchRecord;
  markMustSettle(id: number): void;
  countFailure(id: number): void;
  /** Closes the batch and opens the next, in the caller's unit of work. */
  close(id: number, slip: SettlementSlip, nowMs: number): void;
  markSlipPrinted(id: number): void;
}

/** Table `batch`, for those who only look. */
export function batchesView(database: Database): BatchesView {
  return {
    current: () => recordOf(database.prepare(`SELECT * FROM batch WHERE state <> 'CLOSED'`).get()),
    find: (number) =>
      recordOf(database.prepare('SELECT * FROM batch WHERE number = ? ORDER BY id DESC LIMIT 1').get(number)),
    byId: (id) => recordOf(database.prepare('SELECT * FROM batch WHERE id = ?').get(id)),
    list: () =>
      database
        .prepare('SELECT * FROM batch ORDER BY id')
        .all()
        .map((row) => recordOf(row) as BatchRecord),
  };
}

/** Table `batch`, for the owner, who remembers the current one until something changes. */
export function batches(database: Database, counters: Counters): Batches & Remembering {
  const view = batchesView(database);
  let known: BatchRecord | undefined;
  const forget = () => {
    known = undefined;
  };
  const current = () => {
    known ??= view.current();
    return known;
  };
  const change = (sql: string, ...parameters: SqlValue[]): void => {
    forget();
    database.prepare(sql).run(...parameters);
  };
  const open = (nowMs: number) =>
    change(
      `INSERT INTO batch (number, state, opened_ms) VALUES (?, 'OPEN', ?)`,
      counters.next('batch'),
      nowMs,
    );
  return {
    ...view,
    forget,
    current,
    byId: (id) => (known?.id === id ? known : view.byId(id)),
    ensureOpen(nowMs) {
      if (current() === undefined) open(nowMs);
      return current() as BatchRecord;
    },
    markMustSettle: (id) =>
      change(`UPDATE batch SET state = 'MUST_SETTLE' WHERE id = ? AND state = 'OPEN'`, id),
    countFailure: (id) => change('UPDATE batch SET failures = failures + 1 WHERE id = ?', id),
    close(id, slip, nowMs) {
      const text = JSON.stringify(slip);
      change(`UPDATE batch SET state = 'CLOSED', closed_ms = ?, slip = ? WHERE id = ?`, nowMs, text, id);
      open(nowMs);
    },
    markSlipPrinted: (id) => change('UPDATE batch SET slip_printed = 1 WHERE id = ?', id),
  };
}

function recordOf(row: SqlRow | undefined): BatchRecord | undefined {
  if (row === undefined) return undefined;
  return {
    id: Number(row.id),
    number: Number(row.number),
    state: row.state as BatchState,
    openedMs: Number(row.opened_ms),
    ...(row.closed_ms === null ? {} : { closedMs: Number(row.closed_ms) }),
    failures: Number(row.failures),
    ...(row.slip === null ? {} : { slip: JSON.parse(String(row.slip)) as SettlementSlip }),
    slipPrinted: row.slip_printed === 1,
  };
}
