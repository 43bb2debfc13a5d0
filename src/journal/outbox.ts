import { concat, equalBytes, latin1 } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import type { Database, SqlRow } from '../platform/sqlite.ts';
import type { Sealer } from '../ports/index.ts';
import type { Counters } from './counters.ts';

/** In the order in which they are sent. */
export const OUTBOX_ORDER = ['reversal', 'script', 'advice'] as const;
export type OutboxKind = (typeof OUTBOX_ORDER)[number];

/**
 * `HELD` an obligation of a transaction that is still open · `DUE` to be sent · `CLEARED` never needed ·
 * `DONE` the host answered · `REJECTED` the host refused.
 */
export type OutboxState = 'HELD' | 'DUE' | 'CLEARED' | 'DONE' | 'REJECTED';

export interface OutboxRow {
  readonly id: number;
  readonly kind: OutboxKind;
  readonly transactionId: number;
  readonly amountMinor: number;
  readonly state: OutboxState;
  readonly tries: number;
}

export interface Outbox {
  /** @param content what will be sent, or what it will be built from; stored sealed */
  insert(
    kind: OutboxKind,
    transactionId: number,
    amountMinor: number,
    state: 'HELD' | 'DUE',
    content: Uint8Array,
  ): number;
  /** Rows that wait to be sent, in sending order. */
  due(kind?: OutboxKind): readonly OutboxRow[];
  /** How many rows wait to be sent. */
  waiting(): number;
  /** Obligations of transactions that are still open. */
  held(): readonly OutboxRow[];
  find(id: number): OutboxRow | undefined;
  /** @throws PossumError `STORAGE` when the sealed content was altered */
  content(row: OutboxRow): Uint8Array;
  /** Puts the finished frame in the place of what it was built from. */
  replaceContent(row: OutboxRow, content: Uint8Array): void;
  markDue(id: number): void;
  countTry(id: number): void;
  /** Closes a row and erases its content. */
  close(id: number, state: 'CLEARED' | 'DONE' | 'REJECTED'): void;
  /**
   * Recomputes the chain over every row.
   * @throws PossumError `STORAGE` when a row was edited, deleted, added or moved
   */
  verifyChain(): void;
}

/** Open rows by index `outbox_open`: SQLite takes a partial index only when its condition is asked for. */
const OPEN = `state IN ('HELD', 'DUE')`;
const DUE = `${OPEN} AND state = 'DUE'`;
const HELD = `${OPEN} AND state = 'HELD'`;

/**
 * Table `outbox`. Each row's link covers its identity and the link before it; how many rows there are is counted
 * apart, so that a cut end is noticed.
 */
export function outbox(database: Database, sealer: Sealer, counters: Counters): Outbox {
  return {
    insert(kind, transactionId, amountMinor, state, content) {
      const id = counters.next('outbox');
      const previous = (database.prepare('SELECT link FROM outbox WHERE id = ?').get(id - 1)?.link ??
        null) as Uint8Array | null;
      const link = linkOf(sealer, previous, { id, kind, transactionId, amountMinor });
      database
        .prepare(
          'INSERT INTO outbox (id, kind, txn_id, amount, state, sealed, link) VALUES (?, ?, ?, ?, ?, ?, ?)',
        )
        .run(
          id,
          kind,
          transactionId,
          amountMinor,
          state,
          sealer.seal(content, contextOf({ id, kind, amountMinor })),
          link,
        );
      return id;
    },
    due: (kind) => dueRows(database, kind),
    waiting: () =>
      Number(database.prepare(`SELECT count(*) AS count FROM outbox WHERE ${DUE}`).get()?.count ?? 0),
    held: () => database.prepare(`SELECT * FROM outbox WHERE ${HELD}`).all().map(rowOf),
    find(id) {
      const row = database.prepare('SELECT * FROM outbox WHERE id = ?').get(id);
      return row === undefined ? undefined : rowOf(row);
    },
    content(row) {
      const sealed = database.prepare('SELECT sealed FROM outbox WHERE id = ?').get(row.id)?.sealed;
      const plain = sealed instanceof Uint8Array ? sealer.open(sealed, contextOf(row)) : undefined;
      if (plain === undefined) throw altered(database, `outbox row ${row.id} does not open`);
      return plain;
    },
    replaceContent(row, content) {
      database
        .prepare('UPDATE outbox SET sealed = ? WHERE id = ?')
        .run(sealer.seal(content, contextOf(row)), row.id);
    },
    markDue: (id) =>
      void database.prepare(`UPDATE outbox SET state = 'DUE' WHERE id = ? AND state = 'HELD'`).run(id),
    countTry: (id) => void database.prepare('UPDATE outbox SET tries = tries + 1 WHERE id = ?').run(id),
    close: (id, state) =>
      void database.prepare('UPDATE outbox SET state = ?, sealed = NULL WHERE id = ?').run(state, id),
    verifyChain() {
      const count = counters.current('outbox');
      const rows = database.prepare('SELECT * FROM outbox ORDER BY id').all();
      if (rows.length !== count)
        throw altered(database, `${rows.length} outbox rows where ${count} were written`);
      let previous: Uint8Array | null = null;
      rows.forEach((row, index) => {
        const link = row.link as Uint8Array;
        if (Number(row.id) !== index + 1 || !equalBytes(link, linkOf(sealer, previous, rowOf(row)))) {
          throw altered(database, `outbox row ${index + 1} was edited, deleted or moved`);
        }
        previous = link;
      });
    },
  };
}

function dueRows(database: Database, kind: OutboxKind | undefined): OutboxRow[] {
  const rows = database.prepare(`SELECT * FROM outbox WHERE ${DUE} ORDER BY id`).all().map(rowOf);
  const wanted = kind === undefined ? rows : rows.filter((row) => row.kind === kind);
  return wanted.sort((a, b) => OUTBOX_ORDER.indexOf(a.kind) - OUTBOX_ORDER.indexOf(b.kind) || a.id - b.id);
}

type Identity = Pick<OutboxRow, 'id' | 'kind' | 'transactionId' | 'amountMinor'>;

function linkOf(sealer: Sealer, previous: Uint8Array | null, row: Identity): Uint8Array {
  const identity = latin1(`${row.id}/${row.kind}/${row.transactionId}/${row.amountMinor}`);
  return sealer.link(concat(previous ?? new Uint8Array(0), identity));
}

function contextOf(row: Pick<OutboxRow, 'id' | 'kind' | 'amountMinor'>): string {
  return `outbox/${row.id}/${row.kind}/${row.amountMinor}`;
}

function altered(database: Database, what: string): PossumError {
  return new PossumError('STORAGE', `the journal was altered: ${what}`, {
    where: database.path,
    remedy: 'Nothing is uploaded from it. Keep the file and report it.',
  });
}

function rowOf(row: SqlRow): OutboxRow {
  return {
    id: Number(row.id),
    kind: row.kind as OutboxKind,
    transactionId: Number(row.txn_id),
    amountMinor: Number(row.amount),
    state: row.state as OutboxState,
    tries: Number(row.tries),
  };
}
