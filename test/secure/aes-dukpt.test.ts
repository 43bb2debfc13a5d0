import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aesCmac } from '../../src/crypto/cmac.ts';
import {
  aesInitialKey,
  aesTransactionKey,
  aesWithCounter,
  aesWorkingKey,
  nextAesKsn,
} from '../../src/crypto/dukpt-aes.ts';
import { decipherPinBlock } from '../../src/crypto/pin-encipher.ts';
import { fromHex, latin1, toHex } from '../../src/platform/bytes.ts';
import { VirtualClock } from '../../src/platform/clock.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { Pan, Secret } from '../../src/platform/secret.ts';
import { silentTrace } from '../../src/platform/trace.ts';
import type { Keypad, PinKey } from '../../src/ports/index.ts';
import { futureKeys } from '../../src/secure/future-keys.ts';
import { createSecureModule } from '../../src/secure/secure-module.ts';
import { temporaryFolder } from '../support/folder.ts';
import { memoryKeyStore } from '../support/memory-key-store.ts';
import { testSealer } from '../support/sealer.ts';
import { refusalOf } from './refusal.ts';
import { cutAtEachStatement, memoryVault } from './vault.ts';

const BDK = fromHex('FEDCBA9876543210F1F1F1F1F1F1F1F1');
const KSN = fromHex('123456789012345600000000');
const INITIAL_KEY = fromHex('1273671EA26AC29AFA4D1084127652A1');
const NEVER = new AbortController().signal;

function loaded(initialKey: Uint8Array = INITIAL_KEY) {
  const store = memoryKeyStore();
  const keys = futureKeys(store, testSealer());
  keys.load(initialKey, KSN, 'published');
  return { store, keys };
}

/** Moves the registers to a counter that they would reach after billions of transactions. */
function at(counter: number) {
  const { store, keys } = loaded();
  const ksn = aesWithCounter(KSN, counter);
  const register = Math.log2(counter & -counter) + 1;
  const name = `dukpt/0/register/${String(register).padStart(2, '0')}`;
  store.records.set('dukpt/0/ksn', ksn);
  store.records.set(name, testSealer().seal(aesTransactionKey(INITIAL_KEY, ksn), `${name} AES`));
  return { store, keys };
}

interface Vector {
  readonly op: string;
  readonly ksn: string;
  readonly initialKey?: string;
  readonly transactionKey?: string;
}

const VECTORS = (
  JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/dukpt-aes.json'), 'utf8')) as {
    vectors: Vector[];
  }
).vectors.filter(
  ({ initialKey, transactionKey }) => initialKey === toHex(INITIAL_KEY) && transactionKey !== undefined,
);

