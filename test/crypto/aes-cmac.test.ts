import { createCipheriv } from 'node:crypto';
import forge from 'node-forge';
import { describe, expect, it } from 'vitest';
import * as aes from '../../src/crypto/aes.ts';
import { AES_SCHEDULE_WORDS, aesEncryptWords, aesSchedule } from '../../src/crypto/aes-block.ts';
import { aesCmac, tdesCmac } from '../../src/crypto/cmac.ts';
import { putWord, tdesEncrypt, wordAt } from '../../src/crypto/des.ts';
import { fromLatin1, latin1, toHex } from '../../src/platform/bytes.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { rounds } from './vectors.ts';

function forgeAes(
  mode: 'ECB' | 'CBC' | 'CTR',
  key: Uint8Array,
  iv: Uint8Array,
  data: Uint8Array,
): Uint8Array {
  const cipher = forge.cipher.createCipher(`AES-${mode}`, fromLatin1(key));
  cipher.start({ iv: fromLatin1(iv) });
  cipher.update(forge.util.createBuffer(fromLatin1(data)));
  cipher.finish();
  return latin1(cipher.output.getBytes(data.length));
}

function tableEncrypt(key: Uint8Array, block: Uint8Array): Uint8Array {
  const words = Int32Array.from({ length: key.length / 4 }, (_, i) => wordAt(key, 4 * i));
  const schedule = new Int32Array(AES_SCHEDULE_WORDS);
  const state = Int32Array.from({ length: 4 }, (_, i) => wordAt(block, 4 * i));
  aesEncryptWords(schedule, aesSchedule(schedule, words, 0, words.length), state);
  const out = new Uint8Array(16);
  state.forEach((word, i) => {
    putWord(out, 4 * i, word);
  });
  return out;
}

/** CMAC as the standard writes it, on big integers. */
function plainCmac(size: number, encrypt: (block: Uint8Array) => Uint8Array, data: Uint8Array): Uint8Array {
  const bits = BigInt(8 * size);
  const toBig = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes) || '0'}`);
  const run = (value: bigint) => {
    const hex = value.toString(16).padStart(2 * size, '0');
    return toBig(encrypt(Uint8Array.from(Buffer.from(hex, 'hex'))));
  };
  const twice = (value: bigint) => {
    const shifted = (value << 1n) & ((1n << bits) - 1n);
    return value >> (bits - 1n) ? shifted ^ (size === 16 ? 0x87n : 0x1bn) : shifted;
  };
  let subkey = twice(run(0n));
  const padded = [...data];
  if (data.length === 0 || data.length % size !== 0) {
    subkey = twice(subkey);
    padded.push(0x80);
    while (padded.length % size !== 0) padded.push(0);
  }
  let chain = 0n;
  for (let at = 0; at < padded.length; at += size) {
    const block = toBig(Uint8Array.from(padded.slice(at, at + size)));
    chain = run(chain ^ block ^ (at + size === padded.length ? subkey : 0n));
  }
  return Uint8Array.from(Buffer.from(chain.toString(16).padStart(2 * size, '0'), 'hex'));
}

describe('AES', () => {
  const random = seededRandom('aes');

  it('agrees with a second implementation', () => {
    for (let i = 0; i < rounds(500); i++) {
      const key = random.bytes([16, 24, 32][i % 3] as number);
      const data = random.bytes(16 * (1 + random.below(4)));
      const iv = random.bytes(16);
      expect(toHex(aes.aesEncrypt(key, data))).toBe(toHex(forgeAes('ECB', key, iv, data)));
      expect(toHex(aes.aesCbcEncrypt(key, data, iv))).toBe(toHex(forgeAes('CBC', key, iv, data)));
      const part = data.subarray(0, 1 + random.below(data.length));
      expect(toHex(aes.aesCtr(key, part, iv))).toBe(toHex(forgeAes('CTR', key, iv, part)));
      const block = data.subarray(0, 16);
      expect(toHex(tableEncrypt(key, block))).toBe(toHex(forgeAes('ECB', key, iv, block)));
    }
  });

  it('deciphers what it enciphered', () => {
    for (let i = 0; i < 100; i++) {
      const key = random.bytes([16, 24, 32][i % 3] as number);
      const data = random.bytes(16 * random.below(5));
      const iv = random.bytes(16);
      expect(aes.aesDecrypt(key, aes.aesEncrypt(key, data))).toEqual(data);
      expect(aes.aesCbcDecrypt(key, aes.aesCbcEncrypt(key, data, iv), iv)).toEqual(data);
    }
  });

  it('refuses wrong lengths', () => {
    const refused = (code: string) => expect.objectContaining({ code });
    const block = new Uint8Array(16);
    expect(() => aes.aesEncrypt(new Uint8Array(15), block)).toThrow(refused('KEY'));
    expect(() => aes.aesDecrypt(block, new Uint8Array(17))).toThrow(refused('FORMAT'));
    expect(() => aes.aesCbcEncrypt(block, block, new Uint8Array(8))).toThrow(refused('FORMAT'));
    expect(() => aes.aesCbcDecrypt(block, new Uint8Array(8))).toThrow(refused('FORMAT'));
    expect(() => aes.aesCtr(block, block, new Uint8Array(15))).toThrow(refused('FORMAT'));
    expect(() => aesCmac(new Uint8Array(8), block)).toThrow(refused('KEY'));
    expect(() => tdesCmac(new Uint8Array(32), block)).toThrow(refused('KEY'));
  });
});

describe('CMAC', () => {
  const random = seededRandom('cmac');

  it('with AES agrees with the standard on the platform cipher', () => {
    for (let i = 0; i < rounds(500); i++) {
      const key = random.bytes([16, 24, 32][i % 3] as number);
      const data = random.bytes(random.below(70));
      const encrypt = (block: Uint8Array) =>
        createCipheriv(`aes-${8 * key.length}-ecb`, key, null)
          .setAutoPadding(false)
          .update(block);
      expect(toHex(aesCmac(key, data))).toBe(toHex(plainCmac(16, encrypt, data)));
    }
  });

  it('with DES and TDES agrees with the standard', () => {
    for (let i = 0; i < rounds(500); i++) {
      const key = random.bytes([8, 16, 24][i % 3] as number);
      const data = random.bytes(random.below(40));
      expect(toHex(tdesCmac(key, data))).toBe(toHex(plainCmac(8, (block) => tdesEncrypt(key, block), data)));
    }
  });
});
