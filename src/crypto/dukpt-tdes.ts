import { PossumError } from '../platform/errors.ts';
import { secretBytes, secretCopy, secretWords } from '../platform/secret-memory.ts';
import { readWords, tdesEncrypt, wipeWords, wordAt, wordBytes } from './des.ts';
import { oneWay, wipeStep } from './dukpt-step.ts';

/**
 * TDES DUKPT, ANSI X9.24-1:2009 annex A. A KSN has 10 bytes; its low 21 bits are the transaction counter,
 * which holds at most ten one bits.
 */

const KSN_LENGTH = 10;
const COUNTER_MASK = 0x1fffff;
const MAX_ONE_BITS = 10;
/** C0C0C0C0 in the left half of each key half. */
const KEY_MASK = 0xc0;

/** The keys that one transaction key yields; all have 16 bytes. */
export interface WorkingKeys {
  readonly pinKey: Uint8Array;
  readonly macRequestKey: Uint8Array;
  readonly macResponseKey: Uint8Array;
  readonly dataRequestKey: Uint8Array;
  readonly dataResponseKey: Uint8Array;
}

/** The transaction counter of a KSN. @throws PossumError `FORMAT` when it has not 10 bytes */
export function counterOf(ksn: Uint8Array): number {
  requireLength(ksn);
  return (((ksn[7] as number) & 0x1f) << 16) | ((ksn[8] as number) << 8) | (ksn[9] as number);
}

/** The KSN with another counter. @throws PossumError `FORMAT` when `counter` does not fit in 21 bits */
export function withCounter(ksn: Uint8Array, counter: number): Uint8Array {
  requireLength(ksn);
  if (!Number.isInteger(counter) || counter < 0 || counter > COUNTER_MASK) {
    throw new PossumError('FORMAT', `${counter} is no DUKPT counter of 21 bits`);
  }
  const changed = Uint8Array.from(ksn);
  changed[7] = ((ksn[7] as number) & 0xe0) | (counter >> 16);
  changed[8] = counter >> 8;
  changed[9] = counter;
  return changed;
}

/**
 * Refuses a KSN that no transaction can carry.
 * @throws PossumError `FORMAT` on a wrong length, a counter of 0 or more than ten one bits
 */
export function checkKsn(ksn: Uint8Array): void {
  const counter = counterOf(ksn);
  if (counter === 0) throw new PossumError('FORMAT', 'KSN counter 0 belongs to no transaction');
  if (oneBits(counter) > MAX_ONE_BITS) {
    throw new PossumError('FORMAT', 'KSN counter has more than ten one bits');
  }
}

/** The KSN of the transaction after `ksn`, or `undefined` when the counter is exhausted. */
export function nextKsn(ksn: Uint8Array): Uint8Array | undefined {
  let counter = counterOf(ksn) + 1;
  while (oneBits(counter) > MAX_ONE_BITS) counter += counter & -counter;
  return counter > COUNTER_MASK ? undefined : withCounter(ksn, counter);
}

/**
 * The initial key (IPEK) of the device that `ksn` names; the counter in it is ignored.
 * @param bdk 16 bytes
 * @throws PossumError `KEY` or `FORMAT` on wrong lengths
 */
export function initialKey(bdk: Uint8Array, ksn: Uint8Array): Uint8Array {
  requireKey(bdk, 'base derivation key');
  requireLength(ksn);
  const serial = Uint8Array.from(ksn.subarray(0, 8));
  serial[7] = (serial[7] as number) & 0xe0;
  const masked = maskHalves(bdk);
  const key = secretBytes(16);
  for (const [index, parent] of [bdk, masked].entries()) {
    const half = tdesEncrypt(parent, serial);
    key.set(half, 8 * index);
    half.fill(0);
  }
  masked.fill(0);
  return key;
}

/**
 * The key of the transaction that `ksn` numbers, before any variant.
 * @throws PossumError `KEY` or `FORMAT` on wrong lengths or a counter that is not allowed
 */
export function transactionKey(initial: Uint8Array, ksn: Uint8Array): Uint8Array {
  checkKsn(ksn);
  requireKey(initial, 'DUKPT key');
  const counter = counterOf(ksn);
  const left = wordAt(ksn, 2);
  let register = wordAt(ksn, 6) & ~COUNTER_MASK;
  readWords(key, 0, initial, 4);
  for (let bit = 0x100000; bit > 0; bit >>= 1) {
    if ((counter & bit) === 0) continue;
    register |= bit;
    oneWay(key, 0, 0, left, register);
  }
  return takeKey();
}

/**
 * The one-way function that makes future keys and transaction keys (annex A.2, "Non-reversible Key
 * Generation Process").
 * @param parent 16 bytes
 * @param cryptoRegister the right 8 bytes of the KSN, its counter as far as it is derived
 */