describe('the future-key registers of AES DUKPT', () => {
  it('are 32, and give the published keys of X9.24-3 in their order', () => {
    const { store, keys } = loaded();
    expect(store.list('dukpt/0/register/')).toHaveLength(32);
    const given = new Map<string, string>();
    for (let i = 0; i < 20; i++) {
      const taken = keys.take();
      given.set(toHex(taken?.ksn as Uint8Array), toHex(taken?.key.reveal() as Uint8Array));
    }
    const reached = VECTORS.filter(({ ksn }) => given.has(ksn));
    expect(new Set(reached.map(({ ksn }) => ksn)).size).toBe(8);
    for (const { ksn, transactionKey } of reached) expect(given.get(ksn)).toBe(transactionKey);
  });

  it.each([16, 24, 32])('agree with derivation from an initial key of %i bytes', (length) => {
    const initial = aesInitialKey(seededRandom(length).bytes(length), KSN.subarray(0, 8));
    const { keys } = loaded(initial);
    let expected: Uint8Array | undefined = aesWithCounter(KSN, 1);
    for (let i = 0; i < 1200; i++) {
      const taken = keys.take();
      expect(toHex(taken?.ksn as Uint8Array)).toBe(toHex(expected as Uint8Array));
      if (i % 31 === 0) {
        const derived = aesTransactionKey(initial, expected as Uint8Array);
        expect(toHex(taken?.key.reveal() as Uint8Array)).toBe(toHex(derived));
      }
      expected = nextAesKsn(expected as Uint8Array);
    }
    expect(keys.wrongRegisters()).toEqual([]);
  });

  it('go on behind a counter of sixteen one bits as the standard’s example does', () => {
    // 1FFFE has sixteen one bits, 1FFFF would have seventeen.
    const { keys } = at(0x1fffe);
    const ksns = Array.from({ length: 3 }, () => keys.take()).map((taken) => toHex(taken?.ksn as Uint8Array));
    expect(ksns).toEqual([
      '12345678901234560001FFFE',
      '123456789012345600020000',
      '123456789012345600020001',
    ]);
  });

  it('stop at the last counter', () => {
    const { keys } = at(0xffff0000);
    const last = keys.take();
    expect(toHex(last?.ksn as Uint8Array)).toBe('1234567890123456FFFF0000');
    expect(toHex(last?.key.reveal() as Uint8Array)).toBe(
      toHex(aesTransactionKey(INITIAL_KEY, aesWithCounter(KSN, 0xffff0000))),
    );
    expect(keys.take()).toBeUndefined();
    expect(keys.peek()).toBeUndefined();
  });

  it('erase the used register, and hold no key in the clear', () => {
    const { store, keys } = loaded();
    const taken = keys.take();
    expect(store.records.has('dukpt/0/register/01')).toBe(false);
    const rest = [...store.records.values()].map(toHex).join(' ');
    expect(rest).not.toContain(toHex(taken?.key.reveal() as Uint8Array));
    expect(rest).not.toContain(toHex(INITIAL_KEY));
  });

  it('pass over a register that was altered', () => {
    const { store, keys } = loaded();
    store.records.delete('dukpt/0/register/02');
    const ksns = Array.from({ length: 3 }, () => toHex(keys.take()?.ksn as Uint8Array).slice(-2));
    expect(ksns).toEqual(['01', '04', '05']);
  });

  it('never open as registers of TDES DUKPT', () => {
    const { store, keys } = loaded();
    store.records.set('dukpt/0/ksn', fromHex('FFFF9876543210E00001'));
    expect(keys.take()).toBeUndefined();
    expect(keys.passedOver()).toBe(3);
  });

  it('take a key in one step: wherever the power fails, no KSN comes twice and no register is lost', async () => {
    const seen = new Set<string>();
    let told = '';
    await cutAtEachStatement(
      temporaryFolder,
      ({ secure }) => {
        told = '';
        secure.loadInitialKey(new Secret(INITIAL_KEY.slice()), KSN);
        for (let i = 0; i < 7; i++) secure.takeMessageKey()?.release();
      },
      ({ secure }) => {
        told = toHex(secure.takeMessageKey()?.ksn as Uint8Array);
      },
      ({ secure, store }, finished) => {
        const next = toHex(secure.nextKsn() as Uint8Array);
        expect(next > told).toBe(true);
        const key = secure.takeMessageKey();
        const derived = aesTransactionKey(INITIAL_KEY, key?.ksn as Uint8Array);
        const working = aesWorkingKey(derived, key?.ksn as Uint8Array, 'MAC_GENERATION', 'AES-128');
        expect(toHex(key?.mac(latin1('x')) as Uint8Array)).toBe(
          toHex(aesCmac(working, latin1('x')).subarray(0, 8)),
        );
        expect(
          futureKeys(store, { ...testSealer(), open: () => new Uint8Array(16) }).wrongRegisters(),
        ).toEqual([]);
        seen.add(`${finished} ${told} ${next}`);
      },
    );
    expect([...seen].sort()).toEqual([
      'false  123456789012345600000008',
      'true 123456789012345600000008 123456789012345600000009',
    ]);
  });
});

