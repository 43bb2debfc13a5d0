import { PossumError } from '../platform/errors.ts';
import { type Database, isDiskFull } from '../platform/sqlite.ts';
import type { Trace } from '../platform/trace.ts';
import type { Room } from './room.ts';

/**
 * All changes go through a unit of work: what it does becomes durable together, or not at all. Units nest: an
 * inner one joins the outer, so that the secure module's counter can move in the commit of a transaction. Runs
 * `work` and commits; what it did is durable when this returns. `what` is named in the trace.
 */
export type UnitOfWork = <T>(what: string, work: () => T) => T;

/** What goes with each commit. */
export interface CommitEvents {
  /** The last change of a unit of work. @returns the number of its commit */
  beforeCommit(): number;
  afterCommit(): void;
  /** What was done is undone. */
  onRollBack(): void;
}

/**
 * Makes the {@link UnitOfWork} of one connection. When the disk is full, the reserve is given back and the work done
 * once more: what was begun before can then still be brought to its end.
 */
export function unitOfWork(database: Database, trace: Trace, room: Room, events: CommitEvents): UnitOfWork {
  let depth = 0;
  let committed = 0;
  const once = <T>(what: string, work: () => T): T => {
    const begin = database.prepare('BEGIN IMMEDIATE');
    begin.run();
    depth++;
    try {
      const result = work();
      if (result instanceof Promise)
        throw new PossumError('INTERNAL', `unit of work "${what}" must not wait`);
      const sequence = events.beforeCommit();
      database.prepare('COMMIT').run();
      committed = sequence;
      return result;
    } catch (cause) {
      rollBack(database);
      events.onRollBack();
      throw cause;
    } finally {
      depth--;
    }
  };
  const twiceAtMost = <T>(what: string, work: () => T): T => {
    try {
      return once(what, work);
    } catch (cause) {
      if (!isDiskFull(cause) || !room.giveReserve()) throw cause;
      trace.emit({ kind: 'alarm', what: 'the disk is full: the reserve is in use' });
      return once(what, work);
    }
  };
  return (what, work) => {
    if (depth > 0) return work();
    const result = twiceAtMost(what, work);
    events.afterCommit();
    if (trace.wants('commit')) trace.emit({ kind: 'commit', what, sequence: committed });
    return result;
  };
}

function rollBack(database: Database): void {
  try {
    database.prepare('ROLLBACK').run();
  } catch {
    // SQLite has rolled back on its own after an I/O error; the first failure is the one to report.
  }
}
