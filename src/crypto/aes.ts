import { createCipheriv, createDecipheriv } from 'node:crypto';
import { PossumError } from '../platform/errors.ts';
import { secretBytes, secretWords } from '../platform/secret-memory.ts';
import { AES_SCHEDULE_WORDS, aesEncryptWords, aesSchedule } from './aes-block.ts';
import { putWord, readWords, wipeWords, wordAt } from './des.ts';

/**
 * AES (FIPS 197) in the modes of NIST SP 800-38A over whole blocks. Enciphering is done here: it is what PIN blocks
 * need. The rest is the platform's.
 */

export const AES_BLOCK = 16;

/**
 * ECB encryption of whole blocks.
 * @param key 16, 24 or 32 bytes
 * @throws PossumError `KEY` on another key length, `FORMAT` when `data` is no multiple of 16 bytes
 */
export function aesEncrypt(key: Uint8Array, data: Uint8Array): Uint8Array {
  requireBlocks(data);
  return encipher(key, data, undefined);
}

/** ECB decryption of whole blocks; see {@link aesEncrypt}. */
export function aesDecrypt(key: Uint8Array, data: Uint8Array): Uint8Array {
  requireBlocks(data);
  return run(createDecipheriv(cipherName(key, 'ecb'), key, null), data);
}

/**
 * CBC encryption of whole blocks.
 * @param iv 16 bytes, zeros by default
 * @throws PossumError as {@link aesEncrypt}
 */
export function aesCbcEncrypt(
  key: Uint8Array,
  data: Uint8Array,
  iv: Uint8Array = new Uint8Array(AES_BLOCK),
): Uint8Array {
  requireBlocks(data, iv);
  return encipher(key, data, iv);
}

/** CBC decryption of whole blocks; see {@link aesCbcEncrypt}. */
export function aesCbcDecrypt(
  key: Uint8Array,
  data: Uint8Array,
  iv: Uint8Array = new Uint8Array(AES_BLOCK),
): Uint8Array {
  requireBlocks(data, iv);
  return run(createDecipheriv(cipherName(key, 'cbc'), key, iv), data);
}

/**
 * Counter mode, the same in both directions, over any number of bytes.
 * @param counter the first counter block, 16 bytes
 */
export function aesCtr(key: Uint8Array, data: Uint8Array, counter: Uint8Array): Uint8Array {
  requireVector(counter);
  return run(createCipheriv(cipherName(key, 'ctr'), key, counter), data);
}

/** Refuses what is no AES key. @throws PossumError `KEY` */
export function requireAesKey(key: Uint8Array): void {
  if (key.length !== 16 && key.length !== 24 && key.length !== 32) {
    throw new PossumError('KEY', `an AES key has 16, 24 or 32 bytes, not ${key.length}`);
  }
}

/** Work space of one call, wiped before it returns. */
const keyWords = secretWords(8);
const schedule = secretWords(AES_SCHEDULE_WORDS);
const block = secretWords(4);

/** CBC with an initial vector, ECB without. */
function encipher(key: Uint8Array, data: Uint8Array, iv: Uint8Array | undefined): Uint8Array {
  requireAesKey(key);
  readWords(keyWords, 0, key, key.length / 4);
  const rounds = aesSchedule(schedule, keyWords, 0, key.length / 4);
  const out = secretBytes(data.length);
  if (iv !== undefined) readWords(block, 0, iv, 4);
  for (let at = 0; at < data.length; at += AES_BLOCK) {
    if (iv === undefined) wipeWords(block);
    for (let i = 0; i < 4; i++) block[i] = (block[i] as number) ^ wordAt(data, at + 4 * i);
    aesEncryptWords(schedule, rounds, block);
    for (let i = 0; i < 4; i++) putWord(out, at + 4 * i, block[i] as number);
  }
  wipeWords(keyWords);
  schedule.fill(0);
  wipeWords(block);
  return out;
}

interface Running {
  update(data: Uint8Array): Uint8Array;
  final(): Uint8Array;
  setAutoPadding(on: boolean): unknown;
}

function run(cipher: Running, data: Uint8Array): Uint8Array {
  cipher.setAutoPadding(false);
  const out = cipher.update(data);
  // Ends the cipher, and with it the platform's copy of the key.
  cipher.final();
  return new Uint8Array(out.buffer, out.byteOffset, out.length);
}

function cipherName(key: Uint8Array, mode: 'ecb' | 'cbc' | 'ctr'): string {
  requireAesKey(key);
  return `aes-${8 * key.length}-${mode}`;
}

function requireBlocks(data: Uint8Array, iv?: Uint8Array): void {
  if (data.length % AES_BLOCK !== 0) {
    throw new PossumError('FORMAT', `AES works on blocks of 16 bytes; ${data.length} bytes given`);
  }
  if (iv !== undefined) requireVector(iv);
}

function requireVector(iv: Uint8Array): void {
  if (iv.length !== AES_BLOCK) {
    throw new PossumError('FORMAT', `the initial vector has 16 bytes, not ${iv.length}`);
  }
}
