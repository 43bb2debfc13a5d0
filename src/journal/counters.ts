import type { Database } from '../platform/sqlite.ts';

/** The numbers that must never repeat; each moves in the unit of work that uses it. */
export type CounterName = 'stan' | 'invoice' | 'batch' | 'outbox';

export interface Counters {
  /** Raises the counter and gives the new value; 999999 is followed by 1 (`outbox` is unbounded). */
  next(name: CounterName): number;
  current(name: CounterName): number;
}

/** Counters in table `counter`; one that was never used stands at 0. */
export function counters(database: Database): Counters {
  const read = (name: CounterName) =>
    Number(database.prepare('SELECT value FROM counter WHERE name = ?').get(name)?.value ?? 0);
  return {
    current: read,
    next: (name) =>
      Number(
        database
          .prepare(
            `INSERT INTO counter (name, value) VALUES (?, 1)
             ON CONFLICT (name) DO UPDATE SET value = iif(value >= ?, 1, value + 1) RETURNING value`,
          )
          .get(name, name === 'outbox' ? null : 999_999)?.value,
      ),
  };
}
