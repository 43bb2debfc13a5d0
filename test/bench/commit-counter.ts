import { createRequire } from 'node:module';
import { sep } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';

export const Sqlite = createRequire(import.meta.url)('better-sqlite3') as typeof BetterSqlite3;

type Run = (this: BetterSqlite3.Statement, ...parameters: unknown[]) => unknown;
type Exec = (this: BetterSqlite3.Database, sql: string) => BetterSqlite3.Database;

/** Counts durable commits of every connection of this process on the files of a folder. */
export interface CommitCounter {
  /** Commits since the last call. */
  take(): number;
}

/**
 * Watches SQLite below everything of ours: a commit is a statement that ends a transaction other than by
 * ROLLBACK, or one that writes outside of any.
 */
export function countCommits(folder: string): CommitCounter {
  let commits = 0;
  const within = (database: BetterSqlite3.Database) => database.name.startsWith(folder + sep);
  const observe = <T>(database: BetterSqlite3.Database, sql: string, writes: boolean, work: () => T): T => {
    const before = database.inTransaction;
    const result = work();
    const after = database.inTransaction;
    const ended = before && !after && !/^\s*ROLLBACK/i.test(sql);
    if (within(database) && (ended || (!before && !after && writes))) commits++;
    return result;
  };
  const probe = new Sqlite(':memory:');
  const statements = Object.getPrototypeOf(probe.prepare('SELECT 1')) as Record<'run' | 'get' | 'all', Run>;
  probe.close();
  for (const name of ['run', 'get', 'all'] as const) {
    const original = statements[name];
    statements[name] = function (...parameters) {
      return observe(this.database, this.source, !this.readonly, () => original.apply(this, parameters));
    };
  }
  const prototype = Sqlite.prototype as unknown as { exec: Exec };
  const exec = prototype.exec;
  prototype.exec = function (sql) {
    return observe(this, sql, true, () => exec.call(this, sql));
  };
  return {
    take() {
      const taken = commits;
      commits = 0;
      return taken;
    },
  };
}
