import { createHmac } from 'node:crypto';
import { PossumError } from '../platform/errors.ts';
import { decryptWords, encryptWords, prepareKey, putWord, type TdesKey, wipeKey, wordAt } from './des.ts';

export interface MacOptions {
  readonly padding?: MacPadding;
}

/**
 * ISO/IEC 9797-1 padding: 1 fills up with zeros (the default), 2 appends 80 and then zeros, 3 puts a block with the
 * number of bits in front and fills up with zeros.
 */
export type MacPadding = 1 | 2 | 3;

/**
 * CBC-MAC, ISO/IEC 9797-1 algorithm 1 (X9.9 with a key of 8 bytes). Empty data counts as one block of zeros.
 * @returns 8 bytes
 * @throws PossumError `KEY` on a key that has not 8, 16 or 24 bytes
 */
export function cbcMac(key: Uint8Array, data: Uint8Array, options: MacOptions = {}): Uint8Array {
  const prepared = prepareKey(key);
  const chain = new Int32Array(2);
  chainBlocks(prepared, chain, data, options.padding ?? 1);
  wipeKey(prepared);
  return toBytes(chain);
}

/**
 * Retail MAC, ISO/IEC 9797-1 algorithm 3 (X9.19): single DES over the blocks, TDES on the last one.
 * @param key 16 bytes
 * @returns 8 bytes
 * @throws PossumError `KEY` on another key length
 */
export function retailMac(key: Uint8Array, data: Uint8Array, options: MacOptions = {}): Uint8Array {
  if (key.length !== 16) throw new PossumError('KEY', `a retail MAC key has 16 bytes, not ${key.length}`);
  const left = prepareKey(key.subarray(0, 8));
  const right = prepareKey(key.subarray(8));
  const chain = new Int32Array(2);
  chainBlocks(left, chain, data, options.padding ?? 1);
  decryptWords(right, chain);
  encryptWords(left, chain);
  wipeKey(left);
  wipeKey(right);
  return toBytes(chain);
}

/**
 * The "ECB" MAC of UnionPay terminals: exclusive or of all blocks, written as 16 hex characters; the first
 * eight are enciphered, combined with the other eight and enciphered again.
 * @returns the first 8 hex characters of the result, as ASCII
 */
export function unionPayMac(key: Uint8Array, data: Uint8Array): Uint8Array {
  const prepared = prepareKey(key);
  const sum = new Uint8Array(8);
  for (let i = 0; i < data.length; i++) sum[i % 8] = (sum[i % 8] as number) ^ (data[i] as number);
  const text = asciiHex(sum);
  const block = Int32Array.of(wordAt(text, 0), wordAt(text, 4));
  encryptWords(prepared, block);
  block[0] = (block[0] as number) ^ wordAt(text, 8);
  block[1] = (block[1] as number) ^ wordAt(text, 12);
  encryptWords(prepared, block);
  wipeKey(prepared);
  return asciiHex(toBytes(block)).subarray(0, 8);
}

/** HMAC with SHA-256 (FIPS 198-1, RFC 2104): a key of any length, 32 bytes. */
export function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(data).digest());
}

/** Runs CBC without output over the padded data; `chain` enters as the initial vector. */
function chainBlocks(key: TdesKey, chain: Int32Array, data: Uint8Array, padding: MacPadding): void {
  if (padding !== 1 && padding !== 2 && padding !== 3) {
    throw new PossumError('FORMAT', `ISO/IEC 9797-1 has no padding method ${padding}`);
  }
  if (padding === 3) {
    chain[0] = (chain[0] as number) ^ Math.floor(data.length / 0x20000000);
    chain[1] = (chain[1] as number) ^ (data.length << 3);
    encryptWords(key, chain);
    if (data.length === 0) return;
  }
  const whole = data.length - (data.length % 8);
  for (let at = 0; at < whole; at += 8) {
    chain[0] = (chain[0] as number) ^ wordAt(data, at);
    chain[1] = (chain[1] as number) ^ wordAt(data, at + 4);
    encryptWords(key, chain);
  }
  if (padding !== 2 && whole === data.length && whole > 0) return;
  const last = new Uint8Array(8);
  last.set(data.subarray(whole));
  if (padding === 2) last[data.length - whole] = 0x80;
  chain[0] = (chain[0] as number) ^ wordAt(last, 0);
  chain[1] = (chain[1] as number) ^ wordAt(last, 4);
  encryptWords(key, chain);
}

function toBytes(block: Int32Array): Uint8Array {
  const bytes = new Uint8Array(8);
  putWord(bytes, 0, block[0] as number);
  putWord(bytes, 4, block[1] as number);
  return bytes;
}

function asciiHex(bytes: Uint8Array): Uint8Array {
  const text = new Uint8Array(2 * bytes.length);
  bytes.forEach((byte, i) => {
    text[2 * i] = hexCode(byte >> 4);
    text[2 * i + 1] = hexCode(byte & 15);
  });
  return text;
}

function hexCode(nibble: number): number {
  return nibble + (nibble < 10 ? 48 : 55);
}
