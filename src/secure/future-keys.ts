import { oneBits } from '../crypto/dukpt-tdes.ts';
import { fromLatin1, latin1 } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import { Secret } from '../platform/secret.ts';
import type { KeyStore, KeyStoreWriter, Sealer } from '../ports/index.ts';
import { KSN_RECORD } from '../ports/key-store.ts';
import { checkValueOf } from './check-value.ts';
import { type DukptScheme, deviceOf, schemeOf, schemeOfInitialKey } from './dukpt-scheme.ts';
import type { KeyOrigin } from './test-keys.ts';

/** One key for one message, and the KSN that tells the host which. */
export interface DukptKey {
  readonly ksn: Uint8Array;
  readonly key: Secret;
}

/** What may be shown of the initial key, which itself is gone once the registers are filled. */
export interface LoadedInitialKey {
  readonly scheme: 'TDES' | 'AES';
  readonly bits: number;
  readonly kcv: string;
  readonly origin: KeyOrigin;
}

export interface FutureKeys {
  /** The KSN of the next key; `undefined` before provisioning and after the last one. */
  peek(): Uint8Array | undefined;
  /** Whether an initial key was ever loaded. */
  isLoaded(): boolean;
  /** What was loaded; `undefined` before, or when the record was altered. */
  loaded(): LoadedInitialKey | undefined;
  /**
   * Fills the registers from an initial key. Replaces what was there, in one durable step. The caller wipes the key.
   * @param ksn 10 bytes with a TDES key of 16, 12 bytes with an AES key; its counter is ignored
   * @throws PossumError `KEY` when the lengths do not go together, or the device had this initial key before
   */
  load(initialKey: Uint8Array, ksn: Uint8Array, origin: KeyOrigin): LoadedInitialKey;
  /**
   * Takes the next key: registers refilled, the used one erased, the counter moved, in one durable step that
   * has happened before the KSN is known to anybody. A register that does not open is passed over (X9.24-1, annex
   * A.2): its counters stay unused.
   * @returns `undefined` when the counter is exhausted, no key was loaded, or too many registers were wrong
   */
  take(): DukptKey | undefined;
  /** How many registers were passed over since the initial key was loaded. */
  passedOver(): number;
  /** Registers that should hold a key and do not open. */
  wrongRegisters(): readonly number[];
}

const PREFIX = 'dukpt/0/';
const REGISTERS = `${PREFIX}register/`;
const LOADED_RECORD = `${PREFIX}loaded`;
const PASSED_OVER_RECORD = `${PREFIX}passed-over`;
/** Outlives the registers: a device that gets the same initial key again would use its KSNs twice. */
const HISTORY = 'dukpt-device/';

/**
 * More wrong registers than this are no worn cell but somebody at work: one cell of a memory that ages is to be
 * expected, a second one at the same time is bad luck, and each costs up to half of the keys that are left.
 */
export const MOST_PASSED_OVER = 2;

/**
 * The future-key registers of TDES DUKPT (X9.24-1:2009, annex A) and AES DUKPT (X9.24-3:2017, section 6). Register
 * `n` (1 = least significant) holds the key of the next counter whose lowest one bit is bit `n`. The length of the
 * KSN tells the scheme.
 */
