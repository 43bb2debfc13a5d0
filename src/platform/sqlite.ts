import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import { isPossumError, PossumError } from './errors.ts';

export type SqlValue = string | number | bigint | Uint8Array | null;
export type SqlRow = Record<string, SqlValue>;

/** A prepared statement; `run` counts the changed rows. */
export interface Statement {
  run(...parameters: SqlValue[]): number;
  get(...parameters: SqlValue[]): SqlRow | undefined;
  all(...parameters: SqlValue[]): SqlRow[];
}

/** The small face of SQLite that Possum uses. Statements are prepared once per text. */
export interface Database {
  readonly path: string;
  prepare(sql: string): Statement;
  exec(sql: string): void;
  /** A pragma's first value. */
  pragma(source: string): SqlValue;
  close(): void;
}

export interface OpenOptions {
  readonly readonly?: boolean;
  /** Called before each statement runs, BEGIN and COMMIT included. */
  readonly onStatement?: (sql: string) => void;
  /** How long a statement waits for another connection's lock. */
  readonly busyTimeoutMs?: number;
}

let loaded: Promise<typeof BetterSqlite3> | undefined;

/**
 * Opens a database file. The native binding is loaded on first use, so that a command that stores nothing does
 * not pay for it. The folder is made when it is missing.
 * @throws PossumError `STORAGE` when the file cannot be opened or is no database
 */
export async function openDatabase(path: string, options: OpenOptions = {}): Promise<Database> {
  loaded ??= import('better-sqlite3').then((module) => module.default);
  const Binding = await loaded;
  let native: BetterSqlite3.Database;
  try {
    if (options.readonly !== true) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    native = new Binding(path, {
      readonly: options.readonly ?? false,
      fileMustExist: options.readonly ?? false,
      timeout: options.busyTimeoutMs ?? 0,
      ...nativeBinding(),
    });
  } catch (cause) {
    throw storageError(cause, path);
  }
  return wrap(native, path, options.onStatement);
}

/** Where the binding lies when it was built on this machine, which spares it a search through a dozen folders. */
function nativeBinding(): { nativeBinding?: string } {
  const path = createRequire(join(import.meta.dirname, 'sqlite.js')).resolve('better-sqlite3/package.json');
  const file = join(dirname(path), 'build', 'Release', 'better_sqlite3.node');
  return existsSync(file) ? { nativeBinding: file } : {};
}

/**
 * Objects of the binding stay reachable for good. Node 24.19 and its successors abort when a collection outside of
 * a running script frees one that was compiled against their headers (nodejs/node issue 65446); there are few, since
 * statements are prepared once.
 */
const kept: unknown[] = [];

function wrap(
  native: BetterSqlite3.Database,
  path: string,
  onStatement: ((sql: string) => void) | undefined,
): Database {
  const prepared = new Map<string, Statement>();
  const pragmas = new Map<string, BetterSqlite3.Statement>();
  kept.push(native);
  const guarded = <T>(sql: string, work: () => T): T => {
    onStatement?.(sql);
    try {
      return work();
    } catch (cause) {
      throw storageError(cause, path);
    }
  };
  const compile = (sql: string): BetterSqlite3.Statement => {
    try {
      const statement = native.prepare(sql);
      kept.push(statement);
      return statement;
    } catch (cause) {
      throw storageError(cause, path);
    }
  };
  const prepare = (sql: string): Statement => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const statement = compile(sql);
    const made: Statement = {
      run: (...parameters) => guarded(sql, () => statement.run(...parameters).changes),
      get: (...parameters) => guarded(sql, () => statement.get(...parameters) as SqlRow | undefined),
      all: (...parameters) => guarded(sql, () => statement.all(...parameters) as SqlRow[]),
    };
    prepared.set(sql, made);
    return made;
  };
  return {
    path,
    prepare,
    exec: (sql) => guarded(sql, () => void native.exec(sql)),
    pragma(source) {
      const sql = `PRAGMA ${source}`;
      const statement = pragmas.get(sql) ?? compile(sql);
      pragmas.set(sql, statement);
      return guarded(sql, () => {
        if (statement.reader) return (statement.pluck().get() ?? null) as SqlValue;
        statement.run();
        return null;
      });
    },
    close: () => void native.close(),
  };
}

/** Whether `cause` says that a write found no room; what was begun is rolled back. */
export function isDiskFull(cause: unknown): boolean {
  if (!isPossumError(cause, 'STORAGE')) return false;
  return (cause.cause as { code?: string } | undefined)?.code === 'SQLITE_FULL';
}

/** Turns SQLite's exceptions into ones that say what to do; wrong use of the binding is a mistake of ours. */
function storageError(cause: unknown, path: string): unknown {
  if (!/^SQLITE_/.test((cause as { code?: string } | undefined)?.code ?? '')) return cause;
  const code = (cause as { code?: string } | undefined)?.code ?? '';
  const message = cause instanceof Error ? cause.message : String(cause);
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new PossumError('LOCKED', 'another process is using the database', {
      where: path,
      remedy: 'End the other Possum that works on this folder, or use another --data folder.',
      cause,
    });
  }
  const remedies: readonly [RegExp, string][] = [
    [
      /^SQLITE_(CORRUPT|NOTADB)/,
      'The file is damaged: keep it, and restore a backup or start with another --data folder.',
    ],
    [/^SQLITE_(FULL|IOERR)/, 'Free disk space, then start again; the last commit is intact.'],
    [/^SQLITE_(READONLY|CANTOPEN|PERM)/, 'Check that the folder exists and that you may write to it.'],
  ];
  const remedy =
    remedies.find(([pattern]) => pattern.test(code))?.[1] ??
    'Look at the folder; use another --data folder if it cannot be helped.';
  return new PossumError('STORAGE', `the database failed: ${message}`, { where: path, remedy, cause });
}
