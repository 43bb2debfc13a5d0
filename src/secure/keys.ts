import { unwrapKeyBlock } from '../crypto/key-block.ts';
import { parseKeyBlockHeader } from '../crypto/key-block-header.ts';
import { PossumError } from '../platform/errors.ts';
import type { Random } from '../platform/random.ts';
import type { Trace } from '../platform/trace.ts';
import type { KeyStore, KeyStoreWriter, Sealer } from '../ports/index.ts';
import { type ComponentCeremony, type ComponentRequest, componentCeremony } from './components.ts';
import { type KeyOperations, keyOperations, requireVersion } from './key-operations.ts';
import { checkSlotName, type KeySlot, type ListedSlot, slotStore } from './key-slots.ts';
import { type KeyOperation, requireOperation, usageTitle } from './key-usage.ts';
import { type BlockOpener, type OpenedBlock, openKeyBlock } from './opened-block.ts';
import {
  openWorkingKeys,
  WORKING_SLOTS,
  type WorkingKeyKind,
  type WrappedWorkingKey,
} from './working-keys.ts';

export interface BlockRequest {
  readonly block: string;
  /** The slot; that of the key's usage when absent, see {@link slotForUsage}. */
  readonly name?: string;
  /** The slot of the KBPK; the public test KBPKs when absent. */
  readonly under?: string;
  /** The operator said for this run that the keys are test keys. */
  readonly marked?: boolean;
  /** It was drawn here a moment ago: what the listing says of it. */
  readonly generated?: boolean;
}

export type WorkingKeysOutcome =
  | { readonly kind: 'replaced'; readonly slots: readonly KeySlot[] }
  /** Nothing was changed. */
  | { readonly kind: 'refused'; readonly key: WorkingKeyKind; readonly reason: string };

/** The key slots of the secure module. Keys come in and are used; none goes out in the clear. */
export interface Keys extends KeyOperations {
  /** Every slot with what may be shown of it. */
  list(): readonly ListedSlot[];
  /**
   * Loads a key block into a slot, in one durable step.
   * @throws PossumError `FORMAT`, `KEY`: nothing was loaded
   */
  loadBlock(request: BlockRequest): KeySlot;
  /** Begins to load a key in clear components. @throws PossumError `KEY` for a key that is not loaded so */
  beginComponents(request: ComponentRequest): ComponentCeremony;
  /**
   * Replaces the set of working keys, in one durable step, once every check value was found right.
   * @param master slot of the terminal master key
   * @throws PossumError `KEY` when there is no master key that unwraps keys
   */
  replaceWorkingKeys(master: string, set: readonly WrappedWorkingKey[]): WorkingKeysOutcome;
  /** Erases the working keys: what a `cup` terminal does after a set with a wrong check value. */
  dropWorkingKeys(): void;
}

/** The slot in which a key of this usage is kept when nobody names one. */
export function slotForUsage(usage: string): string {
  return DEFAULT_SLOTS[usage] ?? (usage.startsWith('M') ? WORKING_SLOTS.mac : usage.toLowerCase());
}

const DEFAULT_SLOTS: Readonly<Record<string, string>> = {
  P0: WORKING_SLOTS.pin,
  D0: WORKING_SLOTS.data,
  K0: 'master-key',
  K1: 'kbpk',
  K4: 'kbpk-iso20038',
};

export interface KeysParts {
  readonly store: KeyStore;
  readonly sealer: Sealer;
  readonly trace: Trace;
  readonly random: Random;
}

/** The slots, and what only the module itself may do with them. */
export interface KeysInside {
  readonly keys: Keys;
  /** Opens a key block whose key is not for a slot: the DUKPT initial key. The caller wipes it. */
  openBlock(request: Pick<BlockRequest, 'block' | 'under' | 'marked'>): OpenedBlock;
}

