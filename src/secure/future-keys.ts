import {
  counterOf,
  nextKsn,
  oneBits,
  futureKeys as registerKeys,
  withCounter,
} from '../crypto/dukpt-tdes.ts';
import { PossumError } from '../platform/errors.ts';
import { Secret } from '../platform/secret.ts';
import type { KeyStore, KeyStoreWriter, Sealer } from '../ports/index.ts';
import { KSN_RECORD } from '../ports/key-store.ts';

/** One key for one message, and the KSN that tells the host which. */
export interface DukptKey {
  readonly ksn: Uint8Array;
  readonly key: Secret;
}

export interface FutureKeys {
  /** The KSN of the next key; `undefined` before provisioning and after the last one. */
  peek(): Uint8Array | undefined;
  /** Fills the registers from an initial key. Replaces what was there, in one durable step. */
  load(initialKey: Secret, ksn: Uint8Array): void;
  /**
   * Takes the next key: registers refilled, the used one erased, the counter moved, in one durable step that
   * has happened before the KSN is known to anybody.
   * @returns `undefined` when the counter is exhausted or no key was loaded
   */
  take(): DukptKey | undefined;
}

const COUNTER_BITS = 21;
const MAX_ONES = 10;

/**
 * The 21 future-key registers of X9.24-1:2009, Annex A. Register `n` (1 = least significant) holds the key of
 * the next counter whose lowest one bit is bit `n`.
 */
export function futureKeys(store: KeyStore, sealer: Sealer): FutureKeys {
  const peek = (): Uint8Array | undefined => {
    const ksn = store.get(KSN_RECORD);
    return ksn === undefined || ksn.length === 0 ? undefined : ksn;
  };
  return {
    peek,
    load(initialKey, ksn) {
      const start = withCounter(ksn, 0);
      store.atomically((write) => {
        for (const { name } of store.list('dukpt/0/')) write.delete(name);
        fill(write, sealer, initialKey.reveal(), start, COUNTER_BITS);
        write.put(KSN_RECORD, withCounter(ksn, 1));
      });
    },
    take() {
      return store.atomically((write) => {
        const ksn = peek();
        if (ksn === undefined) return undefined;
        const counter = counterOf(ksn);
        const register = lowestBit(counter);
        const key = openRegister(store, sealer, register);
        if (oneBits(counter) < MAX_ONES) fill(write, sealer, key, ksn, register - 1);
        write.delete(registerName(register));
        write.put(KSN_RECORD, nextKsn(ksn) ?? new Uint8Array(0));
        return { ksn, key: new Secret(key, 'DUKPT key') };
      });
    },
  };
}

/** Writes registers 1 … `highest` with the keys that follow from `key` at the counter of `ksn`. */
function fill(
  write: KeyStoreWriter,
  sealer: Sealer,
  key: Uint8Array,
  ksn: Uint8Array,
  highest: number,
): void {
  for (const [index, future] of registerKeys(key, ksn, highest).entries()) {
    const name = registerName(index + 1);
    write.put(name, sealer.seal(future, name));
    future.fill(0);
  }
}

function openRegister(store: KeyStore, sealer: Sealer, register: number): Uint8Array {
  const sealed = store.get(registerName(register));
  const key = sealed === undefined ? undefined : sealer.open(sealed, registerName(register));
  if (key === undefined) {
    throw new PossumError('KEY', `future-key register ${register} is missing or was altered`, {
      where: 'secure module',
      remedy: 'The terminal is out of service: load a new initial key.',
    });
  }
  return key;
}

function registerName(register: number): string {
  return `dukpt/0/register/${String(register).padStart(2, '0')}`;
}

function lowestBit(counter: number): number {
  return Math.log2(counter & -counter) + 1;
}
