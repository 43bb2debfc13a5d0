import { join } from 'node:path';
import type { OpenOptions } from '../platform/sqlite.ts';
import type { Trace } from '../platform/trace.ts';
import type { KeyStore, Sealer } from '../ports/index.ts';
import { type Batches, type BatchesView, batches, batchesView } from './batches.ts';
import { type Counters, counters } from './counters.ts';
import { openForReading, openTerminalFiles, type TerminalFiles } from './database.ts';
import { type HighWater, highWater, type Mark } from './high-water.ts';
import { keyRecords, keyTable } from './key-records.ts';
import { type Outbox, outbox } from './outbox.ts';
import { type Room, roomOf } from './room.ts';
import { type Transactions, type TransactionsView, transactions, transactionsView } from './transactions.ts';
import { type UnitOfWork, unitOfWork } from './unit-of-work.ts';

/** The terminal's durable memory: one SQLite file, one owner. */
export interface Journal {
  readonly commit: UnitOfWork;
  readonly keyStore: KeyStore;
  readonly counters: Counters;
  readonly batches: Batches;
  readonly transactions: Transactions;
  readonly outbox: Outbox;
  /** Whether the disk has room for a new transaction. */
  hasRoom(): boolean;
  close(): void;
}

export interface JournalView {
  readonly keys: Pick<KeyStore, 'get' | 'list'>;
  readonly batches: BatchesView;
  readonly transactions: TransactionsView;
  close(): void;
}

export interface JournalOptions extends OpenOptions {
  readonly trace: Trace;
  /** Bytes that the disk has left; asked of the system when absent. */
  readonly freeBytes?: () => number;
}

/**
 * Opens the journal in `folder` as its owner, see {@link openTerminalFiles}.
 * @param sealer encrypts card data and outbox rows under the storage key
 * @throws PossumError `LOCKED`, `STORAGE`
 */
export async function openJournal(folder: string, sealer: Sealer, options: JournalOptions): Promise<Journal> {
  const files = await openTerminalFiles(folder, options);
  const mark = highWater(join(folder, 'secure', 'high-water'));
  try {
    return journalOn(files, sealer, options.trace, roomOf(folder, options.freeBytes), mark);
  } catch (cause) {
    mark.close();
    files.close();
    throw cause;
  }
}

function journalOn(files: TerminalFiles, sealer: Sealer, trace: Trace, room: Room, mark: HighWater): Journal {
  const { database } = files;
  const numbers = counters(database);
  const openBatches = batches(database, numbers);
  const keys = keyTable(database);
  const rows = transactions(database, sealer);
  const reached = (): Mark => ({
    commits: numbers.current('commit'),
    stan: numbers.current('stan'),
    ksn: keys.ksn(),
  });
  mark.check(reached());
  const commit = unitOfWork(database, trace, room, {
    beforeCommit: () => numbers.next('commit'),
    afterCommit: () => mark.write(reached()),
    onRollBack() {
      for (const part of [numbers, openBatches, keys, rows]) part.forget();
    },
  });
  return {
    commit,
    keyStore: keyRecords(keys, commit),
    counters: numbers,
    batches: openBatches,
    transactions: rows,
    outbox: outbox(database, sealer, numbers),
    hasRoom: () => room.enough(),
    close() {
      mark.close();
      files.close();
    },
  };
}

/**
 * Opens the journal in `folder` for looking only; its owner may be at work.
 * @throws PossumError `STORAGE` when no terminal has worked there
 */
export async function viewJournal(folder: string): Promise<JournalView> {
  const database = await openForReading(folder);
  return {
    keys: keyTable(database),
    batches: batchesView(database),
    transactions: transactionsView(database),
    close: () => database.close(),
  };
}
