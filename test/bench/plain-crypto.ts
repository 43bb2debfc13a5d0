import { createCipheriv, createDecipheriv } from 'node:crypto';

/**
 * What a program does that has `node:crypto` only: a cipher object for every call. The derivations follow the
 * standards step by step; nothing is kept between calls.
 */

type Mode = 'ecb' | 'cbc';

/** A key of 8 or 16 bytes as the 24 that the platform wants: it has no single DES. */
function tripled(key: Buffer): Buffer {
  return Buffer.concat(key.length === 8 ? [key, key, key] : [key, key.subarray(0, 8)]);
}

export function plainDes(key: Buffer, data: Buffer, mode: Mode = 'ecb'): Buffer {
  const iv = mode === 'cbc' ? Buffer.alloc(8) : null;
  return createCipheriv(`des-ede3-${mode}`, tripled(key), iv).setAutoPadding(false).update(data);
}

function plainDesDecrypt(key: Buffer, data: Buffer): Buffer {
  return createDecipheriv('des-ede3-ecb', tripled(key), null).setAutoPadding(false).update(data);
}

export function plainAes(key: Buffer, data: Buffer, mode: Mode = 'ecb'): Buffer {
  const iv = mode === 'cbc' ? Buffer.alloc(16) : null;
  return createCipheriv(`aes-${8 * key.length}-${mode}`, key, iv)
    .setAutoPadding(false)
    .update(data);
}

function exclusiveOr(a: Buffer, b: Buffer): Buffer {
  const out = Buffer.allocUnsafe(a.length);
  for (let i = 0; i < a.length; i++) out[i] = (a[i] as number) ^ (b[i] as number);
  return out;
}

const MASK = Buffer.from('C0C0C0C000000000C0C0C0C000000000', 'hex');

/** TDES DUKPT, X9.24-1: the transaction key of a counter. */
export function plainTransactionKey(initial: Buffer, ksn: Buffer): Buffer {
  const counter = ksn.readUInt32BE(6) & 0x1fffff;
  const register = Buffer.from(ksn.subarray(2));
  register.writeUInt32BE((register.readUInt32BE(4) & ~0x1fffff) >>> 0, 4);
  let key = initial;
  for (let bit = 0x100000; bit > 0; bit >>= 1) {
    if ((counter & bit) === 0) continue;
    register.writeUInt32BE((register.readUInt32BE(4) | bit) >>> 0, 4);
    key = Buffer.concat([plainStep(exclusiveOr(key, MASK), register), plainStep(key, register)]);
  }
  return key;
}

function plainStep(key: Buffer, register: Buffer): Buffer {
  const right = key.subarray(8);
  return exclusiveOr(plainDes(key.subarray(0, 8), exclusiveOr(register, right)), right);
}

/** AES DUKPT with AES-128, X9.24-3: the transaction key of a counter. */
export function plainAesTransactionKey(initial: Buffer, ksn: Buffer): Buffer {
  const counter = ksn.readUInt32BE(8);
  const data = Buffer.alloc(16);
  data.write('0101800000020080', 'hex');
  ksn.copy(data, 8, 4, 8);
  let key = initial;
  let register = 0;
  for (let bit = 0x80000000; bit >= 1; bit /= 2) {
    if ((counter & bit) === 0) continue;
    register += bit;
    data.writeUInt32BE(register, 12);
    key = plainAes(key, data);
  }
  return key;
}

/** X9.19: one call for the blocks, one for each of the last two steps. */
export function plainRetailMac(key: Buffer, data: Buffer): Buffer {
  const padded = Buffer.alloc(Math.ceil(data.length / 8) * 8);
  data.copy(padded);
  const left = key.subarray(0, 8);
  const chain = plainDes(left, padded, 'cbc').subarray(-8);
  return plainDes(left, plainDesDecrypt(key.subarray(8), chain));
}

/** SP 800-38B: one call for the subkeys, one for the blocks. */
export function plainCmac(cipher: typeof plainAes, size: 8 | 16, key: Buffer, data: Buffer): Buffer {
  let subkey = twice(cipher(key, Buffer.alloc(size)));
  const whole = data.length > 0 && data.length % size === 0;
  const padded = Buffer.alloc(whole ? data.length : (Math.floor(data.length / size) + 1) * size);
  data.copy(padded);
  if (!whole) {
    subkey = twice(subkey);
    padded[data.length] = 0x80;
  }
  const last = padded.length - size;
  for (let i = 0; i < size; i++) padded[last + i] = (padded[last + i] as number) ^ (subkey[i] as number);
  return cipher(key, padded, 'cbc').subarray(-size);
}

function twice(block: Buffer): Buffer {
  const out = Buffer.alloc(block.length);
  for (let i = 0; i < block.length; i++) {
    out[i] = ((block[i] as number) << 1) | ((block[i + 1] ?? 0) >> 7);
  }
  const feedback = block.length === 16 ? 0x87 : 0x1b;
  if ((block[0] as number) & 0x80) out[block.length - 1] = (out[block.length - 1] as number) ^ feedback;
  return out;
}