export function nonReversibleKey(parent: Uint8Array, cryptoRegister: Uint8Array): Uint8Array {
  requireKey(parent, 'DUKPT key');
  if (cryptoRegister.length !== 8) {
    throw new PossumError('FORMAT', `the crypto register has 8 bytes, not ${cryptoRegister.length}`);
  }
  readWords(key, 0, parent, 4);
  oneWay(key, 0, 0, wordAt(cryptoRegister, 0), wordAt(cryptoRegister, 4));
  return takeKey();
}

/**
 * What a terminal's registers `highest` down to 1 hold once `parent` is used (annex A.2, "New Key"): the keys of the
 * counters that have one more of the low bits.
 * @param parent 16 bytes: the key of `ksn`, or the initial key with a counter of 0
 * @param highest 21 for an initial key; below the lowest one bit of the counter for a used key
 * @returns register 1 first
 * @throws PossumError `KEY` or `FORMAT` on wrong lengths
 */
export function futureKeys(parent: Uint8Array, ksn: Uint8Array, highest: number): Uint8Array[] {
  requireKey(parent, 'DUKPT key');
  requireLength(ksn);
  const left = wordAt(ksn, 2);
  const right = wordAt(ksn, 6);
  const made: Uint8Array[] = [];
  readWords(pair, 0, parent, 4);
  for (let register = 0; register < highest; register++) {
    oneWay(pair, 0, 4, left, right | (1 << register));
    made.push(wordBytes(pair, 4, 4));
  }
  wipeWords(pair);
  wipeStep();
  return made;
}

/** Work space: the key that a derivation has come to, and a parent with its child. Wiped before a call returns. */
const key = secretWords(4);
const pair = secretWords(8);

function takeKey(): Uint8Array {
  const bytes = wordBytes(key, 0, 4);
  wipeWords(key);
  wipeStep();
  return bytes;
}

/** The key that enciphers the PIN block. */
export function pinKey(transaction: Uint8Array): Uint8Array {
  return variant(transaction, 7);
}

/** The key of the MAC over the terminal's message. */
export function macRequestKey(transaction: Uint8Array): Uint8Array {
  return variant(transaction, 6);
}

/** The key of the MAC over the host's answer. */
export function macResponseKey(transaction: Uint8Array): Uint8Array {
  return variant(transaction, 4);
}

/** The key of data enciphered by the terminal: a variant through the one-way step of annex A.4.1. */
export function dataRequestKey(transaction: Uint8Array): Uint8Array {
  return selfEnciphered(variant(transaction, 5));
}

/** The key of data enciphered by the host. */
export function dataResponseKey(transaction: Uint8Array): Uint8Array {
  return selfEnciphered(variant(transaction, 3));
}

/** All working keys of one transaction key. */
export function workingKeys(transaction: Uint8Array): WorkingKeys {
  return {
    pinKey: pinKey(transaction),
    macRequestKey: macRequestKey(transaction),
    macResponseKey: macResponseKey(transaction),
    dataRequestKey: dataRequestKey(transaction),
    dataResponseKey: dataResponseKey(transaction),
  };
}

/** Inverts byte `position` of both halves. The caller wipes what it is given. */
function variant(transaction: Uint8Array, position: number): Uint8Array {
  requireKey(transaction, 'DUKPT transaction key');
  const key = secretCopy(transaction);
  key[position] = (key[position] as number) ^ 0xff;
  key[position + 8] = (key[position + 8] as number) ^ 0xff;
  return key;
}

function selfEnciphered(key: Uint8Array): Uint8Array {
  const result = tdesEncrypt(key, key);
  key.fill(0);
  return result;
}

function maskHalves(key: Uint8Array): Uint8Array {
  const masked = secretCopy(key);
  for (let i = 0; i < masked.length; i++) if ((i & 4) === 0) masked[i] = (masked[i] as number) ^ KEY_MASK;
  return masked;
}

/** The number of one bits in a word. */
export function oneBits(value: number): number {
  let sum = value - ((value >>> 1) & 0x55555555);
  sum = (sum & 0x33333333) + ((sum >>> 2) & 0x33333333);
  return Math.imul((sum + (sum >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function requireLength(ksn: Uint8Array): void {
  if (ksn.length !== KSN_LENGTH) {
    throw new PossumError('FORMAT', `a KSN has ${KSN_LENGTH} bytes, not ${ksn.length}`);
  }
}

function requireKey(key: Uint8Array, what: string): void {
  if (key.length !== 16) throw new PossumError('KEY', `a ${what} has 16 bytes, not ${key.length}`);
}
