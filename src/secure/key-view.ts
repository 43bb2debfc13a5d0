import { keyCheckValue } from '../crypto/kcv.ts';
import { toHex } from '../platform/bytes.ts';
import type { KeyStore } from '../ports/index.ts';
import { schemeOf } from './dukpt-scheme.ts';
import { futureKeys, type LoadedInitialKey } from './future-keys.ts';
import { type KeySlot, type ListedSlot, slotStore } from './key-slots.ts';
import type { SecureStorage } from './storage.ts';
import type { Tampering } from './tamper-switch.ts';

/** The DUKPT key as a listing shows it. */
export interface DukptListing {
  /** `undefined` when the record of what was loaded was altered. */
  readonly loaded: LoadedInitialKey | undefined;
  /** Hex; `undefined` after the last one. */
  readonly nextKsn: string | undefined;
  readonly registers: number | undefined;
  readonly wrongRegisters: readonly number[];
  readonly passedOver: number;
}

/** A check value and how it is made. */
export interface CheckValue {
  readonly slot: KeySlot;
  readonly method: 'ENCRYPT-ZEROS' | 'CMAC-ZEROS';
  readonly value: string;
}

/** Looks at the keys of a terminal that may be at work. No key leaves, only what may be shown of it. */
export interface KeyView {
  readonly tampering: Tampering | undefined;
  readonly dukpt: DukptListing | undefined;
  readonly slots: readonly ListedSlot[];
  /** Check values made from the keys themselves; slots whose keys have none, or do not open, are left out. */
  checkValues(): readonly CheckValue[];
}

export function viewKeys(store: Pick<KeyStore, 'get' | 'list'>, { sealer, tamper }: SecureStorage): KeyView {
  const tampering = tamper.tripped();
  if (tampering !== undefined) {
    return { tampering, dukpt: undefined, slots: [], checkValues: () => [] };
  }
  const slots = slotStore(store, sealer);
  const listed = slots.list();
  return {
    tampering,
    slots: listed,
    dukpt: dukptListing(store, sealer),
    checkValues: () =>
      listed
        .filter(({ intact, kcv }) => intact && kcv !== '')
        .flatMap(({ name }) => slots.withKey(name, (key, slot) => checkValuesOf(slot, key))),
  };
}

function dukptListing(
  store: Pick<KeyStore, 'get' | 'list'>,
  sealer: SecureStorage['sealer'],
): DukptListing | undefined {
  const registers = futureKeys({ ...store, atomically: refuseChange }, sealer);
  if (!registers.isLoaded()) return undefined;
  const ksn = registers.peek();
  return {
    loaded: registers.loaded(),
    nextKsn: ksn === undefined ? undefined : toHex(ksn),
    registers: ksn === undefined ? undefined : schemeOf(ksn).registers,
    wrongRegisters: registers.wrongRegisters(),
    passedOver: registers.passedOver(),
  };
}

function refuseChange(): never {
  throw new RangeError('keys are only looked at here');
}

function checkValuesOf(slot: KeySlot, key: Uint8Array): CheckValue[] {
  const algorithm = slot.algorithm === 'A' ? 'AES' : 'TDES';
  const of = (method: CheckValue['method'], bytes: number): CheckValue => ({
    slot,
    method,
    value: toHex(keyCheckValue(algorithm, method, key).subarray(0, bytes)),
  });
  return algorithm === 'AES'
    ? [of('CMAC-ZEROS', 5), of('ENCRYPT-ZEROS', 3)]
    : [of('ENCRYPT-ZEROS', 3), ...(key.length === 8 ? [] : [of('CMAC-ZEROS', 3)])];
}
