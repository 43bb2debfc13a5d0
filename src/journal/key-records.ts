import { toHex } from '../platform/bytes.ts';
import type { Database } from '../platform/sqlite.ts';
import type { KeyStore, KeyStoreWriter } from '../ports/index.ts';
import { KSN_RECORD } from '../ports/key-store.ts';
import type { Remembering } from './counters.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** Table `key_record`, for the owner, who remembers how far its KSN has come. */
export interface KeyTable extends Remembering, KeyStoreWriter, Pick<KeyStore, 'get' | 'list'> {
  /** The next KSN, hex; empty before a key was loaded and after the last one. */
  ksn(): string;
}

export function keyTable(database: Database): KeyTable {
  let known: { readonly record: Uint8Array | undefined } | undefined;
  const read = (name: string) =>
    database.prepare('SELECT value FROM key_record WHERE name = ?').get(name)?.value as
      | Uint8Array
      | undefined;
  // Asked for several times in each transaction.
  const ksn = () => {
    known ??= { record: read(KSN_RECORD) };
    return known.record;
  };
  return {
    get: (name) => (name === KSN_RECORD ? ksn()?.slice() : read(name)),
    list: (prefix) =>
      database
        .prepare('SELECT name, value FROM key_record WHERE substr(name, 1, ?) = ? ORDER BY name')
        .all(prefix.length, prefix)
        .map((row) => ({ name: String(row.name), value: row.value as Uint8Array })),
    put(name, value) {
      database
        .prepare(
          'INSERT INTO key_record (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
        )
        .run(name, value);
      if (name === KSN_RECORD) known = { record: value.slice() };
    },
    delete(name) {
      database.prepare('DELETE FROM key_record WHERE name = ?').run(name);
      if (name === KSN_RECORD) known = { record: undefined };
    },
    ksn: () => toHex(ksn() ?? new Uint8Array(0)),
    forget() {
      known = undefined;
    },
  };
}

/** The secure module's store: its changes share the commits of the transactions. */
export function keyRecords(table: KeyTable, commit: UnitOfWork): KeyStore {
  return {
    get: table.get,
    list: table.list,
    atomically: (change) => commit('keys', () => change(table)),
  };
}
