import { join } from 'node:path';
import { Sqlite } from './commit-counter.ts';
import { temporaryFolder } from './folder.ts';

/** One durable commit of a small row, with the settings of the journal and nothing else. */
export function bareCommit(): () => void {
  const database = new Sqlite(join(temporaryFolder(), 'bare.db'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('CREATE TABLE sale (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT');
  const insert = database.prepare('INSERT INTO sale (body) VALUES (?)');
  const body = new Uint8Array(300);
  return () => void insert.run(body);
}
