import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import forge from 'node-forge';
import { describe, expect, it } from 'vitest';
import * as dukpt from '../../src/crypto/dukpt-tdes.ts';
import * as emv from '../../src/crypto/emv-keys.ts';
import { unwrapKeyBlock, wrapKeyBlock } from '../../src/crypto/key-block.ts';
import { parseKeyBlockHeader } from '../../src/crypto/key-block-header.ts';
import { cbcMac, hmacSha256, retailMac, unionPayMac } from '../../src/crypto/mac.ts';
import {
  encodePinBlock,
  type PinBlockFormat,
  type PinBlockInput,
  pinBlockFill,
} from '../../src/crypto/pin-block.ts';
import { encipherPinBlock } from '../../src/crypto/pin-encipher.ts';
import { fromLatin1, latin1, toHex } from '../../src/platform/bytes.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { plainAes, plainCmac, plainDes, plainRetailMac, plainTransactionKey } from '../bench/plain-crypto.ts';
import { rounds } from './vectors.ts';

/** Everything below works on hex text and big integers over the platform's ciphers, and shares no code with ours. */

const random = seededRandom('second');
const buffer = (hex: string) => Buffer.from(hex, 'hex');
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex').toUpperCase();
const digits = (length: number) => Array.from({ length }, () => random.below(10)).join('');
const xor = (a: string, b: string) =>
  (BigInt(`0x${a}`) ^ BigInt(`0x${b}`)).toString(16).toUpperCase().padStart(a.length, '0');
const des = (key: string, block: string) => hex(plainDes(buffer(key), buffer(block)));
const zeros = (text: string, width: number) =>
  text.padEnd(Math.max(width, Math.ceil(text.length / width) * width), '0');

/** Text as a DES or TDES key of 24 bytes. */
function tripled(key: string): string {
  return key.length === 16 ? key.repeat(3) : key.length === 32 ? key + key.slice(0, 16) : key;
}

function desCbc(key: string, iv: string, data: string, decrypt = false): string {
  const make = decrypt ? createDecipheriv : createCipheriv;
  const cipher = make('des-ede3-cbc', buffer(tripled(key)), buffer(iv));
  cipher.setAutoPadding(false);
  return hex(cipher.update(buffer(data)));
}