export function createKeys({ store, sealer, trace, random }: KeysParts): KeysInside {
  const slots = slotStore(store, sealer);
  const used = (slot: KeySlot, operation: KeyOperation) => {
    if (trace.wants('key')) trace.emit({ kind: 'key', slot: slot.name, use: operation });
  };
  const keep = (slot: KeySlot, key: Uint8Array) =>
    store.atomically((write) => {
      refuseOtherUsage(slots.list(), slot);
      slots.put(write, slot, key);
    });
  const openerOf = (under: string | undefined): BlockOpener | undefined =>
    under === undefined
      ? undefined
      : (text) =>
          slots.withKey(under, (kbpk, slot) => {
            requireOperation(slot, 'open a key block');
            requireVersion(slot, parseKeyBlockHeader(text).header.versionId);
            used(slot, 'open a key block');
            return unwrapKeyBlock(kbpk, text);
          });
  const openBlock: KeysInside['openBlock'] = ({ block, under, marked }) =>
    openKeyBlock(block, openerOf(under), marked === true);
  const keys: Keys = {
    ...keyOperations(slots, random, used),
    list: slots.list,
    loadBlock(request) {
      const { key, attributes } = openBlock(request);
      try {
        refuseInitialKey(attributes.usage);
        const slot = {
          name: request.name ?? slotForUsage(attributes.usage),
          ...attributes,
          ...(request.generated === true ? { origin: 'generated' as const } : {}),
          ...(request.under === undefined ? {} : { under: request.under }),
        };
        checkSlotName(slot.name);
        keep(slot, key);
        return slot;
      } finally {
        key.fill(0);
      }
    },
    beginComponents(request) {
      checkSlotName(request.name);
      refuseInitialKey(request.usage);
      return componentCeremony(request, keep);
    },
    replaceWorkingKeys: (master, set) =>
      slots.withKey(master, (key, slot) => {
        requireOperation(slot, 'unwrap a key');
        requireTdesMaster(slot);
        used(slot, 'unwrap a key');
        const opened = openWorkingKeys(key, slot, set);
        if (opened.kind === 'refused') return opened;
        try {
          store.atomically((write) => {
            eraseWorkingKeys(write, slots.erase);
            for (const one of opened.keys) slots.put(write, one.slot, one.key);
          });
        } finally {
          for (const one of opened.keys) one.key.fill(0);
        }
        return { kind: 'replaced', slots: opened.keys.map((one) => one.slot) };
      }),
    dropWorkingKeys: () => store.atomically((write) => eraseWorkingKeys(write, slots.erase)),
  };
  return { keys, openBlock };
}

function eraseWorkingKeys(write: KeyStoreWriter, erase: (write: KeyStoreWriter, name: string) => void): void {
  for (const name of Object.values(WORKING_SLOTS)) erase(write, name);
}

function requireTdesMaster({ name, algorithm }: KeySlot): void {
  if (algorithm === 'T') return;
  throw new PossumError('KEY', `a master key of algorithm ${algorithm} unwraps no working keys`, {
    where: `key slot ${name}`,
    remedy: 'Sign-on sends them under a TDES key (T).',
  });
}

/** A slot keeps its purpose: what relies on it by name must not meet another key. */
function refuseOtherUsage(slots: readonly ListedSlot[], slot: KeySlot): void {
  const before = slots.find(({ name, intact }) => name === slot.name && intact);
  if (before === undefined || before.usage === slot.usage) return;
  throw new PossumError(
    'KEY',
    `the slot holds a key with usage ${before.usage} (${usageTitle(before.usage)}), the new one has ${slot.usage} (${usageTitle(slot.usage)})`,
    { where: `key slot ${slot.name}`, remedy: 'Name another slot with --slot.' },
  );
}

function refuseInitialKey(usage: string): void {
  if (usage !== 'B1') return;
  throw new PossumError('KEY', 'a DUKPT initial key fills the future-key registers and is kept in no slot', {
    remedy: 'Load it with `possum keys inject --block FILE`.',
  });
}
