import { PossumError } from '../platform/errors.ts';
import { secretWords } from '../platform/secret-memory.ts';
import { requireAesKey } from './aes.ts';
import { putWord, readWords, wipeWords, wordAt, wordBytes } from './des.ts';
import {
  type AesDukptKeyType,
  type AesDukptUsage,
  derivationData,
  derive,
  INITIAL_KEY_USAGE,
  nextKeyWords,
  TYPES,
  typeOfLength,
  USAGES,
  wipeDerivation,
} from './dukpt-aes-step.ts';
import { oneBits } from './dukpt-tdes.ts';

/**
 * AES DUKPT, ANSI X9.24-3:2017 section 6. A KSN has 12 bytes: initial key ID (8) and transaction counter (4), which
 * holds at most sixteen one bits. Every derivation enciphers a block that says what the new key is for.
 */

const KSN_LENGTH = 12;
const ID_LENGTH = 8;
const MAX_ONE_BITS = 16;
/** The counter that belongs to the update key alone (section 6.3.3). */
const UPDATE_COUNTER = 0xffffffff;

export type { AesDukptKeyType, AesDukptUsage };

export const AES_DUKPT_USAGES = Object.keys(USAGES) as readonly AesDukptUsage[];
export const AES_DUKPT_KEY_TYPES = Object.keys(TYPES) as readonly AesDukptKeyType[];

/** The transaction counter of a KSN. @throws PossumError `FORMAT` when it has not 12 bytes */
export function aesCounterOf(ksn: Uint8Array): number {
  requireLength(ksn, KSN_LENGTH, 'an AES DUKPT KSN');
  return wordAt(ksn, ID_LENGTH) >>> 0;
}

/** The KSN with another counter. @throws PossumError `FORMAT` when `counter` does not fit in 32 bits */
export function aesWithCounter(ksn: Uint8Array, counter: number): Uint8Array {
  requireLength(ksn, KSN_LENGTH, 'an AES DUKPT KSN');
  if (!Number.isInteger(counter) || counter < 0 || counter > 0xffffffff) {
    throw new PossumError('FORMAT', `${counter} is no DUKPT counter of 32 bits`);
  }
  const changed = Uint8Array.from(ksn);
  putWord(changed, ID_LENGTH, counter);
  return changed;
}

/**
 * Refuses a KSN that no transaction can carry.
 * @throws PossumError `FORMAT` on a wrong length, a counter of 0 or more than sixteen one bits
 */
export function checkAesKsn(ksn: Uint8Array): void {
  const counter = aesCounterOf(ksn);
  if (counter === 0) throw new PossumError('FORMAT', 'KSN counter 0 belongs to no transaction');
  if (oneBits(counter) > MAX_ONE_BITS) {
    throw new PossumError('FORMAT', 'KSN counter has more than sixteen one bits');
  }
}

/** The KSN of the transaction after `ksn`, or `undefined` when the counter is exhausted. */
export function nextAesKsn(ksn: Uint8Array): Uint8Array | undefined {
  let counter = aesCounterOf(ksn) + 1;
  // The lowest one bit as an exact number: a counter above 2^31 does not fit in a signed word.
  while (counter <= 0xffffffff && oneBits(counter) > MAX_ONE_BITS) counter += (counter & -counter) >>> 0;
  return counter > 0xffffffff ? undefined : aesWithCounter(ksn, counter);
}

/**
 * The derivation data of a device's initial key (section 6.3.1).
 * @param bdk 16, 24 or 32 bytes; the initial key has its type
 * @param initialKeyId 8 bytes
 */
export function aesInitialKeyData(bdk: Uint8Array, initialKeyId: Uint8Array): Uint8Array {
  requireLength(initialKeyId, ID_LENGTH, 'an initial key ID');
  return derivationData(INITIAL_KEY_USAGE, typeOfKey(bdk), wordAt(initialKeyId, 0), wordAt(initialKeyId, 4));
}

/**
 * The derivation data of a working key.
 * @throws PossumError `FORMAT` on a wrong length, or a usage or type that does not exist
 */
export function aesWorkingKeyData(usage: AesDukptUsage, type: AesDukptKeyType, ksn: Uint8Array): Uint8Array {
  requireLength(ksn, KSN_LENGTH, 'an AES DUKPT KSN');
  requireKind(usage, type);
  return derivationData(USAGES[usage], type, wordAt(ksn, 4), wordAt(ksn, 8));
}

/**
 * The initial key of a device (section 6.3.1).
 * @param bdk 16, 24 or 32 bytes
 * @param initialKeyId 8 bytes
 * @returns as many bytes as the BDK
 * @throws PossumError `KEY` or `FORMAT` on wrong lengths
 */
export function aesInitialKey(bdk: Uint8Array, initialKeyId: Uint8Array): Uint8Array {
  requireLength(initialKeyId, ID_LENGTH, 'an initial key ID');
  requireAesKey(bdk);
  const words = bdk.length / 4;
  readWords(key, 0, bdk, words);
  derive(
    key,
    0,
    0,
    words,
    INITIAL_KEY_USAGE,
    typeOfKey(bdk),
    wordAt(initialKeyId, 0),
    wordAt(initialKeyId, 4),
  );
  return takeKey(words);
}

/**
 * The intermediate derivation key of the transaction that `ksn` numbers (section 6.3.2); the working keys follow
 * from it. The counter FFFFFFFF of the update key is allowed too.
 * @param initial 16, 24 or 32 bytes
 * @throws PossumError `KEY` or `FORMAT` on wrong lengths or a counter that is not allowed
 */
