import { fromLatin1, latin1 } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import { Secret } from '../platform/secret.ts';
import type { KeyStore, KeyStoreWriter, Sealer } from '../ports/index.ts';
import type { KeyOrigin } from './test-keys.ts';

/** What is known of a key besides the key: bound to it, and fit to be shown. */
export interface KeyAttributes {
  /** X9.143 usage, e.g. `P0`. */
  readonly usage: string;
  /** X9.143 algorithm: `T` TDES, `D` DES, `A` AES, `H` HMAC. */
  readonly algorithm: string;
  /** X9.143 mode of use, e.g. `E`. */
  readonly modeOfUse: string;
  /** X9.143 exportability: `E`, `N` or `S`. */
  readonly exportability: string;
  readonly bits: number;
  /** Check value in hex; empty where there is none (HMAC). */
  readonly kcv: string;
  readonly origin: KeyOrigin;
  /** The slot of the master key that it came under. */
  readonly under?: string;
}

export interface KeySlot extends KeyAttributes {
  readonly name: string;
}

/** A slot as a listing shows it. */
export interface ListedSlot extends KeySlot {
  /** False when the record was altered, or the storage key is another: the key cannot be used. */
  readonly intact: boolean;
}

/** Key records in the store. Clear keys pass through here: nothing outside of this folder may hold one of these. */
export interface SlotStore {
  /** Every slot in the order of names. */
  list(): readonly ListedSlot[];
  /** @throws PossumError `KEY` when the slot is empty or its record was altered */
  find(name: string): KeySlot;
  has(name: string): boolean;
  /**
   * Hands the clear key to `use` and wipes it.
   * @throws PossumError `KEY` as {@link find}
   */
  withKey<T>(name: string, use: (key: Uint8Array, slot: KeySlot) => T): T;
  /** Fills a slot inside of a unit of work. The caller wipes the key. */
  put(write: KeyStoreWriter, slot: KeySlot, key: Uint8Array): void;
  erase(write: KeyStoreWriter, name: string): void;
}

const PREFIX = 'slot/';
const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** Refuses a name that no slot can have. @throws PossumError `USAGE` */
export function checkSlotName(name: string): void {
  if (NAME.test(name)) return;
  throw new PossumError('USAGE', `a key slot cannot be named ${JSON.stringify(name.slice(0, 40))}`, {
    remedy: 'Use 1 to 32 small letters, digits and hyphens.',
  });
}

/**
 * Slots as sealed records: the attributes stand in front in the clear, and are authenticated with name and key, so
 * that a key cannot be moved to another slot nor get another purpose.
 */
export function slotStore(store: Pick<KeyStore, 'get' | 'list'>, sealer: Sealer): SlotStore {
  const open = (name: string, record: Uint8Array): { slot: KeySlot; key: Secret | undefined } => {
    const { attributes, sealed } = split(record);
    const key = attributes === '' ? undefined : sealer.open(sealed, contextOf(name, attributes));
    // The text is what was sealed when the seal is whole; else it only helps to tell which record it was.
    return {
      slot: { ...parse(attributes), name },
      key: key === undefined ? undefined : new Secret(key, `key slot ${name}`),
    };
  };
  const require = (name: string): { slot: KeySlot; key: Secret } => {
    checkSlotName(name);
    const record = store.get(PREFIX + name);
    if (record === undefined) {
      throw new PossumError('KEY', 'the slot is empty', {
        where: `key slot ${name}`,
        remedy: 'See `possum keys list`; load a key with `possum keys load`.',
      });
    }
    const { slot, key } = open(name, record);
    if (key === undefined) {
      throw new PossumError('KEY', 'the key record was altered, or belongs to another storage key', {
        where: `key slot ${name}`,
        remedy: 'Start anew with `possum keys inject --fresh`, and find out who wrote there.',
      });
    }
    return { slot, key };
  };
  return {
    list: () =>
      store.list(PREFIX).map(({ name, value }) => {
        const { slot, key } = open(name.slice(PREFIX.length), value);
        key?.wipe();
        return { ...slot, intact: key !== undefined };
      }),
    find(name) {
      const { slot, key } = require(name);
      key.wipe();
      return slot;
    },
    has: (name) => store.get(PREFIX + name) !== undefined,
    withKey(name, use) {
      const { slot, key } = require(name);
      try {
        return use(key.reveal(), slot);
      } finally {
        key.wipe();
      }
    },
    put(write, { name, ...attributes }, key) {
      checkSlotName(name);
      const text = JSON.stringify(attributes);
      const head = latin1(text);
      const sealed = sealer.seal(key, contextOf(name, text));
      const record = new Uint8Array(2 + head.length + sealed.length);
      record[0] = head.length >> 8;
      record[1] = head.length;
      record.set(head, 2);
      record.set(sealed, 2 + head.length);
      write.put(PREFIX + name, record);
    },
    erase: (write, name) => write.delete(PREFIX + name),
  };
}

function contextOf(name: string, attributes: string): string {
  return `${PREFIX}${name}\n${attributes}`;
}

function split(record: Uint8Array): { attributes: string; sealed: Uint8Array } {
  const length = ((record[0] ?? 0) << 8) | (record[1] ?? 0);
  if (record.length < 2 + length) return { attributes: '', sealed: new Uint8Array(0) };
  return { attributes: fromLatin1(record.subarray(2, 2 + length)), sealed: record.subarray(2 + length) };
}

const UNKNOWN: KeyAttributes = {
  usage: '??',
  algorithm: '?',
  modeOfUse: '?',
  exportability: '?',
  bits: 0,
  kcv: '',
  origin: 'marked-by-flag',
};

function parse(attributes: string): KeyAttributes {
  try {
    return { ...UNKNOWN, ...(JSON.parse(attributes) as Partial<KeyAttributes>) };
  } catch {
    return UNKNOWN;
  }
}
