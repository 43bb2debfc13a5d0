import { tdesDecrypt, tdesEncrypt } from '../crypto/des.ts';
import { equalBytes } from '../platform/bytes.ts';
import { checkValueOf } from './check-value.ts';
import type { KeySlot } from './key-slots.ts';
import { UNION_PAY_MAC } from './key-usage.ts';
import type { KeyOrigin } from './test-keys.ts';

/** Working keys as a sign-on brings them: each under the terminal master key, TDES-ECB, with its check value. */
export interface WrappedWorkingKey {
  readonly kind: WorkingKeyKind;
  readonly cryptogram: Uint8Array;
  /** The first bytes of enciphered zeros, 3 to 8 of them. */
  readonly checkValue: Uint8Array;
}

export type WorkingKeyKind = 'pin' | 'mac' | 'data';

/** The slots of the set; they are replaced together. */
export const WORKING_SLOTS: Readonly<Record<WorkingKeyKind, string>> = {
  pin: 'pin-key',
  mac: 'mac-key',
  data: 'data-key',
};

const PURPOSES: Readonly<Record<WorkingKeyKind, { readonly usage: string; readonly modeOfUse: string }>> = {
  pin: { usage: 'P0', modeOfUse: 'E' },
  mac: { usage: UNION_PAY_MAC, modeOfUse: 'C' },
  data: { usage: 'D0', modeOfUse: 'B' },
};

const CHECK_VALUE_LENGTH = 4;
/** Of a slot of 16 bytes, a MAC key fills one half. */
const MAC_KEY_LENGTH = 8;

/**
 * Takes the answer of a `cup` sign-on apart (field 62): PIN key, MAC key and perhaps data key, each with 4 bytes of
 * check value.
 * @returns `undefined` for a length that no set has
 */
export function workingKeysOfSignOn(field: Uint8Array): readonly WrappedWorkingKey[] | undefined {
  const layout = LAYOUTS[field.length];
  if (layout === undefined) return undefined;
  const kinds: readonly WorkingKeyKind[] = layout.keys === 2 ? ['pin', 'mac'] : ['pin', 'mac', 'data'];
  return kinds.map((kind, i) => {
    const at = i * (layout.length + CHECK_VALUE_LENGTH);
    const used = kind === 'mac' && layout.length === 16 ? MAC_KEY_LENGTH : layout.length;
    return {
      kind,
      cryptogram: field.slice(at, at + used),
      checkValue: field.slice(at + layout.length, at + layout.length + CHECK_VALUE_LENGTH),
    };
  });
}

/** By the length of the field: how long each key is, and how many there are. */
const LAYOUTS: Readonly<Record<number, { readonly length: number; readonly keys: number }>> = {
  24: { length: 8, keys: 2 },
  40: { length: 16, keys: 2 },
  56: { length: 24, keys: 2 },
  60: { length: 16, keys: 3 },
  84: { length: 24, keys: 3 },
};

/** A working key in the clear, on its way into its slot. */
export interface OpenedWorkingKey {
  readonly slot: KeySlot;
  readonly key: Uint8Array;
}

/** The outcome of looking at a whole set: a wrong check value is the host's mistake, or a wrong master key. */
export type OpenedSet =
  | { readonly kind: 'opened'; readonly keys: readonly OpenedWorkingKey[] }
  | { readonly kind: 'refused'; readonly key: WorkingKeyKind; readonly reason: string };

/**
 * Deciphers a set and checks every check value before any key is used.
 * @param master clear master key, TDES
 * @returns keys that the caller wipes, or which key is wrong; what was deciphered is wiped then
 */
export function openWorkingKeys(
  master: Uint8Array,
  under: { readonly name: string; readonly origin: KeyOrigin },
  set: readonly WrappedWorkingKey[],
): OpenedSet {
  const keys: OpenedWorkingKey[] = [];
  const refuse = (key: WorkingKeyKind, reason: string): OpenedSet => {
    for (const opened of keys) opened.key.fill(0);
    return { kind: 'refused', key, reason };
  };
  for (const { kind, cryptogram, checkValue } of set) {
    if (![8, 16, 24].includes(cryptogram.length) || checkValue.length < 3 || checkValue.length > 8) {
      return refuse(kind, `a key of ${cryptogram.length} bytes with ${checkValue.length} of check value`);
    }
    if (keys.some(({ slot }) => slot.name === WORKING_SLOTS[kind])) return refuse(kind, 'it is there twice');
    const key = tdesDecrypt(master, cryptogram);
    const algorithm = key.length === 8 ? 'D' : 'T';
    const slot: KeySlot = {
      name: WORKING_SLOTS[kind],
      ...PURPOSES[kind],
      algorithm,
      exportability: 'N',
      bits: 8 * key.length,
      kcv: checkValueOf(algorithm, key),
      // What comes under a test key is a test key.
      origin: under.origin === 'marked-by-flag' ? 'marked-by-flag' : 'under-master',
      under: under.name,
    };
    keys.push({ slot, key });
    const computed = tdesEncrypt(key, new Uint8Array(8)).subarray(0, checkValue.length);
    if (!equalBytes(computed, checkValue)) return refuse(kind, 'its check value is wrong');
  }
  return { kind: 'opened', keys };
}
