import { PossumError } from '../platform/errors.ts';
import { secretBytes, secretWords } from '../platform/secret-memory.ts';
import {
  DES_SCHEDULE_WORDS,
  type DesSchedule,
  desRounds,
  desSchedule,
  finalPermutation,
  initialPermutation,
} from './des-block.ts';

/** Key schedules of one DES or TDES key; wipe them when the key's work is done, and use them no more. */
export interface TdesKey {
  readonly first: DesSchedule;
  readonly second: DesSchedule;
  readonly third: DesSchedule;
  /** Whether only the first counts. */
  single: boolean;
}

/** Wiped schedules to be used again: making an array of that size costs as much as filling it. */
const wiped: TdesKey[] = [];
const MOST_KEPT = 16;

/**
 * Prepares a key for several blocks.
 * @param key 8 bytes (single DES), 16 (two-key TDES) or 24 bytes
 * @throws PossumError `KEY` on any other length
 */
export function prepareKey(key: Uint8Array): TdesKey {
  const { length } = key;
  if (length !== 8 && length !== 16 && length !== 24) {
    throw new PossumError('KEY', `a TDES key has 8, 16 or 24 bytes, not ${length}`);
  }
  const prepared = wiped.pop() ?? {
    first: secretWords(DES_SCHEDULE_WORDS),
    second: secretWords(DES_SCHEDULE_WORDS),
    third: secretWords(DES_SCHEDULE_WORDS),
    single: true,
  };
  prepared.single = length === 8;
  desSchedule(prepared.first, wordAt(key, 0), wordAt(key, 4));
  if (length === 8) return prepared;
  desSchedule(prepared.second, wordAt(key, 8), wordAt(key, 12));
  if (length === 16) prepared.third.set(prepared.first);
  else desSchedule(prepared.third, wordAt(key, 16), wordAt(key, 20));
  return prepared;
}

/** Overwrites a prepared key. */
export function wipeKey(key: TdesKey): void {
  key.first.fill(0);
  if (!key.single) {
    key.second.fill(0);
    key.third.fill(0);
  }
  if (wiped.length < MOST_KEPT) wiped.push(key);
}

/** Enciphers the two big-endian words of one block in place. */
export function encryptWords(key: TdesKey, block: Int32Array): void {
  initialPermutation(block);
  desRounds(block, key.first, false);
  if (!key.single) {
    desRounds(block, key.second, true);
    desRounds(block, key.third, false);
  }
  finalPermutation(block);
}

/** The inverse of {@link encryptWords}. */
export function decryptWords(key: TdesKey, block: Int32Array): void {
  initialPermutation(block);
  if (!key.single) {
    desRounds(block, key.third, true);
    desRounds(block, key.second, false);
  }
  desRounds(block, key.first, true);
  finalPermutation(block);
}

/** The big-endian 32-bit word at `at`. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

/** Writes a 32-bit word big-endian at `at`. */
export function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

/** Reads `count` big-endian words at the start of `bytes` into `words` at `at`. */
export function readWords(words: Int32Array, at: number, bytes: Uint8Array, count: number): void {
  for (let i = 0; i < count; i++) words[at + i] = wordAt(bytes, 4 * i);
}

/** Overwrites a few words; for more, the array's own `fill` is faster. */
export function wipeWords(words: Int32Array): void {
  for (let i = 0; i < words.length; i++) words[i] = 0;
}

/** `count` words from `at` on as big-endian bytes. */
export function wordBytes(words: Int32Array, at: number, count: number): Uint8Array {
  const bytes = secretBytes(4 * count);
  for (let i = 0; i < count; i++) putWord(bytes, 4 * i, words[at + i] as number);
  return bytes;
}

/**
 * ECB encryption of whole blocks. A key of 8 bytes is single DES, 16 bytes two-key TDES.
 * @throws PossumError `KEY` on another key length, `FORMAT` when `data` is no multiple of 8 bytes
 */
export function tdesEncrypt(key: Uint8Array, data: Uint8Array): Uint8Array {
  return ecb(key, data, encryptWords);
}

/** ECB decryption of whole blocks; see {@link tdesEncrypt}. */
export function tdesDecrypt(key: Uint8Array, data: Uint8Array): Uint8Array {
  return ecb(key, data, decryptWords);
}

/**
 * CBC encryption of whole blocks.
 * @param iv 8 bytes, zeros by default
 * @throws PossumError as {@link tdesEncrypt}
 */
export function tdesCbcEncrypt(
  key: Uint8Array,
  data: Uint8Array,
  iv: Uint8Array = new Uint8Array(8),
): Uint8Array {
  requireBlocks(data, iv);
  const prepared = prepareKey(key);
  const out = secretBytes(data.length);
  block[0] = wordAt(iv, 0);
  block[1] = wordAt(iv, 4);
  for (let at = 0; at < data.length; at += 8) {
    block[0] = (block[0] as number) ^ wordAt(data, at);
    block[1] = (block[1] as number) ^ wordAt(data, at + 4);
    encryptWords(prepared, block);
    putWord(out, at, block[0]);
    putWord(out, at + 4, block[1]);
  }
  wipeKey(prepared);
  wipeWords(block);
  return out;
}

/** CBC decryption of whole blocks; see {@link tdesCbcEncrypt}. */
export function tdesCbcDecrypt(
  key: Uint8Array,
  data: Uint8Array,
  iv: Uint8Array = new Uint8Array(8),
): Uint8Array {
  requireBlocks(data, iv);
  const prepared = prepareKey(key);
  const out = secretBytes(data.length);
  let chainLeft = wordAt(iv, 0);
  let chainRight = wordAt(iv, 4);
  for (let at = 0; at < data.length; at += 8) {
    const left = wordAt(data, at);
    const right = wordAt(data, at + 4);
    block[0] = left;
    block[1] = right;
    decryptWords(prepared, block);
    putWord(out, at, (block[0] as number) ^ chainLeft);
    putWord(out, at + 4, (block[1] as number) ^ chainRight);
    chainLeft = left;
    chainRight = right;
  }
  wipeKey(prepared);
  wipeWords(block);
  return out;
}

/** Work space of one call, wiped before it returns. */
const block = secretWords(2);

function ecb(
  key: Uint8Array,
  data: Uint8Array,
  crypt: (key: TdesKey, block: Int32Array) => void,
): Uint8Array {
  requireBlocks(data);
  const prepared = prepareKey(key);
  const out = secretBytes(data.length);
  for (let at = 0; at < data.length; at += 8) {
    block[0] = wordAt(data, at);
    block[1] = wordAt(data, at + 4);
    crypt(prepared, block);
    putWord(out, at, block[0]);
    putWord(out, at + 4, block[1]);
  }
  wipeKey(prepared);
  wipeWords(block);
  return out;
}

function requireBlocks(data: Uint8Array, iv?: Uint8Array): void {
  if (data.length % 8 !== 0) {
    throw new PossumError('FORMAT', `DES works on blocks of 8 bytes; ${data.length} bytes given`);
  }
  if (iv !== undefined && iv.length !== 8) {
    throw new PossumError('FORMAT', `the initial vector has 8 bytes, not ${iv.length}`);
  }
}