export function futureKeys(store: KeyStore, sealer: Sealer): FutureKeys {
  const peek = (): Uint8Array | undefined => {
    const ksn = store.get(KSN_RECORD);
    return ksn === undefined || ksn.length === 0 ? undefined : ksn;
  };
  const open = (scheme: DukptScheme, register: number): Uint8Array | undefined => {
    const sealed = store.get(registerName(register));
    return sealed === undefined ? undefined : sealer.open(sealed, contextOf(scheme, register));
  };
  let isLoaded = false;
  const passedOver = () => store.get(PASSED_OVER_RECORD)?.[0] ?? 0;
  return {
    peek,
    passedOver,
    isLoaded() {
      // Asked before each transaction: nothing unloads the registers.
      isLoaded ||= store.get(KSN_RECORD) !== undefined;
      return isLoaded;
    },
    loaded() {
      const sealed = store.get(LOADED_RECORD);
      const text = sealed === undefined ? undefined : sealer.open(sealed, LOADED_RECORD);
      return text === undefined ? undefined : (JSON.parse(fromLatin1(text)) as LoadedInitialKey);
    },
    load(initialKey, ksn, origin) {
      const scheme = schemeOfInitialKey(initialKey, ksn);
      const device = deviceOf(ksn);
      const kcv = checkValueOf(scheme.algorithm, initialKey);
      const loaded = { scheme: scheme.name, bits: 8 * initialKey.length, kcv, origin };
      store.atomically((write) => {
        if (store.get(HISTORY + device) !== undefined) throw loadedBefore(device);
        for (const { name } of store.list(PREFIX)) write.delete(name);
        fill(write, sealer, scheme, initialKey, scheme.withCounter(ksn, 0), scheme.registers);
        write.put(LOADED_RECORD, sealer.seal(latin1(JSON.stringify(loaded)), LOADED_RECORD));
        write.put(HISTORY + device, new Uint8Array(0));
        write.put(KSN_RECORD, scheme.withCounter(ksn, 1));
      });
      return loaded;
    },
    take() {
      return store.atomically((write) => {
        let ksn = peek();
        while (ksn !== undefined) {
          const scheme = schemeOf(ksn);
          const counter = scheme.counterOf(ksn);
          const register = lowestBit(counter);
          const key = open(scheme, register);
          if (key !== undefined) {
            if (oneBits(counter) < scheme.mostOnes) fill(write, sealer, scheme, key, ksn, register - 1);
            write.delete(registerName(register));
            write.put(KSN_RECORD, scheme.nextKsn(ksn) ?? new Uint8Array(0));
            return { ksn, key: new Secret(key, 'DUKPT key') };
          }
          write.delete(registerName(register));
          const wrong = passedOver() + 1;
          write.put(PASSED_OVER_RECORD, Uint8Array.of(wrong));
          if (wrong > MOST_PASSED_OVER) return undefined;
          ksn = beyond(scheme, ksn, counter);
          write.put(KSN_RECORD, ksn ?? new Uint8Array(0));
        }
        return undefined;
      });
    },
    wrongRegisters() {
      const ksn = peek();
      if (ksn === undefined) return [];
      const scheme = schemeOf(ksn);
      const lowest = lowestBit(scheme.counterOf(ksn));
      const wrong: number[] = [];
      for (let register = 1; register <= scheme.registers; register++) {
        if (!isNeeded(scheme, ksn, register, lowest)) continue;
        const key = open(scheme, register);
        if (key === undefined) wrong.push(register);
        key?.fill(0);
      }
      return wrong;
    },
  };
}

/** Writes registers 1 … `highest` with the keys that follow from `key` at the counter of `ksn`. */
function fill(
  write: KeyStoreWriter,
  sealer: Sealer,
  scheme: DukptScheme,
  key: Uint8Array,
  ksn: Uint8Array,
  highest: number,
): void {
  for (const [index, future] of scheme.futureKeys(key, ksn, highest).entries()) {
    const register = index + 1;
    write.put(registerName(register), sealer.seal(future, contextOf(scheme, register)));
    future.fill(0);
  }
}

/** The first counter that needs no key of the subtree below `counter`. */
function beyond(scheme: DukptScheme, ksn: Uint8Array, counter: number): Uint8Array | undefined {
  const next = counter + 2 ** (lowestBit(counter) - 1);
  return next >= 2 ** scheme.registers ? undefined : scheme.withCounter(ksn, next);
}

/** Whether a counter that is still to come takes this register as it is now. */
function isNeeded(scheme: DukptScheme, ksn: Uint8Array, register: number, lowest: number): boolean {
  if (register === lowest) return true;
  const bit = 2 ** (register - 1);
  const counter = scheme.counterOf(ksn);
  return register > lowest && Math.floor(counter / bit) % 2 === 0;
}

function registerName(register: number): string {
  return REGISTERS + String(register).padStart(2, '0');
}

/** Scheme and register are bound to the key: a TDES key never opens as one of AES. */
function contextOf(scheme: DukptScheme, register: number): string {
  return scheme.name === 'TDES' ? registerName(register) : `${registerName(register)} AES`;
}

/** Of a counter of 32 bits, counted from 1. */
function lowestBit(counter: number): number {
  return 32 - Math.clz32(counter & -counter);
}

function loadedBefore(device: string): PossumError {
  return new PossumError('KEY', `the initial key of KSN ${device} was loaded into this terminal before`, {
    where: 'secure module',
    remedy:
      'Its counter would start again and the host see KSNs twice: load the key of another device id, or start anew in another --data folder.',
  });
}
