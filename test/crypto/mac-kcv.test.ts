import { describe, expect, it } from 'vitest';
import { aesCmac, tdesCmac } from '../../src/crypto/cmac.ts';
import { combineComponents, hasOddParity, kcvZeros, keyCheckValue, oddParity } from '../../src/crypto/kcv.ts';
import { cbcMac, hmacSha256, type MacPadding, retailMac, unionPayMac } from '../../src/crypto/mac.ts';
import { toHex } from '../../src/platform/bytes.ts';
import { bytes, type Vector, vectors } from './vectors.ts';

function mac(v: Vector): Uint8Array {
  const options = v.paddingMethod === undefined ? {} : { padding: v.paddingMethod };
  const [key, data] = [bytes(v.key), bytes(v.dataHex)];
  switch (v.algorithm) {
    case 'ISO9797-1-ALG1':
      return cbcMac(key, data, options);
    case 'ISO9797-1-ALG3':
      return retailMac(key, data, options);
    case 'UNIONPAY-ECB':
      return unionPayMac(key, data);
    case 'CMAC-AES':
      return aesCmac(key, data);
    case 'CMAC-TDES':
      return tdesCmac(key, data);
    case 'HMAC-SHA-256':
      return hmacSha256(key, data);
    default:
      throw new Error(`no algorithm ${v.algorithm}`);
  }
}

describe('message authentication codes', () => {
  it.each(vectors('mac').map((v) => [v.name, v] as const))('%s', (_, v) => {
    expect(toHex(mac(v).subarray(0, v.macLength))).toBe(v.mac);
  });

  it('takes empty data as one block of zeros', () => {
    const key = bytes('0123456789ABCDEFFEDCBA9876543210');
    expect(toHex(retailMac(key, new Uint8Array(0)))).toBe(toHex(retailMac(key, new Uint8Array(8))));
  });

  it('refuses keys of other lengths', () => {
    expect(() => retailMac(new Uint8Array(8), new Uint8Array(8))).toThrow();
    expect(() => cbcMac(new Uint8Array(9), new Uint8Array(8))).toThrow();
    const padding = 4 as MacPadding;
    expect(() => cbcMac(new Uint8Array(8), new Uint8Array(8), { padding })).toThrow(
      expect.objectContaining({ code: 'FORMAT' }),
    );
  });
});

describe('key check values and components', () => {
  it.each(vectors('kcv', 'kcv').map((v) => [v.name, v] as const))('%s', (_, v) => {
    const value = toHex(keyCheckValue(v.algorithm, v.method, bytes(v.key)));
    expect(value).toBe(v.fullValue);
    expect(value.slice(0, v.kcv.length)).toBe(v.kcv);
    if (v.algorithm === 'TDES') expect(toHex(kcvZeros(bytes(v.key)))).toBe(v.kcv);
  });

  it.each(vectors('kcv', 'combine-components').map((v) => [v.name, v] as const))('%s', (_, v) => {
    const key = combineComponents(v.components.map(bytes));
    expect(toHex(key)).toBe(v.key);
    const method = v.algorithm === 'AES' ? 'CMAC-ZEROS' : 'ENCRYPT-ZEROS';
    const value = (of: Uint8Array) => toHex(keyCheckValue(v.algorithm, method, of)).slice(0, v.kcv.length);
    expect(value(key)).toBe(v.kcv);
    for (const [i, kcv] of (v.componentKcvs ?? []).entries()) expect(value(bytes(v.components[i]))).toBe(kcv);
  });

  it.each(vectors('kcv', 'adjust-parity').map((v) => [v.name, v] as const))('%s', (_, v) => {
    expect(toHex(oddParity(bytes(v.key)))).toBe(v.adjustedKey);
    expect([hasOddParity(bytes(v.key)), hasOddParity(bytes(v.adjustedKey))]).toEqual([false, true]);
  });

  it('refuses components that do not fit', () => {
    expect(() => combineComponents([])).toThrow();
    expect(() => combineComponents([new Uint8Array(16), new Uint8Array(8)])).toThrow();
  });
});
