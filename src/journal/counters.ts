import type { Database } from '../platform/sqlite.ts';

/** The numbers that must never repeat; each moves in the unit of work that uses it. */
export type CounterName = 'stan' | 'invoice' | 'batch' | 'outbox' | 'commit';

/** What is kept of the database in memory: after a roll-back it is no longer so. */
export interface Remembering {
  forget(): void;
}

export interface Counters {
  /** Raises the counter and gives the new value; 999999 is followed by 1; `outbox` and `commit` are unbounded. */
  next(name: CounterName): number;
  current(name: CounterName): number;
}

const WRAPPING: ReadonlySet<CounterName> = new Set(['stan', 'invoice', 'batch']);

/** Counters in table `counter`; one that was never used stands at 0. The owner of the file remembers them. */
export function counters(database: Database): Counters & Remembering {
  const known = new Map<CounterName, number>();
  const read = (name: CounterName) => {
    const value =
      known.get(name) ??
      Number(database.prepare('SELECT value FROM counter WHERE name = ?').get(name)?.value ?? 0);
    known.set(name, value);
    return value;
  };
  return {
    forget: () => known.clear(),
    current: read,
    next(name) {
      const value = WRAPPING.has(name) && read(name) >= 999_999 ? 1 : read(name) + 1;
      database
        .prepare(
          'INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
        )
        .run(name, value);
      known.set(name, value);
      return value;
    },
  };
}
