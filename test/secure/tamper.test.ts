import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openJournal } from '../../src/journal/journal.ts';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { VirtualClock } from '../../src/platform/clock.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { Pan, Secret } from '../../src/platform/secret.ts';
import { silentTrace, type TraceBody } from '../../src/platform/trace.ts';
import type { Keypad, PinKeySink } from '../../src/ports/index.ts';
import { createSecureModule } from '../../src/secure/secure-module.ts';
import { tamperSwitch } from '../../src/secure/tamper-switch.ts';
import { temporaryFolder } from '../support/folder.ts';
import { memoryKeyStore } from '../support/memory-key-store.ts';
import { testSealer } from '../support/sealer.ts';
import { blockOf } from './blocks.ts';
import { refusalOf } from './refusal.ts';
import { diskVault } from './vault.ts';

const KSN = fromHex('FFFF9876543210E00000');
const INITIAL_KEY = fromHex('6AC292FAA1315B4D858AB3A3D7D5933A');
const REQUEST = { pan: new Pan('4012345678909'), amountMinor: 100, currency: '840', exponent: 2 };
const NEVER = new AbortController().signal;

/** A module whose PIN pad is in the test's hands. */
function machine() {
  const clock = new VirtualClock(0);
  const store = memoryKeyStore();
  const events: TraceBody[] = [];
  let sink: PinKeySink | undefined;
  let stars = 0;
  const pad: Keypad = {
    kind: 'keypad',
    stars: (count) => {
      stars = count;
    },
    open(_prompt, given) {
      sink = given;
      return () => {
        sink = undefined;
      };
    },
  };
  const secure = createSecureModule({
    store,
    sealer: testSealer(),
    clock,
    trace: { ...silentTrace, wants: () => true, emit: (event) => void events.push(event) },
    pad: () => pad,
    random: seededRandom(3),
  });
  secure.loadInitialKey(new Secret(INITIAL_KEY.slice()), KSN);
  secure.keys.loadBlock({ block: blockOf() });
  return {
    secure,
    store,
    clock,
    events,
    pad: { press: (key: 1 | 'enter') => sink?.press(key), stars: () => stars },
  };
}

/** A terminal's folder with keys in every place. */
async function provisioned(): Promise<string> {
  const folder = temporaryFolder();
  const vault = await diskVault(folder, 0, true);
  vault.secure.loadInitialKey(new Secret(INITIAL_KEY.slice()), KSN);
  vault.secure.keys.loadBlock({ block: blockOf() });
  vault.close();
  return folder;
}

