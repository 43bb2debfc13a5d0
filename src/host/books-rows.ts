import type { Batch, HostTransaction, UploadRecord } from './batch.ts';
import { numberKey, type StoredRow } from './store.ts';

/** Batches and transactions as rows of the store. */

export function transactionRow(transaction: HostTransaction): StoredRow {
  const { original, ...rest } = transaction;
  const value = { ...rest, ...(original === undefined ? {} : { original: original.id }) };
  return { kind: 'transaction', key: numberKey(transaction.id), value: JSON.stringify(value) };
}

/** @param find a transaction that was read before */
export function readTransaction(
  value: string,
  find: (id: number) => HostTransaction | undefined,
): HostTransaction {
  const { original, ...rest } = JSON.parse(value) as Omit<HostTransaction, 'original'> & {
    original?: number;
  };
  const found = original === undefined ? undefined : find(original);
  return found === undefined ? rest : { ...rest, original: found };
}

export function batchRow(batch: Batch): StoredRow {
  const { transactions: _, identities: __, poisoned, uploads, ...rest } = batch;
  const value = { ...rest, poisoned: [...poisoned], uploads: [...uploads] };
  return { kind: 'batch', key: numberKey(batch.id), value: JSON.stringify(value) };
}

export function readBatch(value: string): Batch {
  const stored = JSON.parse(value) as Omit<Batch, 'transactions' | 'identities' | 'poisoned' | 'uploads'> & {
    poisoned: string[];
    uploads: [string, UploadRecord][];
  };
  return {
    ...stored,
    transactions: [],
    identities: new Map(),
    poisoned: new Set(stored.poisoned),
    uploads: new Map(stored.uploads),
  };
}
