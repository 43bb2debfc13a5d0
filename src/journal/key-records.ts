import type { Database } from '../platform/sqlite.ts';
import type { KeyStore, KeyStoreWriter } from '../ports/index.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** The secure module's store in table `key_record`: its changes share the commits of the transactions. */
export function keyRecords(database: Database, commit: UnitOfWork): KeyStore {
  const writer: KeyStoreWriter = {
    put(name, value) {
      database
        .prepare(
          'INSERT INTO key_record (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
        )
        .run(name, value);
    },
    delete(name) {
      database.prepare('DELETE FROM key_record WHERE name = ?').run(name);
    },
  };
  return {
    get: (name) =>
      database.prepare('SELECT value FROM key_record WHERE name = ?').get(name)?.value as
        | Uint8Array
        | undefined,
    list: (prefix) =>
      database
        .prepare('SELECT name, value FROM key_record WHERE substr(name, 1, ?) = ? ORDER BY name')
        .all(prefix.length, prefix)
        .map((row) => ({ name: String(row.name), value: row.value as Uint8Array })),
    atomically: (change) => commit('keys', () => change(writer)),
  };
}
