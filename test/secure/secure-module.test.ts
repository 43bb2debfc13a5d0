import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { tdesDecrypt } from '../../src/crypto/des.ts';
import {
  initialKey,
  macRequestKey,
  macResponseKey,
  pinKey,
  transactionKey,
} from '../../src/crypto/dukpt-tdes.ts';
import { retailMac } from '../../src/crypto/mac.ts';
import { fromHex, latin1, toHex } from '../../src/platform/bytes.ts';
import { VirtualClock } from '../../src/platform/clock.ts';
import { Pan, Secret } from '../../src/platform/secret.ts';
import { silentTrace } from '../../src/platform/trace.ts';
import type { Keypad, PinKey } from '../../src/ports/index.ts';
import { createSecureModule } from '../../src/secure/secure-module.ts';
import { memoryKeyStore } from '../support/memory-key-store.ts';
import { testSealer } from '../support/sealer.ts';

const BDK = fromHex('0123456789ABCDEFFEDCBA9876543210');
const KSN = fromHex('FFFF9876543210E00000');
const REQUEST = { pan: new Pan('4012345678909'), amountMinor: 1000, currency: '826', exponent: 2 };
const NEVER = new AbortController().signal;

function machine(keys: readonly PinKey[] = []) {
  const clock = new VirtualClock(0);
  const store = memoryKeyStore();
  const pad: Keypad = {
    kind: 'keypad',
    stars() {},
    open(_prompt, sink) {
      for (const key of keys) queueMicrotask(() => sink.press(key));
      return () => {};
    },
  };
  const module = createSecureModule({
    store,
    sealer: testSealer(),
    clock,
    trace: silentTrace,
    pad: () => pad,
  });
  return { module, store, clock };
}

function provisioned(keys: readonly PinKey[] = []) {
  const made = machine(keys);
  made.module.loadInitialKey(new Secret(initialKey(BDK, KSN)), KSN);
  return made;
}

const hostKey = (ksn: Uint8Array) => transactionKey(initialKey(BDK, ksn), ksn);