describe('a module that was tampered with', () => {
  it('has no key left in slots and registers, and refuses everything', async () => {
    const { secure, store, clock } = machine();
    const key = secure.takeMessageKey();
    const sealed = key?.sealResponseKey('row 1') as Uint8Array;
    secure.tamper('the case was opened');
    expect(secure.status()).toBe('tampered');
    expect(secure.tampering()).toEqual({ reason: 'the case was opened', atMs: 0 });
    expect([...store.records.keys()].filter((name) => /^(slot|dukpt)\//.test(name))).toEqual([]);
    expect(secure.takeMessageKey()).toBeUndefined();
    expect(secure.takePinKey()).toBeUndefined();
    expect(secure.nextKsn()).toBeUndefined();
    expect(secure.initialKey()).toBeUndefined();
    expect(secure.openResponseKey(sealed, 'row 1')).toBeUndefined();
    expect(await clock.run(secure.online(REQUEST, NEVER))).toEqual({ kind: 'unavailable' });
    const offline = secure.offlinePlaintext(REQUEST, () => expect.fail('it was sent'), NEVER);
    expect(await clock.run(offline)).toEqual({ kind: 'unavailable' });
    for (const refused of [
      () => secure.loadInitialKey(new Secret(INITIAL_KEY.slice()), KSN),
      () => secure.keys.list(),
      () => secure.keys.loadBlock({ block: blockOf() }),
      () => secure.keys.makeMac('pin-key', KSN),
      () => secure.keys.replaceWorkingKeys('master-key', []),
      () => secure.keys.dropWorkingKeys(),
    ]) {
      expect(refusalOf(refused)).toMatchObject({
        code: 'STATE',
        message: expect.stringMatching(/the case was opened/),
      });
    }
  });

  it('has destroyed the keys of messages that are still awaited: nothing more is sent under them', () => {
    const { secure } = machine();
    const key = secure.takeMessageKey();
    expect(key?.mac(KSN)).toHaveLength(8);
    secure.tamper('drill');
    for (const use of [
      () => key?.mac(KSN),
      () => key?.verify(KSN, KSN),
      () => key?.sealResponseKey('row 1'),
    ]) {
      expect(refusalOf(use).message).toMatch(/was destroyed/);
    }
  });

  it('seals and opens nothing any more', () => {
    const seals = testSealer();
    const sealed = seals.seal(KSN, 'x');
    seals.forget();
    for (const use of [() => seals.seal(KSN, 'x'), () => seals.open(sealed, 'x'), () => seals.link(KSN)]) {
      expect(refusalOf(use).code).toBe('STATE');
    }
  });

  it('says so in the trace', () => {
    const { secure, events } = machine();
    secure.tamper('the case was opened');
    secure.tamper('a second time');
    expect(events.filter(({ kind }) => kind === 'alarm')).toEqual([
      { kind: 'alarm', what: 'the terminal was tampered with: the case was opened' },
    ]);
  });
});

describe('tampering while a PIN is entered', () => {
  it('wipes the digits at once and ends the entry', async () => {
    const { secure, clock, pad } = machine();
    const entry = secure.online(REQUEST, NEVER);
    for (let i = 0; i < 5; i++) pad.press(1);
    expect(pad.stars()).toBe(5);
    secure.tamper('drill');
    pad.press('enter');
    expect(await clock.run(entry)).toEqual({ kind: 'unavailable' });
    expect(secure.takePinKey()).toBeUndefined();
  });

  it('drops a PIN that waits for its request', async () => {
    const { secure, clock, pad } = machine();
    const entry = secure.online(REQUEST, NEVER);
    for (let i = 0; i < 4; i++) pad.press(1);
    pad.press('enter');
    expect(await clock.run(entry)).toEqual({ kind: 'entered' });
    secure.tamper('drill');
    expect(secure.takePinKey()).toBeUndefined();
  });

  it('sends no PIN to the card when it comes before VERIFY', async () => {
    const { secure, clock, pad } = machine();
    const sent: string[] = [];
    const request = {
      ...REQUEST,
      key: { modulus: new Uint8Array(128).fill(0xc5), exponent: Uint8Array.of(3) },
      challenge: async () => {
        secure.tamper('drill');
        return new Uint8Array(8);
      },
    };
    const transmit = async (command: Uint8Array) => {
      sent.push(toHex(command));
      return { kind: 'response', response: Uint8Array.of(0x90, 0) } as const;
    };
    const entry = secure.offlineEnciphered(request, transmit, NEVER);
    for (let i = 0; i < 4; i++) pad.press(1);
    pad.press('enter');
    expect(await clock.run(entry)).toEqual({ kind: 'unavailable' });
    expect(sent).toEqual([]);
  });
});

describe('more wrong registers than fail by age', () => {
  it('are tampering, once the unit of work that found them is durable', async () => {
    const { secure, store } = machine();
    for (const register of ['01', '02', '03'])
      store.records.set(`dukpt/0/register/${register}`, new Uint8Array(44));
    expect(secure.takeMessageKey()).toBeUndefined();
    await Promise.resolve();
    expect(secure.tampering()?.reason).toMatch(/registers were altered/);
    expect(store.list('dukpt/0/')).toEqual([]);
  });

  it('are none when only two are wrong', async () => {
    const { secure, store } = machine();
    for (const register of ['01', '02'])
      store.records.set(`dukpt/0/register/${register}`, new Uint8Array(44));
    expect(toHex(secure.takeMessageKey()?.ksn as Uint8Array)).toBe('FFFF9876543210E00004');
    await Promise.resolve();
    expect(secure.status()).toBe('ready');
  });
});

describe('tampering on a data folder', () => {
  it('removes the storage key, stays over a restart and refuses to be provisioned', async () => {
    const folder = await provisioned();
    const vault = await diskVault(folder);
    vault.secure.tamper('the case was opened');
    vault.close();
    expect(readdirSync(join(folder, 'secure')).sort()).toEqual(['high-water', 'tampered']);
    const again = await diskVault(folder);
    expect(again.secure.tampering()).toEqual({ reason: 'the case was opened', atMs: 1000 });
    expect(again.store.list('slot/')).toEqual([]);
    const load = () => again.secure.loadInitialKey(new Secret(INITIAL_KEY.slice()), KSN);
    expect(refusalOf(load).remedy).toContain('--fresh');
    again.close();
  });

  it('is remembered before anything is erased', async () => {
    const order: string[] = [];
    const store = memoryKeyStore();
    const secure = createSecureModule({
      store: {
        ...store,
        atomically: (change) => {
          order.push('store');
          return store.atomically(change);
        },
      },
      sealer: testSealer(),
      clock: new VirtualClock(0),
      trace: silentTrace,
      pad: () => undefined,
      tamper: {
        tripped: () => undefined,
        trip: () => void order.push('remembered'),
        destroyStorageKey: () => void order.push('storage key'),
      },
    });
    secure.loadInitialKey(new Secret(INITIAL_KEY.slice()), KSN);
    order.length = 0;
    secure.tamper('drill');
    expect(order).toEqual(['remembered', 'storage key', 'store']);
  });

  it('destroys the keys even when it cannot be remembered', () => {
    const store = memoryKeyStore();
    const secure = createSecureModule({
      store,
      sealer: testSealer(),
      clock: new VirtualClock(0),
      trace: silentTrace,
      pad: () => undefined,
      tamper: {
        tripped: () => undefined,
        trip() {
          throw new Error('disk full');
        },
        destroyStorageKey() {},
      },
    });
    secure.loadInitialKey(new Secret(INITIAL_KEY.slice()), KSN);
    expect(() => secure.tamper('drill')).toThrow('disk full');
    expect(store.list('dukpt/')).toEqual([]);
  });

  it('is brought to its end at the next boot, wherever the power fails', async () => {
    for (let cutAt = 1, finished = false; !finished; cutAt++) {
      const folder = await provisioned();
      const vault = await diskVault(folder, cutAt);
      try {
        vault.secure.tamper('drill');
      } catch (cause) {
        if (vault.power.isOn) throw cause;
      }
      finished = vault.power.isOn;
      vault.close();
      const again = await diskVault(folder);
      expect(again.secure.status()).toBe('tampered');
      expect([...again.store.list('slot/'), ...again.store.list('dukpt/')]).toEqual([]);
      expect(existsSync(join(folder, 'secure', 'storage.key'))).toBe(false);
      again.close();
    }
  });

  it('with the power failing between the two files destroys the storage key at the next boot', async () => {
    const folder = await provisioned();
    tamperSwitch(join(folder, 'secure')).trip({ reason: 'drill', atMs: 5 });
    expect(existsSync(join(folder, 'secure', 'storage.key'))).toBe(true);
    const vault = await diskVault(folder);
    expect(vault.secure.tampering()).toEqual({ reason: 'drill', atMs: 5 });
    vault.close();
    expect(existsSync(join(folder, 'secure', 'storage.key'))).toBe(false);
  });

  it('is tampering too when the power failed before the reason was written', async () => {
    const folder = await provisioned();
    writeFileSync(join(folder, 'secure', 'tampered'), '');
    const vault = await diskVault(folder);
    expect(vault.secure.status()).toBe('tampered');
    vault.close();
  });

  it('leaves no key that was sealed readable: neither with the old storage key nor in the files', async () => {
    const folder = await provisioned();
    const key = readFileSync(join(folder, 'secure', 'storage.key'));
    const vault = await diskVault(folder);
    vault.secure.tamper('drill');
    vault.close();
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!/\.(db|lock)$|secure\/./.test(name)) continue;
      const content = readFileSync(join(folder, name));
      expect(content.includes(key)).toBe(false);
      expect(content.includes('"usage"')).toBe(false);
    }
    const journal = await openJournal(folder, testSealer(), { trace: silentTrace });
    expect(journal.keyStore.list('slot/')).toEqual([]);
    journal.close();
  });
});
