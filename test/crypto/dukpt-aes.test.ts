import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { aesCbcEncrypt } from '../../src/crypto/aes.ts';
import { aesCmac } from '../../src/crypto/cmac.ts';
import * as dukpt from '../../src/crypto/dukpt-aes.ts';
import { hmacSha256 } from '../../src/crypto/mac.ts';
import { concat, latin1, toHex, uintToBytes } from '../../src/platform/bytes.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { bytes, rounds, type Vector, vectors } from './vectors.ts';

const TOPIC = 'dukpt-aes';
const cases = (...ops: string[]) => vectors(TOPIC, ...ops).map((v) => [v.name, v] as const);

function transactionKey(v: Vector): Uint8Array {
  const ksn = bytes(v.ksn);
  return dukpt.aesTransactionKey(dukpt.aesInitialKey(bytes(v.bdk), ksn.subarray(0, 8)), ksn);
}

/** `Derive_Key` of the standard with the platform's cipher. */
function plainKey(key: Uint8Array, usage: string, type: string, bits: number, tail: Uint8Array): Uint8Array {
  const out: Uint8Array[] = [];
  for (let counter = 1; 128 * (counter - 1) < bits; counter++) {
    const head = bytes(`01${toHex(uintToBytes(counter, 1))}${usage}${type}`);
    const data = concat(head, uintToBytes(bits, 2), tail);
    const cipher = createCipheriv(`aes-${8 * key.length}-ecb`, key, null).setAutoPadding(false);
    out.push(cipher.update(data));
  }
  return concat(...out).subarray(0, bits / 8);
}

