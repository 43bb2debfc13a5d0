import { describe, expect, it } from 'vitest';
import { latin1, toHex } from '../../src/platform/bytes.ts';
import { testSealer } from '../support/sealer.ts';

const sealer = testSealer();

describe('the sealer', () => {
  it('opens what it sealed, in the same context only', () => {
    const sealed = sealer.seal(latin1('4761739001010119'), 'txn/1/1000');
    expect(sealer.open(sealed, 'txn/1/1000')).toEqual(latin1('4761739001010119'));
    expect(sealer.open(sealed, 'txn/1/1001')).toBeUndefined();
    expect(sealer.open(sealed, 'txn/1/100')).toBeUndefined();
  });

  it('refuses each changed byte, and what is cut', () => {
    const sealed = sealer.seal(latin1('card'), 'txn/1/1000');
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.slice();
      changed[at] = (changed[at] as number) ^ 1;
      expect([at, sealer.open(changed, 'txn/1/1000')]).toEqual([at, undefined]);
      expect(sealer.open(sealed.subarray(0, at), 'txn/1/1000')).toBeUndefined();
    }
  });

  it('gives no two contents or contexts one nonce', () => {
    const nonces = new Set<string>();
    for (const context of ['a', 'a/', 'ab', 'b']) {
      for (const content of ['', '/', 'b', 'b/', 'bb']) {
        nonces.add(toHex(sealer.seal(latin1(content), context).subarray(0, 12)));
      }
    }
    expect(nonces.size).toBe(20);
  });
});