describe('the secure module', () => {
  it('encrypts the PIN under the key that the message is then protected with', async () => {
    const { module, clock } = provisioned([1, 2, 3, 4, 'enter']);
    expect((await clock.run(module.online(REQUEST, NEVER))).kind).toBe('entered');
    const key = module.takePinKey();
    const ksn = key?.ksn as Uint8Array;
    expect(toHex(ksn)).toBe('FFFF9876543210E00001');
    expect(toHex(key?.pinBlock as Uint8Array)).toBe('1B9C1845EB993A7A');
    expect(toHex(tdesDecrypt(pinKey(hostKey(ksn)), key?.pinBlock as Uint8Array))).toBe('041274EDCBA9876F');
    expect(toHex(key?.mac(latin1('0200')) as Uint8Array)).toBe(
      toHex(retailMac(macRequestKey(hostKey(ksn)), latin1('0200'))),
    );
  });

  it('keeps the PIN for its own request when another message is protected first', async () => {
    const { module, clock } = provisioned([1, 2, 3, 4, 'enter']);
    await clock.run(module.online(REQUEST, NEVER));
    const other = module.takeMessageKey();
    expect([toHex(other?.ksn as Uint8Array), other?.pinBlock]).toEqual(['FFFF9876543210E00002', undefined]);
    const own = module.takePinKey();
    expect(toHex(own?.ksn as Uint8Array)).toBe('FFFF9876543210E00001');
    expect(toHex(own?.pinBlock as Uint8Array)).toBe('1B9C1845EB993A7A');
  });

  it('makes the counter durable before the KSN is known', async () => {
    const { module, store, clock } = provisioned([1, 2, 3, 4, 'enter']);
    await clock.run(module.online(REQUEST, NEVER));
    expect(toHex(store.records.get('dukpt/0/ksn') as Uint8Array)).toBe('FFFF9876543210E00002');
  });

  it('spends no key on a PIN that is cancelled right behind its last digit', async () => {
    const controller = new AbortController();
    const { module, store } = provisioned();
    const pad: Keypad = {
      kind: 'keypad',
      stars() {},
      open(_prompt, sink) {
        queueMicrotask(() => {
          for (const key of [1, 2, 3, 4, 'enter'] as const) sink.press(key);
          controller.abort();
        });
        return () => {};
      },
    };
    const clock = new VirtualClock(0);
    const again = createSecureModule({
      store,
      sealer: testSealer(),
      clock,
      trace: silentTrace,
      pad: () => pad,
    });
    await expect(again.online(REQUEST, controller.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(again.takePinKey()).toBeUndefined();
    expect(toHex(module.nextKsn() as Uint8Array)).toBe('FFFF9876543210E00001');
  });

  it('asks for no PIN that no block can bind to the card number', async () => {
    const { module, store, clock } = provisioned([1, 2, 3, 4, 'enter']);
    const short = { ...REQUEST, pan: new Pan('401234567890') };
    expect(await clock.run(module.online(short, NEVER))).toEqual({ kind: 'unavailable' });
    expect(toHex(store.records.get('dukpt/0/ksn') as Uint8Array)).toBe('FFFF9876543210E00001');
  });

  it('never gives a KSN twice, whether the PIN is used or dropped', async () => {
    const { module, clock } = provisioned([1, 2, 3, 4, 'enter']);
    await clock.run(module.online(REQUEST, NEVER));
    module.dropPin();
    expect(toHex(module.takeMessageKey()?.ksn as Uint8Array)).toBe('FFFF9876543210E00002');
    expect(toHex(module.takeMessageKey()?.ksn as Uint8Array)).toBe('FFFF9876543210E00003');
  });

  it('checks the answer with the response key, also after that key was sealed and opened', () => {
    const { module } = provisioned();
    const key = module.takeMessageKey();
    const ksn = key?.ksn as Uint8Array;
    const mac = retailMac(macResponseKey(hostKey(ksn)), latin1('0210'));
    expect(key?.verify(latin1('0210'), mac)).toBe(true);
    expect(key?.verify(latin1('0211'), mac)).toBe(false);
    const opened = module.openResponseKey(key?.sealResponseKey('row 1') as Uint8Array, 'row 1');
    expect(opened?.verify(latin1('0210'), mac)).toBe(true);
    expect(module.openResponseKey(key?.sealResponseKey('row 1') as Uint8Array, 'row 2')).toBeUndefined();
  });

  it('refuses a released key', () => {
    const { module } = provisioned();
    const key = module.takeMessageKey();
    key?.release();
    expect(() => key?.mac(latin1('0200'))).toThrow(/is gone/);
  });

  it('builds VERIFY itself and wipes it', async () => {
    const { module, clock } = provisioned([1, 2, 3, 4, 5, 'enter']);
    let seen = '';
    let command = new Uint8Array(0);
    const answer = await clock.run(
      module.offlinePlaintext(
        { amountMinor: 1, currency: '826', exponent: 2 },
        async (sent) => {
          command = sent as Uint8Array<ArrayBuffer>;
          seen = toHex(sent);
          return { kind: 'response', response: Uint8Array.of(0x63, 0xc2) };
        },
        NEVER,
      ),
    );
    expect(answer).toEqual({ kind: 'answered', sw: 0x63c2 });
    expect(seen).toBe('00200080082512345FFFFFFFFF');
    expect(toHex(command)).toBe('00'.repeat(13));
  });

  it('has no PIN without keys', async () => {
    const { module, clock } = machine([1, 2, 3, 4, 'enter']);
    expect(module.status()).toBe('unprovisioned');
    expect((await clock.run(module.online(REQUEST, NEVER))).kind).toBe('unavailable');
    expect(module.takeMessageKey()).toBeUndefined();
  });

  it('shows no key and no digit when it is printed', async () => {
    const { module, clock } = provisioned([8, 6, 4, 2, 'enter']);
    await clock.run(module.online(REQUEST, NEVER));
    const text = inspect(module, { depth: 10, showHidden: true }) + JSON.stringify(module);
    expect(text).not.toMatch(/8642|6AC292FA|042666B4/i);
  });
});