describe('a message under AES DUKPT', () => {
  const PAN = '4111111111111111';

  function machine(keys: readonly PinKey[]) {
    const clock = new VirtualClock(0);
    const pad: Keypad = {
      kind: 'keypad',
      stars() {},
      open(_prompt, sink) {
        for (const key of keys) queueMicrotask(() => sink.press(key));
        return () => {};
      },
    };
    const store = memoryKeyStore();
    const parts = { store, sealer: testSealer(), clock, trace: silentTrace, random: seededRandom(5) };
    const secure = createSecureModule({ ...parts, pad: () => pad });
    secure.loadInitialKey(new Secret(aesInitialKey(BDK, KSN.subarray(0, 8))), KSN);
    return { secure, clock };
  }

  it('has a PIN block of format 4 and CMACs of 8 bytes, which the host’s keys open', async () => {
    const { secure, clock } = machine([1, 2, 3, 4, 'enter']);
    const request = { pan: new Pan(PAN), amountMinor: 1, currency: '840', exponent: 2 };
    expect((await clock.run(secure.online(request, NEVER))).kind).toBe('entered');
    const key = secure.takePinKey();
    const ksn = key?.ksn as Uint8Array;
    const derived = aesTransactionKey(INITIAL_KEY, ksn);
    const pinKey = aesWorkingKey(derived, ksn, 'PIN_ENCRYPTION', 'AES-128');
    expect(toHex(pinKey)).toBe('AF8CB133A78F8DC2D1359F18527593FB');
    const block = key?.pinBlock as Uint8Array;
    expect(decipherPinBlock(pinKey, { format: 4, block, pan: PAN })).toEqual({
      kind: 'pin',
      pin: Uint8Array.of(1, 2, 3, 4),
    });
    const answerKey = aesWorkingKey(derived, ksn, 'MAC_VERIFICATION', 'AES-128');
    const answer = aesCmac(answerKey, latin1('0210')).subarray(0, 8);
    expect([key?.verify(latin1('0210'), answer), key?.verify(latin1('0211'), answer)]).toEqual([true, false]);
    const sealed = key?.sealResponseKey('row 1') as Uint8Array;
    expect(secure.openResponseKey(sealed, 'row 1')?.verify(latin1('0210'), answer)).toBe(true);
    expect(secure.openResponseKey(sealed, 'row 2')).toBeUndefined();
    key?.release();
    expect(() => key?.mac(latin1('0200'))).toThrow(/is gone/);
  });
});

describe('an initial key', () => {
  it.each([
    [16, 12, 'AES'],
    [16, 10, 'TDES'],
  ])('of %i bytes with a KSN of %i is one of %s', (bytes, ksnBytes, scheme) => {
    const { secure } = memoryVault();
    const key = new Secret(new Uint8Array(bytes).fill(0x3c));
    expect(secure.loadInitialKey(key, new Uint8Array(ksnBytes), 'marked')).toMatchObject({
      scheme,
      origin: 'marked-by-flag',
    });
    expect(secure.initialKey()?.scheme).toBe(scheme);
  });

  it.each([
    [24, 10],
    [8, 10],
    [16, 11],
    [15, 12],
    [0, 0],
  ])('of %i bytes with a KSN of %i is refused', (bytes, ksnBytes) => {
    const { secure, store } = memoryVault();
    const key = new Secret(new Uint8Array(bytes));
    expect(refusalOf(() => secure.loadInitialKey(key, new Uint8Array(ksnBytes), 'marked')).code).toBe('KEY');
    expect(store.records.size).toBe(0);
  });

  it('that follows from a published BDK is published, any other in the clear is refused', () => {
    const published = memoryVault().secure;
    expect(published.loadInitialKey(new Secret(INITIAL_KEY.slice()), KSN).origin).toBe('published');
    const { secure, store } = memoryVault();
    const other = new Secret(seededRandom(9).bytes(16));
    expect(refusalOf(() => secure.loadInitialKey(other, KSN)).message).toBe(
      'the initial key is not known as a test key',
    );
    expect(store.records.size).toBe(0);
  });
});
