import { describe, expect, it } from 'vitest';
import { tdesCbcEncrypt, tdesEncrypt } from '../../src/crypto/des.ts';
import * as dukpt from '../../src/crypto/dukpt-tdes.ts';
import { retailMac } from '../../src/crypto/mac.ts';
import { encodePinBlock, pinFromText } from '../../src/crypto/pin-block.ts';
import { latin1, toHex } from '../../src/platform/bytes.ts';
import { isPossumError } from '../../src/platform/errors.ts';
import { bytes, type Vector, vectors } from './vectors.ts';

const TOPIC = 'dukpt-tdes';

describe('TDES DUKPT', () => {
  it.each(vectors(TOPIC, 'initial-key', 'transaction-keys').map((v) => [v.name, v] as const))(
    'derives %s',
    (_, v) => {
      const initial = dukpt.initialKey(bytes(v.bdk), bytes(v.ksn));
      expect(toHex(initial)).toBe(v.initialKey);
      if (v.op === 'initial-key') return;
      const transaction = dukpt.transactionKey(initial, bytes(v.ksn));
      const keys = dukpt.workingKeys(transaction);
      expect(toHex(transaction)).toBe(v.transactionKey);
      for (const [name, key] of Object.entries(keys)) expect([name, toHex(key)]).toEqual([name, v[name]]);
      checkUse(v, keys);
    },
  );

  it.each(vectors(TOPIC, 'data-encrypt').map((v) => [v.name, v] as const))('enciphers data: %s', (_, v) => {
    const transaction = dukpt.transactionKey(dukpt.initialKey(bytes(v.bdk), bytes(v.ksn)), bytes(v.ksn));
    const key = dukpt.workingKeys(transaction)[v.keyUsed as keyof dukpt.WorkingKeys];
    expect(toHex(key)).toBe(v.key);
    expect(toHex(tdesCbcEncrypt(key, bytes(v.plaintext), bytes(v.iv)))).toBe(v.ciphertext);
  });

  it.each(vectors(TOPIC, 'ksn-advance').map((v) => [v.name, v] as const))('counts on: %s', (_, v) => {
    const next = dukpt.nextKsn(bytes(v.ksn));
    expect(next && toHex(next)).toBe(v.exhausted ? undefined : v.nextKsn);
  });

  it.each(vectors(TOPIC, 'ksn-reject').map((v) => [v.name, v] as const))('refuses %s', (_, v) => {
    expect(() => dukpt.checkKsn(bytes(v.ksn))).toThrow(expect.objectContaining({ code: 'FORMAT' }));
    expect(() => dukpt.transactionKey(new Uint8Array(16), bytes(v.ksn))).toThrow();
  });

  it('reaches the same key through future-key registers', () => {
    const ksn = bytes('FFFF9876543210E00005');
    const initial = dukpt.initialKey(bytes('0123456789ABCDEFFEDCBA9876543210'), ksn);
    const four = dukpt.nonReversibleKey(initial, dukpt.withCounter(ksn, 4).subarray(2));
    const five = dukpt.nonReversibleKey(four, ksn.subarray(2));
    expect(toHex(five)).toBe(toHex(dukpt.transactionKey(initial, ksn)));
  });

  it('keeps counter and device apart', () => {
    const ksn = bytes('FFFF9876543210F00ABC');
    expect(dukpt.counterOf(ksn)).toBe(0x100abc);
    expect(toHex(dukpt.withCounter(ksn, 1))).toBe('FFFF9876543210E00001');
    expect(() => dukpt.withCounter(ksn, 0x200000)).toThrow();
    expect(() => dukpt.counterOf(bytes('FFFF98765432'))).toThrow();
  });

  it('visits each valid counter once and in order', () => {
    let ksn: Uint8Array | undefined = bytes('FFFF9876543210FF0000');
    let last = dukpt.counterOf(ksn);
    while (ksn !== undefined) {
      ksn = dukpt.nextKsn(ksn);
      if (ksn === undefined) break;
      dukpt.checkKsn(ksn);
      expect(dukpt.counterOf(ksn)).toBeGreaterThan(last);
      last = dukpt.counterOf(ksn);
    }
    expect(last).toBe(0x1ff800);
  });

  it('names the fault of a short key', () => {
    try {
      dukpt.initialKey(new Uint8Array(8), bytes('FFFF9876543210E00001'));
      expect.unreachable();
    } catch (error) {
      expect(isPossumError(error, 'KEY')).toBe(true);
    }
  });
});

function checkUse(v: Vector, keys: dukpt.WorkingKeys): void {
  if (v.pin !== undefined) {
    const block = encodePinBlock({ format: 0, pin: pinFromText(v.pin), pan: v.pan });
    expect(toHex(block)).toBe(v.clearPinBlock);
    expect(toHex(tdesEncrypt(keys.pinKey, block))).toBe(v.encryptedPinBlock);
  }
  if (v.dataAscii === undefined) return;
  const data = latin1(v.dataAscii);
  const padded = new Uint8Array(Math.ceil(data.length / 8) * 8);
  padded.set(data);
  const iv = bytes(v.iv ?? '0000000000000000');
  if (v.macRequest) expect(toHex(retailMac(keys.macRequestKey, data))).toBe(v.macRequest);
  if (v.macResponse) expect(toHex(retailMac(keys.macResponseKey, data))).toBe(v.macResponse);
  if (v.dataRequestCiphertext) {
    expect(toHex(tdesCbcEncrypt(keys.dataRequestKey, padded, iv))).toBe(v.dataRequestCiphertext);
  }
  if (v.dataResponseCiphertext) {
    expect(toHex(tdesCbcEncrypt(keys.dataResponseKey, padded, iv))).toBe(v.dataResponseCiphertext);
  }
}
