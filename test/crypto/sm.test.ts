import { describe, expect, it } from 'vitest';
import { hasSm, sm3, sm4Decrypt, sm4Encrypt } from '../../src/crypto/sm.ts';
import { latin1, toHex } from '../../src/platform/bytes.ts';
import { bytes } from './vectors.ts';

describe('SM3 and SM4', () => {
  const key = bytes('0123456789ABCDEFFEDCBA9876543210');

  it('give the examples of their standards, or say that the platform has none', () => {
    if (!hasSm()) {
      const missing = expect.objectContaining({ code: 'UNAVAILABLE' });
      expect(() => sm3(key)).toThrow(missing);
      expect(() => sm4Encrypt(key, key)).toThrow(missing);
      return;
    }
    expect(toHex(sm3(latin1('abc')))).toBe(
      '66C7F0F462EEEDD9D1F2D46BDC10E4E24167C4875CF2F7A2297DA02B8F4BA8E0',
    );
    expect(toHex(sm4Encrypt(key, key))).toBe('681EDF34D206965E86B3E94F536E4246');
    const data = new Uint8Array(48).map((_, i) => i);
    for (const iv of [undefined, key]) expect(sm4Decrypt(key, sm4Encrypt(key, data, iv), iv)).toEqual(data);
    expect(sm4Encrypt(key, data, key)).not.toEqual(sm4Encrypt(key, data));
  });

  it('refuse wrong lengths', () => {
    const block = new Uint8Array(16);
    expect(() => sm4Encrypt(new Uint8Array(8), block)).toThrow(expect.objectContaining({ code: 'KEY' }));
    const refused = expect.objectContaining({ code: 'FORMAT' });
    expect(() => sm4Encrypt(block, new Uint8Array(15))).toThrow(refused);
    expect(() => sm4Decrypt(block, block, new Uint8Array(8))).toThrow(refused);
  });
});
