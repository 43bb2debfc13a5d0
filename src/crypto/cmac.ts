import { secretWords } from '../platform/secret-memory.ts';
import { requireAesKey } from './aes.ts';
import { AES_SCHEDULE_WORDS, aesEncryptWords, aesSchedule } from './aes-block.ts';
import { encryptWords, prepareKey, readWords, wipeKey, wipeWords, wordAt, wordBytes } from './des.ts';

/**
 * CMAC, NIST SP 800-38B: CBC-MAC whose last block is combined with one of two subkeys, by whether it is whole.
 */

/** What the left shift of a subkey feeds back, by block size (section 5.3). */
const FEEDBACK_128 = 0x87;
const FEEDBACK_64 = 0x1b;

/** Work space of one call; nothing in here runs twice at a time, and it is wiped before the call returns. */
const schedule = secretWords(AES_SCHEDULE_WORDS);
const keyWords = secretWords(8);
const chain = secretWords(4);
const subkey = secretWords(4);

/**
 * CMAC with AES.
 * @param key 16, 24 or 32 bytes
 * @returns 16 bytes
 * @throws PossumError `KEY` on another key length
 */
export function aesCmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  requireAesKey(key);
  const words = key.length / 4;
  readWords(keyWords, 0, key, words);
  const rounds = aesSchedule(schedule, keyWords, 0, words);
  wipeWords(subkey);
  aesEncryptWords(schedule, rounds, subkey);
  const whole = data.length > 0 && data.length % 16 === 0;
  double(subkey, 4, FEEDBACK_128);
  if (!whole) double(subkey, 4, FEEDBACK_128);
  wipeWords(chain);
  const last = whole ? data.length - 16 : data.length - (data.length % 16);
  for (let at = 0; at < last; at += 16) {
    chain[0] = (chain[0] as number) ^ wordAt(data, at);
    chain[1] = (chain[1] as number) ^ wordAt(data, at + 4);
    chain[2] = (chain[2] as number) ^ wordAt(data, at + 8);
    chain[3] = (chain[3] as number) ^ wordAt(data, at + 12);
    aesEncryptWords(schedule, rounds, chain);
  }
  mixLast(data, last, 4);
  aesEncryptWords(schedule, rounds, chain);
  return finish(4);
}

/**
 * CMAC with DES or TDES.
 * @param key 8, 16 or 24 bytes
 * @returns 8 bytes
 * @throws PossumError `KEY` on another key length
 */
export function tdesCmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  const prepared = prepareKey(key);
  wipeWords(subkey);
  encryptWords(prepared, subkey);
  const whole = data.length > 0 && data.length % 8 === 0;
  double(subkey, 2, FEEDBACK_64);
  if (!whole) double(subkey, 2, FEEDBACK_64);
  wipeWords(chain);
  const last = whole ? data.length - 8 : data.length - (data.length % 8);
  for (let at = 0; at < last; at += 8) {
    chain[0] = (chain[0] as number) ^ wordAt(data, at);
    chain[1] = (chain[1] as number) ^ wordAt(data, at + 4);
    encryptWords(prepared, chain);
  }
  mixLast(data, last, 2);
  encryptWords(prepared, chain);
  wipeKey(prepared);
  return finish(2);
}

/** Multiplies a block by x in its field: a shift to the left and the feedback for the bit that fell out. */
function double(block: Int32Array, words: number, feedback: number): void {
  const carry = (block[0] as number) < 0 ? feedback : 0;
  for (let i = 0; i < words - 1; i++) {
    block[i] = ((block[i] as number) << 1) | ((block[i + 1] as number) >>> 31);
  }
  block[words - 1] = ((block[words - 1] as number) << 1) ^ carry;
}

/** The last block, filled up with 80 and zeros when it is not whole, and the subkey into the chain. */
function mixLast(data: Uint8Array, from: number, words: number): void {
  const left = data.length - from;
  for (let i = 0; i < words; i++) chain[i] = (chain[i] as number) ^ (subkey[i] as number);
  for (let i = 0; i < left; i++) {
    chain[i >> 2] = (chain[i >> 2] as number) ^ ((data[from + i] as number) << (24 - 8 * (i & 3)));
  }
  if (left < 4 * words) chain[left >> 2] = (chain[left >> 2] as number) ^ (0x80 << (24 - 8 * (left & 3)));
}

function finish(words: number): Uint8Array {
  const mac = wordBytes(chain, 0, words);
  schedule.fill(0);
  wipeWords(keyWords);
  wipeWords(subkey);
  wipeWords(chain);
  return mac;
}
