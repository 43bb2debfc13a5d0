/**
 * Durable storage of the secure module, implemented by the journal: keys and transactions share one file and
 * can share a commit. What is stored is wrapped by the storage key, which is not in this store.
 */
export interface KeyRecord {
  /** e.g. `dukpt/0/state`, `dukpt/0/register/07` */
  readonly name: string;
  readonly value: Uint8Array;
}

/** The record of the next KSN of the DUKPT key, which tells how far a terminal has come. */
export const KSN_RECORD = 'dukpt/0/ksn';

export interface KeyStore {
  get(name: string): Uint8Array | undefined;
  /** All records whose name starts with `prefix`, in the order of their names. */
  list(prefix: string): readonly KeyRecord[];
  /**
   * Runs `change` in the open transaction of the calling unit of work, or in one of its own, which is durable
   * when `atomically` returns.
   */
  atomically<T>(change: (write: KeyStoreWriter) => T): T;
}

export interface KeyStoreWriter {
  put(name: string, value: Uint8Array): void;
  delete(name: string): void;
}