describe('AES DUKPT', () => {
  it.each(cases('initial-key'))('derives %s', (_, v) => {
    expect(toHex(dukpt.aesInitialKeyData(bytes(v.bdk), bytes(v.initialKeyId)))).toBe(v.derivationData);
    expect(toHex(dukpt.aesInitialKey(bytes(v.bdk), bytes(v.initialKeyId)))).toBe(v.initialKey);
  });

  it.each(cases('transaction-key'))('derives %s', (_, v) => {
    expect(toHex(transactionKey(v))).toBe(v.transactionKey);
  });

  it.each(cases('working-key'))('derives %s', (_, v) => {
    const transaction = transactionKey(v);
    expect(toHex(transaction)).toBe(v.transactionKey);
    const data = dukpt.aesWorkingKeyData(v.keyUsage, v.workingKeyType, bytes(v.ksn));
    expect(toHex(data)).toBe(v.derivationData);
    const key = dukpt.aesWorkingKey(transaction, bytes(v.ksn), v.keyUsage, v.workingKeyType);
    expect(toHex(key)).toBe(v.workingKey);
  });

  it.each(cases('update-key'))('derives %s', (_, v) => {
    const transaction = transactionKey(v);
    expect(toHex(transaction)).toBe(v.transactionKey);
    expect(toHex(dukpt.aesUpdateKey(transaction, bytes(v.ksn), v.workingKeyType))).toBe(v.updateKey);
  });

  it.each(cases('mac-and-data'))('%s', (_, v) => {
    const transaction = transactionKey(v);
    const key = (usage: dukpt.AesDukptUsage, type = v.workingKeyType) =>
      dukpt.aesWorkingKey(transaction, bytes(v.ksn), usage, type);
    const data = latin1(v.dataAscii);
    const padded = new Uint8Array(Math.ceil(data.length / 16) * 16);
    padded.set(data);
    expect(toHex(aesCmac(key('MAC_GENERATION'), data))).toBe(v.cmacRequest);
    expect(toHex(aesCmac(key('MAC_VERIFICATION'), data))).toBe(v.cmacResponse);
    expect(toHex(hmacSha256(key('MAC_GENERATION', v.hmacKeyType), data))).toBe(v.hmacRequest);
    expect(toHex(hmacSha256(key('MAC_VERIFICATION', v.hmacKeyType), data))).toBe(v.hmacResponse);
    expect(toHex(aesCbcEncrypt(key('DATA_ENCRYPT'), padded, bytes(v.iv)))).toBe(v.dataRequestCiphertext);
    expect(toHex(aesCbcEncrypt(key('DATA_DECRYPT'), padded, bytes(v.iv)))).toBe(v.dataResponseCiphertext);
  });

  it.each(cases('ksn-advance'))('counts on: %s', (_, v) => {
    const next = dukpt.nextAesKsn(bytes(v.ksn));
    expect(next && toHex(next)).toBe(v.exhausted ? undefined : v.nextKsn);
  });

  it.each(cases('ksn-reject'))('refuses %s', (_, v) => {
    const refused = expect.objectContaining({ code: 'FORMAT' });
    const key = new Uint8Array(16);
    expect(() => dukpt.checkAesKsn(bytes(v.ksn))).toThrow(refused);
    expect(() => dukpt.aesTransactionKey(key, bytes(v.ksn))).toThrow(refused);
    expect(() => dukpt.aesWorkingKey(key, bytes(v.ksn), 'MAC_BOTH', 'AES-128')).toThrow(refused);
  });

  it.each(cases('strength-reject'))('refuses a %s', (_, v) => {
    const transaction = transactionKey(v);
    expect(() => dukpt.aesWorkingKey(transaction, bytes(v.ksn), v.keyUsage, v.workingKeyType)).toThrow(
      expect.objectContaining({ code: 'KEY' }),
    );
  });

  it('never makes a key stronger than the one it comes from', () => {
    const ksn = bytes('123456789012345600000001');
    const made = [16, 24, 32].map((length) =>
      dukpt.AES_DUKPT_KEY_TYPES.filter((type) => {
        try {
          return dukpt.aesWorkingKey(new Uint8Array(length), ksn, 'MAC_GENERATION', type).length > 0;
        } catch {
          return false;
        }
      }),
    );
    const weak = ['2TDEA', '3TDEA', 'AES-128', 'HMAC-128'];
    expect(made.map((types) => [...types].sort())).toEqual([
      [...weak].sort(),
      [...weak, 'AES-192', 'HMAC-192'].sort(),
      [...dukpt.AES_DUKPT_KEY_TYPES].sort(),
    ]);
  });

  it('refuses what is no key, KSN, usage or type', () => {
    const key = new Uint8Array(16);
    const ksn = bytes('123456789012345600000001');
    expect(() => dukpt.aesInitialKey(new Uint8Array(15), ksn.subarray(0, 8))).toThrow(/16, 24 or 32/);
    expect(() => dukpt.aesInitialKey(key, ksn)).toThrow(/8 bytes/);
    expect(() => dukpt.aesTransactionKey(key, ksn.subarray(1))).toThrow(/12 bytes/);
    expect(() => dukpt.aesTransactionKey(new Uint8Array(8), ksn)).toThrow(/16, 24 or 32/);
    expect(() => dukpt.aesUpdateKey(key, ksn, 'AES-128')).toThrow(/FFFFFFFF/);
    const strange = (usage: string, type: string) => () =>
      dukpt.aesWorkingKey(key, ksn, usage as dukpt.AesDukptUsage, type as dukpt.AesDukptKeyType);
    expect(strange('toString', 'AES-128')).toThrow(expect.objectContaining({ code: 'FORMAT' }));
    expect(() => dukpt.aesWorkingKeyData('MAC_BOTH', 'DES' as dukpt.AesDukptKeyType, ksn)).toThrow(
      /no working key/,
    );
    expect(strange('MAC_BOTH', 'DES')).toThrow(expect.objectContaining({ code: 'FORMAT' }));
    expect(() => dukpt.aesWithCounter(ksn, 0x100000000)).toThrow(/32 bits/);
  });

  it('reaches a key through the keys of shorter counters', () => {
    const ksn = bytes('123456789012345680010005');
    const initial = bytes('1273671EA26AC29AFA4D1084127652A1');
    const path = [0x80000000, 0x80010000, 0x80010004, 0x80010005];
    const last = path.reduce(
      (key, counter) => dukpt.aesNextKey(key, dukpt.aesWithCounter(ksn, counter)),
      initial,
    );
    expect(toHex(last)).toBe(toHex(dukpt.aesTransactionKey(initial, ksn)));
  });

  it('counts over numbers with the allowed bits only', () => {
    let ksn: Uint8Array | undefined = bytes('1234567890123456FFFC0000');
    let last = dukpt.aesCounterOf(ksn);
    while (ksn !== undefined) {
      dukpt.checkAesKsn(ksn);
      last = dukpt.aesCounterOf(ksn);
      ksn = dukpt.nextAesKsn(ksn);
      if (ksn !== undefined) expect(dukpt.aesCounterOf(ksn)).toBeGreaterThan(last);
    }
    expect(last).toBe(0xffff0000);
  });

  it('agrees with the standard on the platform cipher', () => {
    const random = seededRandom('dukpt-aes');
    const types = { 16: '0002', 24: '0003', 32: '0004' } as const;
    for (let i = 0; i < rounds(150); i++) {
      const length = ([16, 24, 32] as const)[i % 3] as 16 | 24 | 32;
      const bdk = random.bytes(length);
      const id = random.bytes(8);
      const counter = [...Array(1 + random.below(16))].reduce(
        (c: number) => (c | (1 << random.below(32))) >>> 0,
        0,
      );
      const ksn = concat(id, uintToBytes(counter, 4));
      let key = plainKey(bdk, '8001', types[length], 8 * length, id);
      expect(toHex(dukpt.aesInitialKey(bdk, id))).toBe(toHex(key));
      const initial = key;
      let register = 0;
      for (let bit = 31; bit >= 0; bit--) {
        if (((counter >>> bit) & 1) === 0) continue;
        register += 2 ** bit;
        key = plainKey(
          key,
          '8000',
          types[length],
          8 * length,
          concat(id.subarray(4), uintToBytes(register, 4)),
        );
      }
      expect(toHex(dukpt.aesTransactionKey(initial, ksn))).toBe(toHex(key));
      const working = plainKey(key, '1000', types[length], 8 * length, ksn.subarray(4));
      const type = `AES-${8 * length}` as dukpt.AesDukptKeyType;
      expect(toHex(dukpt.aesWorkingKey(key, ksn, 'PIN_ENCRYPTION', type))).toBe(toHex(working));
    }
  });
});
