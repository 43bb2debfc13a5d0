import { secretWords } from '../platform/secret-memory.ts';
import { AES_SCHEDULE_WORDS, aesEncryptWords, aesSchedule } from './aes-block.ts';
import { putWord, wipeWords } from './des.ts';

/** The derivation that every key of AES DUKPT is made by (X9.24-3:2017, section 6.3), on words. */

/** What a working key is for, as it stands in the derivation data (table 3). */
export const USAGES = {
  KEY_ENCRYPTION: 0x0002,
  PIN_ENCRYPTION: 0x1000,
  MAC_GENERATION: 0x2000,
  MAC_VERIFICATION: 0x2001,
  MAC_BOTH: 0x2002,
  DATA_ENCRYPT: 0x3000,
  DATA_DECRYPT: 0x3001,
  DATA_BOTH: 0x3002,
  KEY_DERIVATION: 0x8000,
} as const;
export const INITIAL_KEY_USAGE = 0x8001;

export type AesDukptUsage = keyof typeof USAGES;

/** Code in the derivation data (table 4), length in bytes, and strength in bits. */
export const TYPES = {
  '2TDEA': { code: 0, length: 16, strength: 80 },
  '3TDEA': { code: 1, length: 24, strength: 112 },
  'AES-128': { code: 2, length: 16, strength: 128 },
  'AES-192': { code: 3, length: 24, strength: 192 },
  'AES-256': { code: 4, length: 32, strength: 256 },
  'HMAC-128': { code: 5, length: 16, strength: 128 },
  'HMAC-192': { code: 6, length: 24, strength: 192 },
  'HMAC-256': { code: 7, length: 32, strength: 256 },
} as const;

export type AesDukptKeyType = keyof typeof TYPES;

const schedule = secretWords(AES_SCHEDULE_WORDS);
const block = secretWords(4);

/** Wipes what the last derivation left in the work space. */
export function wipeDerivation(): void {
  schedule.fill(0);
  wipeWords(block);
}

/**
 * Makes the derivation key of a counter from that of the counter without its lowest one bit, both `words` words in
 * `keys`; they may be the same.
 * @param id the right word of the initial key ID
 */
export function nextKeyWords(
  keys: Int32Array,
  from: number,
  to: number,
  words: number,
  id: number,
  counter: number,
): void {
  derive(keys, from, to, words, USAGES.KEY_DERIVATION, typeOfLength(4 * words), id, counter);
  wipeDerivation();
}

/** One derivation of section 6.3, `Derive_Key`; the key at `from` has `words` words, the new one those of its type. */
export function derive(
  keys: Int32Array,
  from: number,
  to: number,
  words: number,
  usage: number,
  type: AesDukptKeyType,
  third: number,
  fourth: number,
): void {
  const { code, length } = TYPES[type];
  const rounds = aesSchedule(schedule, keys, from, words);
  const second = (code << 16) | (8 * length);
  for (let at = 0, counter = 1; 4 * at < length; at += 4, counter++) {
    block[0] = 0x01000000 | (counter << 16) | usage;
    block[1] = second;
    block[2] = third;
    block[3] = fourth;
    aesEncryptWords(schedule, rounds, block);
    // Of the second block, types of 192 bits need half: what follows may be another key.
    const size = Math.min(4, length / 4 - at);
    for (let i = 0; i < size; i++) keys[to + at + i] = block[i] as number;
  }
}

/** The block that the first derivation of a key enciphers, as bytes. */
export function derivationData(
  usage: number,
  type: AesDukptKeyType,
  third: number,
  fourth: number,
): Uint8Array {
  const { code, length } = TYPES[type];
  const data = new Uint8Array(16);
  putWord(data, 0, 0x01010000 | usage);
  putWord(data, 4, (code << 16) | (8 * length));
  putWord(data, 8, third);
  putWord(data, 12, fourth);
  return data;
}

/** The type of an AES key of `length` bytes. */
export function typeOfLength(length: number): AesDukptKeyType {
  return length === 16 ? 'AES-128' : length === 24 ? 'AES-192' : 'AES-256';
}
