import { createRequire } from 'node:module';
import { join } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import { parseDocument } from 'yaml';
import * as z from 'zod';
import { temporaryFolder } from './folder.ts';

/** The floor of a start: the libraries that a scenario needs, each used once, and one bare durable commit. */
const checked = z.strictObject({ name: z.string() }).safeParse(parseDocument('name: floor').toJS());
if (!checked.success) throw checked.error;

const Sqlite = createRequire(import.meta.url)('better-sqlite3') as typeof BetterSqlite3;
const database = new Sqlite(join(temporaryFolder(), 'floor.db'));
database.pragma('journal_mode = WAL');
database.pragma('synchronous = FULL');
database.exec('CREATE TABLE floor (name TEXT)');
database.prepare('INSERT INTO floor VALUES (?)').run(checked.data.name);
database.close();