describe('a second implementation agrees on', () => {
  it('keys of TDES DUKPT', () => {
    for (let i = 0; i < rounds(300); i++) {
      const [bdk, ksn] = [hex(random.bytes(16)), hex(random.bytes(7))];
      const ones = Array.from({ length: 1 + random.below(10) }, () => random.below(21));
      const counter = ones.reduce((sum, bit) => sum | (1 << bit), 0);
      const full = `${ksn}${(counter | (random.below(8) << 21)).toString(16).padStart(6, '0')}`.toUpperCase();
      const serial = hex(dukpt.withCounter(buffer(full), 0)).slice(0, 16);
      const initial = des(bdk, serial) + des(xor(bdk, 'C0C0C0C000000000C0C0C0C000000000'), serial);
      expect(toHex(dukpt.initialKey(buffer(bdk), buffer(full)))).toBe(initial);
      const key = hex(plainTransactionKey(buffer(initial), buffer(full)));
      expect(toHex(dukpt.transactionKey(buffer(initial), buffer(full)))).toBe(key);
      const keys = dukpt.workingKeys(buffer(key));
      const variant = (mask: string) => xor(key, mask.repeat(2));
      const data = (mask: string) => {
        const by = variant(mask);
        return des(by, by.slice(0, 16)) + des(by, by.slice(16));
      };
      expect(Object.fromEntries(Object.entries(keys).map(([name, value]) => [name, toHex(value)]))).toEqual({
        pinKey: variant('00000000000000FF'),
        macRequestKey: variant('000000000000FF00'),
        macResponseKey: variant('00000000FF000000'),
        dataRequestKey: data('0000000000FF0000'),
        dataResponseKey: data('000000FF00000000'),
      });
    }
  });

  it('MACs with each padding', () => {
    for (let i = 0; i < rounds(300); i++) {
      const data = hex(random.bytes(random.below(50)));
      const padding = ([1, 2, 3] as const)[i % 3] as 1 | 2 | 3;
      const bits = (data.length * 4).toString(16).padStart(16, '0');
      const padded =
        padding === 1
          ? zeros(data, 16)
          : padding === 2
            ? zeros(`${data}80`, 16)
            : data === ''
              ? bits
              : bits + zeros(data, 16);
      const two = hex(random.bytes(16));
      const expected = hex(plainRetailMac(buffer(two), buffer(padded)));
      expect(toHex(retailMac(buffer(two), buffer(data), { padding }))).toBe(expected);
      const any = hex(random.bytes([8, 16, 24][random.below(3)] as number));
      const chain = desCbc(any, '0'.repeat(16), padded).slice(-16);
      expect(toHex(cbcMac(buffer(any), buffer(data), { padding }))).toBe(chain);
      let sum = '0'.repeat(16);
      for (const block of zeros(data, 16).match(/.{16}/g) ?? []) sum = xor(sum, block);
      const text = hex(latin1(sum));
      const last = des(two, xor(des(two, text.slice(0, 16)), text.slice(16)));
      expect(fromLatin1(unionPayMac(buffer(two), buffer(data)))).toBe(last.slice(0, 8));
      const hmac = forge.hmac.create();
      hmac.start('sha256', fromLatin1(buffer(any)));
      hmac.update(fromLatin1(buffer(data)));
      expect(toHex(hmacSha256(buffer(any), buffer(data)))).toBe(hmac.digest().toHex().toUpperCase());
    }
  });

  it('PIN blocks of each format', () => {
    for (let i = 0; i < rounds(500); i++) {
      const format = (i % 5) as PinBlockFormat;
      const [pin, pan] = [digits(4 + random.below(9)), digits(13 + random.below(7))];
      const fill = pinBlockFill(format, pin.length, random);
      const tail = format === 1 || format === 3 ? [...fill].map((n) => n.toString(16)).join('') : '';
      const front = `${format}${pin.length.toString(16)}${pin}${tail}`.toUpperCase();
      const padded = front.padEnd(16, format === 4 ? 'A' : 'F');
      const account = `0000${pan.slice(0, -1).slice(-12)}`;
      const clear = format === 4 ? padded + hex(fill) : format % 3 === 0 ? xor(padded, account) : padded;
      const input = { format, pin: Uint8Array.from(pin, Number), pan, fill } as Parameters<
        typeof encipherPinBlock
      >[1];
      expect(toHex(encodePinBlock(input as PinBlockInput))).toBe(clear);
      const key = hex(random.bytes(16));
      const panField = `${pan.length - 12}${pan}`.padEnd(32, '0');
      const aes = (block: string) => hex(plainAes(buffer(key), buffer(block)));
      const enciphered = format === 4 ? aes(xor(aes(clear), panField)) : des(key, clear);
      expect(toHex(encipherPinBlock(buffer(key), input))).toBe(enciphered);
    }
  });

  it('keys and cryptograms of EMV', () => {
    const odd = (key: string) =>
      key.replace(/../g, (byte) => {
        const high = Number.parseInt(byte, 16) >> 1;
        const ones = high.toString(2).replaceAll('0', '').length;
        return ((high << 1) | (1 - (ones % 2))).toString(16).toUpperCase().padStart(2, '0');
      });
    for (let i = 0; i < rounds(300); i++) {
      const [imk, pan, psn] = [hex(random.bytes(16)), digits(8 + random.below(12)), digits(2)];
      const option = random.below(2) === 0 ? 'A' : 'B';
      let y = (pan + psn).padStart(16, '0').slice(-16);
      if (option === 'B' && pan.length > 16) {
        const packed = (pan + psn).length % 2 === 0 ? pan + psn : `0${pan}${psn}`;
        const hash = createHash('sha1').update(buffer(packed)).digest('hex');
        const letters = [...hash].filter((c) => c > '9').map((c) => 'abcdef'.indexOf(c));
        y = [...[...hash].filter((c) => c <= '9'), ...letters].join('').slice(0, 16);
      }
      const master = odd(des(imk, y) + des(imk, xor(y, 'F'.repeat(16))));
      expect(toHex(emv.iccMasterKey(buffer(imk), pan, psn, option))).toBe(master);
      const [atc, un] = [hex(random.bytes(2)), hex(random.bytes(4))];
      const key = buffer(master);
      const csk = (rest: string) => des(master, `${atc}F0${rest}`) + des(master, `${atc}0F${rest}`);
      expect(toHex(emv.sessionKeyAtc(key, buffer(atc)))).toBe(csk('0000000000'));
      expect(toHex(emv.sessionKeyMastercard(key, buffer(atc), buffer(un)))).toBe(csk(`00${un}`));
      const both = `000000000000${atc}000000000000${xor(atc, 'FFFF')}`;
      expect(toHex(emv.sessionKeyPboc(key, buffer(atc)))).toBe(
        des(master, both.slice(0, 16)) + des(master, both.slice(16)),
      );
      expect(toHex(emv.sessionKeyVisaXor(key, buffer(atc)))).toBe(xor(master, both));
      const data = hex(random.bytes(1 + random.below(60)));
      const arqc = hex(plainRetailMac(key, buffer(zeros(`${data}80`, 16))));
      expect(toHex(emv.applicationCryptogram(key, buffer(data), 'iso2'))).toBe(arqc);
      expect(toHex(emv.arpcMethod1(key, buffer(arqc), buffer(atc)))).toBe(
        des(master, xor(arqc, `${atc}000000000000`)),
      );
      const two = zeros(`${arqc}${un}${data.slice(0, 16)}80`, 16);
      expect(toHex(emv.arpcMethod2(key, buffer(arqc), buffer(un), buffer(data.slice(0, 16))))).toBe(
        hex(plainRetailMac(key, buffer(two))).slice(0, 8),
      );
    }
  });

  it('key blocks of each version', () => {
    const cmac = (version: string, key: string, data: string) =>
      hex(
        version === 'B'
          ? plainCmac(tdes, 8, buffer(key), buffer(data))
          : plainCmac(plainAes, 16, buffer(key), buffer(data)),
      );
    const derived = (version: string, kbpk: string, usage: string): string => {
      const bits = (kbpk.length * 4).toString(16).padStart(4, '0');
      const algorithm = version === 'B' ? kbpk.length / 16 - 2 : kbpk.length / 16;
      let key = '';
      for (let n = 1; key.length < kbpk.length; n++) {
        key += cmac(version, kbpk, `0${n}${usage}00000${algorithm}${bits}`);
      }
      return key.slice(0, kbpk.length);
    };
    for (let i = 0; i < rounds(300); i++) {
      const version = 'ABCDE'.charAt(i % 5);
      const kbpk = hex(random.bytes(version > 'C' ? 16 + 8 * random.below(3) : 16 + 8 * random.below(2)));
      const key = hex(random.bytes(16));
      const header = parseKeyBlockHeader(`${version}0000K0TB00E0000`).header;
      const block = wrapKeyBlock(buffer(kbpk), { header, key: buffer(key) }, random);
      const { padding } = unwrapKeyBlock(buffer(kbpk), block);
      const clear = `0080${key}${hex(padding)}`;
      const head = hex(latin1(block.slice(0, 16)));
      let body: string;
      if (version === 'A' || version === 'C') {
        const by = (constant: string) => xor(kbpk, constant.repeat(kbpk.length / 2));
        body = desCbc(by('45'), head.slice(0, 16), clear);
        body += desCbc(by('4D'), '0'.repeat(16), head + body).slice(-16, -8);
      } else {
        const mac = cmac(version, derived(version, kbpk, '0001'), head + clear);
        const encryption = derived(version, kbpk, version === 'E' ? '0002' : '0000');
        const mode = version === 'E' ? 'ctr' : 'cbc';
        body = version === 'B' ? desCbc(encryption, mac, clear) : aesMode(mode, encryption, mac, clear);
        body += mac;
      }
      expect(block).toBe(block.slice(0, 16) + body);
    }
  });
});

function tdes(key: Buffer, data: Buffer, mode: 'ecb' | 'cbc' = 'ecb'): Buffer {
  const iv = mode === 'cbc' ? Buffer.alloc(8) : null;
  const cipher = createCipheriv(`des-ede3-${mode}`, buffer(tripled(hex(key))), iv);
  return cipher.setAutoPadding(false).update(data);
}

function aesMode(mode: string, key: string, iv: string, data: string): string {
  const cipher = createCipheriv(`aes-${key.length * 4}-${mode}`, buffer(key), buffer(iv));
  cipher.setAutoPadding(false);
  return hex(cipher.update(buffer(data)));
}
