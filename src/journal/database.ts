import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isPossumError, PossumError } from '../platform/errors.ts';
import { type Database, type OpenOptions, openDatabase } from '../platform/sqlite.ts';
import { BASE_VERSION, MIGRATIONS } from './migrations.ts';

/** The terminal's two SQLite files in its data folder. */
export interface TerminalFiles {
  readonly database: Database;
  /** Gives the folder free and closes both files. */
  close(): void;
}

/**
 * Opens (or creates) `terminal.db` for its single owner. The owner holds an exclusive lock on `terminal.lock`,
 * which the operating system frees when the process dies.
 * @throws PossumError `LOCKED` when another process owns the folder; `STORAGE` when the file is damaged, comes
 *   from a newer version, or does not give WAL with `synchronous = FULL`
 */
export async function openTerminalFiles(folder: string, options: OpenOptions = {}): Promise<TerminalFiles> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = await openDatabase(join(folder, 'terminal.lock'));
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    if (!isPossumError(cause, 'LOCKED')) throw cause;
    throw new PossumError('LOCKED', 'another process runs this terminal', {
      where: folder,
      remedy: 'End it, or choose another folder with --data.',
      cause,
    });
  }
  let database: Database | undefined;
  try {
    database = await openDatabase(join(folder, 'terminal.db'), options);
    prepareDurability(database);
    checkIntegrity(database);
    migrate(database);
  } catch (cause) {
    database?.close();
    lock.close();
    throw cause;
  }
  const opened = database;
  return {
    database: opened,
    close() {
      opened.close();
      lock.close();
    },
  };
}

/** Opens `terminal.db` for looking only; the owner may be at work meanwhile. */
export async function openForReading(folder: string): Promise<Database> {
  const path = join(folder, 'terminal.db');
  if (!existsSync(path)) {
    throw new PossumError('STORAGE', 'no terminal has worked in this folder yet', {
      where: folder,
      remedy: 'Run `npm start` or a scenario with --data, or name another folder.',
    });
  }
  const database = await openDatabase(path, { readonly: true, busyTimeoutMs: 2000 });
  checkVersion(database, Number(database.pragma('user_version')));
  return database;
}

/** WAL with an fsync per commit, read back because the binding lowers `synchronous` silently. */
function prepareDurability(database: Database): void {
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.pragma('secure_delete = ON');
  const mode = database.pragma('journal_mode');
  const synchronous = database.pragma('synchronous');
  if (mode !== 'wal' || synchronous !== 2) {
    throw new PossumError(
      'STORAGE',
      `the file system gives journal_mode ${mode}, synchronous ${synchronous}`,
      {
        where: database.path,
        remedy: 'A terminal needs WAL with synchronous FULL: put the folder on a local disk.',
      },
    );
  }
}

function checkIntegrity(database: Database): void {
  const verdict = database.pragma('quick_check(1)');
  if (verdict !== 'ok') {
    throw new PossumError('STORAGE', `the database is damaged: ${verdict}`, {
      where: database.path,
      remedy: 'The terminal is out of service. Keep the file; restore a backup or use another --data folder.',
    });
  }
}

/** @param version that of the file; 0 when it is new */
function checkVersion(database: Database, version: number): void {
  const newest = BASE_VERSION + MIGRATIONS.length;
  if (version === 0 || (version > BASE_VERSION && version <= newest)) return;
  const isNewer = version > newest;
  throw new PossumError('STORAGE', `the database has version ${version}, this Possum knows ${newest}`, {
    where: database.path,
    remedy: isNewer
      ? 'Use the newer Possum that wrote it, or another --data folder.'
      : 'It is from before the first release and cannot be read any more: use another --data folder.',
  });
}

function migrate(database: Database): void {
  const version = Number(database.pragma('user_version'));
  checkVersion(database, version);
  for (let step = Math.max(version - BASE_VERSION, 0); step < MIGRATIONS.length; step++) {
    database.exec('BEGIN IMMEDIATE');
    try {
      database.exec(MIGRATIONS[step] as string);
      database.exec(`PRAGMA user_version = ${BASE_VERSION + step + 1}`);
      database.exec('COMMIT');
    } catch (cause) {
      database.exec('ROLLBACK');
      throw cause;
    }
  }
}
