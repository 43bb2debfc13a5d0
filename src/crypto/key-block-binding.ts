import { concat, equalBytes } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import { secretBytes, secretConcat, secretCopy } from '../platform/secret-memory.ts';
import { aesCbcDecrypt, aesCbcEncrypt, aesCtr } from './aes.ts';
import { aesCmac, tdesCmac } from './cmac.ts';
import { tdesCbcDecrypt, tdesCbcEncrypt } from './des.ts';
import type { KeyBlockVersion } from './key-block-header.ts';
import { cbcMac } from './mac.ts';

/**
 * How a key block protects its key and ties the header to it (X9.143:2021, section 7). Versions A and C work under
 * variants of the key block protection key (KBPK), B (TDES), D (AES) and E (AES in counter mode, ISO 20038) under keys
 * derived from it.
 */

/**
 * Enciphers the key data and binds the header to them.
 * @returns enciphered data and MAC
 */
export function bindKey(
  version: KeyBlockVersion,
  kbpk: Uint8Array,
  header: Uint8Array,
  clear: Uint8Array,
): Uint8Array {
  const keys = protectionKeys(version, kbpk);
  try {
    if (version === 'A' || version === 'C') {
      const enciphered = tdesCbcEncrypt(keys.encryption, clear, header.subarray(0, 8));
      return concat(enciphered, cbcMac(keys.mac, concat(header, enciphered)).subarray(0, 4));
    }
    const mac = bindingMac(version, keys.mac, header, clear);
    return concat(CIPHERS[version].encrypt(keys.encryption, clear, mac), mac);
  } finally {
    wipe(keys);
  }
}

/**
 * The clear key data of a block whose MAC is right.
 * @throws PossumError `KEY` when it is not
 */
export function unbindKey(
  version: KeyBlockVersion,
  kbpk: Uint8Array,
  header: Uint8Array,
  enciphered: Uint8Array,
  mac: Uint8Array,
): Uint8Array {
  const keys = protectionKeys(version, kbpk);
  try {
    if (version === 'A' || version === 'C') {
      if (!equalBytes(cbcMac(keys.mac, concat(header, enciphered)).subarray(0, 4), mac)) throw wrongMac();
      return tdesCbcDecrypt(keys.encryption, enciphered, header.subarray(0, 8));
    }
    const clear = CIPHERS[version].decrypt(keys.encryption, enciphered, mac);
    if (!equalBytes(bindingMac(version, keys.mac, header, clear), mac)) {
      clear.fill(0);
      throw wrongMac();
    }
    return clear;
  } finally {
    wipe(keys);
  }
}

type BindingVersion = 'B' | 'D' | 'E';
type Cipher = (key: Uint8Array, data: Uint8Array, iv: Uint8Array) => Uint8Array;

/** The MAC serves as initial vector. */
const CIPHERS: Readonly<Record<BindingVersion, { readonly encrypt: Cipher; readonly decrypt: Cipher }>> = {
  B: { encrypt: tdesCbcEncrypt, decrypt: tdesCbcDecrypt },
  D: { encrypt: aesCbcEncrypt, decrypt: aesCbcDecrypt },
  E: { encrypt: aesCtr, decrypt: aesCtr },
};

function bindingMac(
  version: BindingVersion,
  key: Uint8Array,
  header: Uint8Array,
  clear: Uint8Array,
): Uint8Array {
  const data = secretConcat(header, clear);
  const mac = version === 'B' ? tdesCmac(key, data) : aesCmac(key, data);
  data.fill(0);
  return mac;
}

interface ProtectionKeys {
  readonly encryption: Uint8Array;
  readonly mac: Uint8Array;
}

function wipe(keys: ProtectionKeys): void {
  keys.encryption.fill(0);
  keys.mac.fill(0);
}

const ENCRYPTION_USAGE = 0x0000;
const MAC_USAGE = 0x0001;
const COUNTER_MODE_USAGE = 0x0002;

/** The keys that encipher and authenticate: variants by constants 45 and 4D, or derived by CMAC (X9.143, 7.2). */
function protectionKeys(version: KeyBlockVersion, kbpk: Uint8Array): ProtectionKeys {
  if (version === 'A' || version === 'C') {
    return { encryption: variant(kbpk, 0x45), mac: variant(kbpk, 0x4d) };
  }
  const usage = version === 'E' ? COUNTER_MODE_USAGE : ENCRYPTION_USAGE;
  return { encryption: derivedKey(version, kbpk, usage), mac: derivedKey(version, kbpk, MAC_USAGE) };
}

function variant(kbpk: Uint8Array, constant: number): Uint8Array {
  const key = secretCopy(kbpk);
  for (let i = 0; i < key.length; i++) key[i] = (key[i] as number) ^ constant;
  return key;
}

/** Counter, usage, separator, algorithm and length in bits, through CMAC until the key is full. */
function derivedKey(version: BindingVersion, kbpk: Uint8Array, usage: number): Uint8Array {
  const { length } = kbpk;
  const algorithm = version === 'B' ? length / 8 - 2 : length / 8;
  const size = version === 'B' ? 8 : 16;
  const key = secretBytes(Math.ceil(length / size) * size);
  for (let at = 0; at < length; at += size) {
    const bits = 8 * length;
    const data = Uint8Array.of(
      1 + at / size,
      usage >> 8,
      usage,
      0,
      algorithm >> 8,
      algorithm,
      bits >> 8,
      bits,
    );
    const part = version === 'B' ? tdesCmac(kbpk, data) : aesCmac(kbpk, data);
    key.set(part, at);
    part.fill(0);
  }
  const derived = secretCopy(key.subarray(0, length));
  key.fill(0);
  return derived;
}

/** Refuses a key that protects no key block of this version. @throws PossumError `KEY` */
export function requireKbpk(version: KeyBlockVersion, kbpk: Uint8Array): void {
  const allowed = version === 'D' || version === 'E' ? [16, 24, 32] : [16, 24];
  if (!allowed.includes(kbpk.length)) {
    throw new PossumError('KEY', `a key of ${kbpk.length} bytes protects no key block of version ${version}`);
  }
}

function wrongMac(): PossumError {
  return new PossumError('KEY', 'the MAC of the key block is wrong: another key, or the block was changed');
}
