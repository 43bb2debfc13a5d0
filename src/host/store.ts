import { type Database, openDatabase } from '../platform/sqlite.ts';

/** What the host remembers, as rows of JSON. No row holds a card number, a track or a key. */
export type RowKind = 'transaction' | 'batch' | 'entry' | 'ksn' | 'card' | 'device' | 'counter';

export interface StoredRow {
  readonly kind: RowKind;
  readonly key: string;
  /** JSON; `undefined` removes the row. */
  readonly value: string | undefined;
}

/** Where the host keeps its books from one process to the next. */
export interface HostStore {
  /** All rows of a kind, in the order of their keys. */
  rows(kind: RowKind): readonly { readonly key: string; readonly value: string }[];
  /** All changes or none. */
  save(changes: readonly StoredRow[]): void;
  close(): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS host_row (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, key)
  ) WITHOUT ROWID`;

/**
 * Keeps the host in a SQLite file. The host is a tool beside the terminal under test: its commits survive the end of
 * the process, not of the machine.
 * @throws PossumError `STORAGE` or `LOCKED`
 */
export async function openHostStore(path: string): Promise<HostStore> {
  const database = await openDatabase(path, { busyTimeoutMs: 2_000 });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    database.exec(SCHEMA);
  } catch (error) {
    database.close();
    throw error;
  }
  return {
    rows: (kind) =>
      database
        .prepare('SELECT key, value FROM host_row WHERE kind = ? ORDER BY key')
        .all(kind)
        .map(({ key, value }) => ({ key: String(key), value: String(value) })),
    save: (changes) => save(database, changes),
    close: () => database.close(),
  };
}

function save(database: Database, changes: readonly StoredRow[]): void {
  if (changes.length === 0) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const { kind, key, value } of changes) {
      if (value === undefined) {
        database.prepare('DELETE FROM host_row WHERE kind = ? AND key = ?').run(kind, key);
      } else {
        database
          .prepare('INSERT OR REPLACE INTO host_row (kind, key, value) VALUES (?, ?, ?)')
          .run(kind, key, value);
      }
    }
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** A number as a key that sorts by value. */
export function numberKey(value: number): string {
  return String(value).padStart(12, '0');
}
