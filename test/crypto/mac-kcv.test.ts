import { describe, expect, it } from 'vitest';
import { combineComponents, kcvZeros, oddParity } from '../../src/crypto/kcv.ts';
import { cbcMac, retailMac, unionPayMac } from '../../src/crypto/mac.ts';
import { toHex } from '../../src/platform/bytes.ts';
import { bytes, type Vector, vectors } from './vectors.ts';

function mac(v: Vector): Uint8Array | undefined {
  const options = v.paddingMethod === undefined ? {} : { padding: v.paddingMethod };
  switch (v.algorithm) {
    case 'ISO9797-1-ALG1':
      return cbcMac(bytes(v.key), bytes(v.dataHex), options);
    case 'ISO9797-1-ALG3':
      return v.paddingMethod === 3 ? undefined : retailMac(bytes(v.key), bytes(v.dataHex), options);
    case 'UNIONPAY-ECB':
      return unionPayMac(bytes(v.key), bytes(v.dataHex));
    default:
      return undefined;
  }
}

describe('message authentication codes', () => {
  const cases = vectors('mac').filter((v) => mac(v) !== undefined);

  it('covers each DES-based algorithm', () => {
    expect(new Set(cases.map((v) => v.algorithm))).toEqual(
      new Set(['ISO9797-1-ALG1', 'ISO9797-1-ALG3', 'UNIONPAY-ECB']),
    );
  });

  it.each(cases.map((v) => [v.name, v] as const))('%s', (_, v) => {
    expect(toHex((mac(v) as Uint8Array).subarray(0, v.macLength))).toBe(v.mac);
  });

  it('takes empty data as one block of zeros', () => {
    const key = bytes('0123456789ABCDEFFEDCBA9876543210');
    expect(toHex(retailMac(key, new Uint8Array(0)))).toBe(toHex(retailMac(key, new Uint8Array(8))));
  });

  it('refuses keys of other lengths', () => {
    expect(() => retailMac(new Uint8Array(8), new Uint8Array(8))).toThrow();
    expect(() => cbcMac(new Uint8Array(9), new Uint8Array(8))).toThrow();
  });
});

describe('key check values and components', () => {
  const tdes = vectors('kcv').filter((v) => v.algorithm === 'TDES');

  it.each(tdes.filter(({ op }) => op === 'kcv').map((v) => [v.name, v] as const))('%s', (_, v) => {
    expect(toHex(kcvZeros(bytes(v.key)))).toBe(v.kcv);
  });

  it.each(vectors('kcv', 'combine-components').map((v) => [v.name, v] as const))('%s', (_, v) => {
    expect(toHex(combineComponents(v.components.map(bytes)))).toBe(v.key);
  });

  it.each(vectors('kcv', 'adjust-parity').map((v) => [v.name, v] as const))('%s', (_, v) => {
    expect(toHex(oddParity(bytes(v.key)))).toBe(v.adjustedKey);
  });

  it('refuses components that do not fit', () => {
    expect(() => combineComponents([])).toThrow();
    expect(() => combineComponents([new Uint8Array(16), new Uint8Array(8)])).toThrow();
  });
});