export function aesTransactionKey(initial: Uint8Array, ksn: Uint8Array): Uint8Array {
  const counter = aesCounterOf(ksn);
  if (counter !== UPDATE_COUNTER) checkAesKsn(ksn);
  requireAesKey(initial);
  const words = initial.length / 4;
  const type = typeOfKey(initial);
  const id = wordAt(ksn, 4);
  readWords(key, 0, initial, words);
  let register = 0;
  for (let bit = 1 << 31; bit !== 0; bit >>>= 1) {
    if ((counter & bit) === 0) continue;
    register |= bit;
    derive(key, 0, 0, words, USAGES.KEY_DERIVATION, type, id, register);
  }
  return takeKey(words);
}

/**
 * One derivation: the key of `ksn` from the key whose counter lacks its lowest one bit. Chained, these make
 * {@link aesTransactionKey}; a terminal fills its future keys with them.
 * @param parent 16, 24 or 32 bytes
 */
export function aesNextKey(parent: Uint8Array, ksn: Uint8Array): Uint8Array {
  requireLength(ksn, KSN_LENGTH, 'an AES DUKPT KSN');
  requireAesKey(parent);
  const words = parent.length / 4;
  readWords(key, 0, parent, words);
  nextKeyWords(key, 0, 0, words, wordAt(ksn, 4), wordAt(ksn, 8));
  return takeKey(words);
}

/**
 * What a terminal's registers `highest` down to 1 hold once `parent` is used: the keys of the counters that have one
 * more of the low bits. After a counter of sixteen one bits nothing is refilled.
 * @param parent the key of `ksn`, or the initial key with a counter of 0
 * @param highest 32 for an initial key; below the lowest one bit of the counter for a used key
 * @returns register 1 first
 * @throws PossumError `KEY` or `FORMAT` on wrong lengths
 */
export function aesFutureKeys(parent: Uint8Array, ksn: Uint8Array, highest: number): Uint8Array[] {
  requireLength(ksn, KSN_LENGTH, 'an AES DUKPT KSN');
  requireAesKey(parent);
  const words = parent.length / 4;
  const [id, counter] = [wordAt(ksn, 4), wordAt(ksn, 8)];
  const made: Uint8Array[] = [];
  readWords(pair, 0, parent, words);
  for (let register = 0; register < highest; register++) {
    nextKeyWords(pair, 0, words, words, id, counter | (1 << register));
    made.push(wordBytes(pair, words, words));
  }
  wipeWords(pair);
  return made;
}

/**
 * A working key of one transaction (section 6.3.2). TDEA keys are not parity adjusted.
 * @param transaction the key of {@link aesTransactionKey}
 * @param type must not be stronger than the transaction key
 * @throws PossumError `KEY` when it is, or on a wrong length
 */
export function aesWorkingKey(
  transaction: Uint8Array,
  ksn: Uint8Array,
  usage: AesDukptUsage,
  type: AesDukptKeyType,
): Uint8Array {
  checkAesKsn(ksn);
  return workingKey(transaction, ksn, usage, type);
}

/**
 * The key under which the next initial key travels (section 6.3.3): key encryption at counter FFFFFFFF.
 * @param transaction the key of {@link aesTransactionKey} at that counter
 * @throws PossumError `FORMAT` on another counter, `KEY` as {@link aesWorkingKey}
 */
export function aesUpdateKey(transaction: Uint8Array, ksn: Uint8Array, type: AesDukptKeyType): Uint8Array {
  if (aesCounterOf(ksn) !== UPDATE_COUNTER) {
    throw new PossumError('FORMAT', 'the update key belongs to KSN counter FFFFFFFF');
  }
  return workingKey(transaction, ksn, 'KEY_ENCRYPTION', type);
}

function workingKey(
  transaction: Uint8Array,
  ksn: Uint8Array,
  usage: AesDukptUsage,
  type: AesDukptKeyType,
): Uint8Array {
  requireAesKey(transaction);
  requireKind(usage, type);
  const wanted = TYPES[type];
  if (wanted.strength > 8 * transaction.length) {
    throw new PossumError('KEY', `a working key ${type} is stronger than the key it would come from`);
  }
  const words = transaction.length / 4;
  readWords(key, 0, transaction, words);
  derive(key, 0, 0, words, USAGES[usage], type, wordAt(ksn, 4), wordAt(ksn, 8));
  return takeKey(wanted.length / 4);
}

function requireKind(usage: AesDukptUsage, type: AesDukptKeyType): void {
  if (!Object.hasOwn(TYPES, type) || !Object.hasOwn(USAGES, usage)) {
    throw new PossumError('FORMAT', `AES DUKPT has no working key ${usage} of type ${type}`);
  }
}

/** Work space: a key in words, and a parent with its child. Wiped before a call returns. */
const key = secretWords(8);
const pair = secretWords(16);

/** Hands out the derived key and wipes the work space. */
function takeKey(words: number): Uint8Array {
  const bytes = wordBytes(key, 0, words);
  wipeWords(key);
  wipeDerivation();
  return bytes;
}

function typeOfKey(bytes: Uint8Array): AesDukptKeyType {
  requireAesKey(bytes);
  return typeOfLength(bytes.length);
}

function requireLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length)
    throw new PossumError('FORMAT', `${what} has ${length} bytes, not ${bytes.length}`);
}
