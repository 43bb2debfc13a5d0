import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nextKsn, transactionKey, withCounter } from '../../src/crypto/dukpt-tdes.ts';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { futureKeys } from '../../src/secure/future-keys.ts';
import { memoryKeyStore } from '../support/memory-key-store.ts';
import { testSealer } from '../support/sealer.ts';

const INITIAL_KEY = fromHex('6AC292FAA1315B4D858AB3A3D7D5933A');
const KSN = fromHex('FFFF9876543210E00000');

function loaded() {
  const store = memoryKeyStore();
  const keys = futureKeys(store, testSealer());
  keys.load(INITIAL_KEY, KSN, 'published');
  return { store, keys };
}

interface Vector {
  readonly op: string;
  readonly bdk?: string;
  readonly ksn: string;
  readonly transactionKey?: string;
  readonly initialKey?: string;
}

const vectors = (
  JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/dukpt-tdes.json'), 'utf8')) as {
    vectors: Vector[];
  }
).vectors.filter((vector) => vector.op === 'transaction-keys' && vector.initialKey === toHex(INITIAL_KEY));

describe('the future-key registers', () => {
  it('give the published keys of X9.24-1 in their order', () => {
    const { keys } = loaded();
    const given = new Map<string, string>();
    for (let i = 0; i < 300; i++) {
      const taken = keys.take();
      if (taken !== undefined) given.set(toHex(taken.ksn), toHex(taken.key.reveal()));
    }
    const reached = vectors.filter((vector) => given.has(vector.ksn));
    expect(reached.length).toBeGreaterThan(5);
    for (const vector of reached) expect(given.get(vector.ksn)).toBe(vector.transactionKey);
  });

  it('agree with derivation from the initial key, over skipped counters too', () => {
    const { keys } = loaded();
    let expected: Uint8Array | undefined = withCounter(KSN, 1);
    for (let i = 0; i < 5000; i++) {
      const taken = keys.take();
      expect(toHex(taken?.ksn as Uint8Array)).toBe(toHex(expected as Uint8Array));
      if (i % 97 === 0) {
        expect(toHex(taken?.key.reveal() as Uint8Array)).toBe(
          toHex(transactionKey(INITIAL_KEY, expected as Uint8Array)),
        );
      }
      expected = nextKsn(expected as Uint8Array);
    }
  });

  it('erase the used register and never hold a key in the clear', () => {
    const { store, keys } = loaded();
    expect(store.list('dukpt/0/register/')).toHaveLength(21);
    const taken = keys.take();
    expect(store.records.has('dukpt/0/register/01')).toBe(false);
    const rest = [...store.records.values()].map(toHex).join(' ');
    expect(rest).not.toContain(toHex(taken?.key.reveal() as Uint8Array));
    expect(rest).not.toContain(toHex(INITIAL_KEY));
  });

  it('stop at the last counter', () => {
    const store = memoryKeyStore();
    const keys = futureKeys(store, testSealer());
    keys.load(INITIAL_KEY, KSN, 'published');
    // The last valid counter has its ten one bits on the left: its register is the eleventh lowest.
    const last = withCounter(KSN, 0x1ff800);
    store.records.set('dukpt/0/ksn', last);
    store.records.set(
      'dukpt/0/register/12',
      testSealer().seal(transactionKey(INITIAL_KEY, last), 'dukpt/0/register/12'),
    );
    expect(toHex(keys.take()?.ksn as Uint8Array)).toBe(toHex(last));
    expect(keys.take()).toBeUndefined();
    expect(keys.peek()).toBeUndefined();
  });

  it('pass over a register that was altered, and never come back to its counters', () => {
    const { store, keys } = loaded();
    const name = 'dukpt/0/register/03';
    const record = store.records.get(name) as Uint8Array;
    record[20] = (record[20] as number) ^ 1;
    const given = Array.from({ length: 5 }, () => toHex(keys.take()?.ksn as Uint8Array).slice(-2));
    // Register 3 holds counter 4, from which 5, 6 and 7 follow.
    expect(given).toEqual(['01', '02', '03', '08', '09']);
    expect(keys.passedOver()).toBe(1);
  });

  it('give right keys after one was passed over', () => {
    const { store, keys } = loaded();
    store.records.delete('dukpt/0/register/02');
    for (let i = 0; i < 200; i++) {
      const taken = keys.take();
      expect(toHex(taken?.key.reveal() as Uint8Array)).toBe(
        toHex(transactionKey(INITIAL_KEY, taken?.ksn as Uint8Array)),
      );
    }
    expect(keys.wrongRegisters()).toEqual([]);
  });

  it('give no key once more are wrong than fail by age', () => {
    const { store, keys } = loaded();
    for (const register of ['01', '02', '03']) store.records.delete(`dukpt/0/register/${register}`);
    expect(keys.wrongRegisters()).toEqual([1, 2, 3]);
    expect(keys.take()).toBeUndefined();
    expect(keys.passedOver()).toBe(3);
  });

  it('know which registers have to hold a key', () => {
    const { store, keys } = loaded();
    for (let i = 0; i < 300; i++) {
      expect(keys.wrongRegisters()).toEqual([]);
      keys.take();
    }
    const name = 'dukpt/0/register/15';
    const record = store.records.get(name) as Uint8Array;
    record[0] = (record[0] as number) ^ 1;
    expect(keys.wrongRegisters()).toEqual([15]);
  });

  it('do not start again when the counter is lost', () => {
    const { store, keys } = loaded();
    for (let i = 0; i < 3; i++) keys.take();
    store.records.delete('dukpt/0/ksn');
    const again = futureKeys(store, testSealer());
    expect([again.isLoaded(), again.take()]).toEqual([false, undefined]);
    expect(() => again.load(INITIAL_KEY, KSN, 'published')).toThrow(/loaded into this terminal before/);
  });

  it('refuse to be filled a second time for one device', () => {
    const { keys } = loaded();
    keys.take();
    expect(() => keys.load(INITIAL_KEY, withCounter(KSN, 77), 'published')).toThrow(
      /loaded into this terminal before/,
    );
    expect(toHex(keys.peek() as Uint8Array)).toBe('FFFF9876543210E00002');
  });
});
