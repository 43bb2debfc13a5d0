import { describe, expect, it } from 'vitest';
import { initialKey } from '../../src/crypto/dukpt-tdes.ts';
import { fromHex } from '../../src/platform/bytes.ts';
import { VirtualClock } from '../../src/platform/clock.ts';
import { Pan, Secret } from '../../src/platform/secret.ts';
import { createTrace } from '../../src/platform/trace.ts';
import type { Keypad, PinKey } from '../../src/ports/index.ts';
import { type PinLimit, pinRate } from '../../src/secure/pin-rate.ts';
import { createSecureModule } from '../../src/secure/secure-module.ts';
import { memoryKeyStore } from '../support/memory-key-store.ts';
import { testSealer } from '../support/sealer.ts';

const HOUR = 3_600_000;
const NEVER = new AbortController().signal;
const REQUEST = { pan: new Pan('4012345678909'), amountMinor: 1000, currency: '826', exponent: 2 };
const KEYS: readonly PinKey[] = [1, 2, 3, 4, 'enter'];

function rate(limit?: PinLimit) {
  const clock = new VirtualClock(Date.UTC(2026, 10, 21));
  const store = memoryKeyStore();
  return { clock, store, rate: pinRate(store, clock, limit) };
}

/** A module on a store, with a pad that types a PIN whenever it is opened. */
function machine(store = memoryKeyStore(), clock = new VirtualClock(0)) {
  const alarms: string[] = [];
  const opened = { count: 0 };
  const trace = createTrace(clock, (event) => event);
  trace.subscribe((event) => event.kind === 'alarm' && alarms.push(event.what));
  const pad: Keypad = {
    kind: 'keypad',
    stars() {},
    open(_prompt, sink) {
      opened.count++;
      for (const key of KEYS) queueMicrotask(() => sink.press(key));
      return () => {};
    },
  };
  const module = createSecureModule({ store, sealer: testSealer(), clock, trace, pad: () => pad });
  if (module.status() === 'unprovisioned') {
    const ksn = fromHex('FFFF9876543210E00000');
    const bdk = fromHex('0123456789ABCDEFFEDCBA9876543210');
    module.loadInitialKey(new Secret(initialKey(bdk, ksn)), ksn);
  }
  return { module, store, clock, alarms, opened };
}

describe('the rate of PINs', () => {
  it('lets an hour’s worth pass at once, then one in thirty seconds', async () => {
    const { clock, rate: limited } = rate();
    let taken = 0;
    for (; limited.waitMs() === 0; taken++) limited.count();
    expect([taken, limited.waitMs()]).toEqual([120, 30_000]);
    await clock.advance(29_999);
    expect(limited.waitMs()).toBe(1);
    await clock.advance(1);
    expect(limited.waitMs()).toBe(0);
    limited.count();
    expect(limited.waitMs()).toBe(30_000);
  });

  it.each([
    { what: 'a busy day of one PIN in 30 s', everyMs: 30_000, hours: 12, refused: 0 },
    { what: 'one in 15 s', everyMs: 15_000, hours: 12, refused: 1321 },
  ])('refuses $refused of $what', async ({ everyMs, hours, refused }) => {
    const { clock, rate: limited } = rate();
    let count = 0;
    for (let at = 0; at < hours * HOUR; at += everyMs) {
      if (limited.waitMs() === 0) limited.count();
      else count++;
      await clock.advance(everyMs);
    }
    expect(count).toBe(refused);
  });

  it('forgets nothing when it starts anew', () => {
    const { clock, store, rate: limited } = rate({ burst: 2, everyMs: 1000 });
    limited.count();
    limited.count();
    expect(pinRate(store, clock, { burst: 2, everyMs: 1000 }).waitMs()).toBe(1000);
  });

  it('is full, and not locked for years, when the clock was put back', () => {
    const { clock, rate: limited } = rate({ burst: 3, everyMs: 1000 });
    limited.count();
    clock.set(clock.now() - 365 * 24 * HOUR);
    expect(limited.waitMs()).toBe(1000);
  });
});

describe('the secure module', () => {
  it('refuses 10,000 encryptions for one card long before their end', async () => {
    const { module, clock, alarms, opened } = machine();
    const kinds = new Map<string, number>();
    for (let i = 0; i < 10_000; i++) {
      const { kind } = await module.online(REQUEST, NEVER);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    expect(clock.now()).toBe(0);
    expect([...kinds]).toEqual([
      ['entered', 120],
      ['limited', 9880],
    ]);
    // Nobody types a PIN that is not taken.
    expect(opened.count).toBe(120);
    expect(alarms[0]).toBe('too many PINs: the next one in 30 s');
  });

  it('goes on refusing after a restart, and takes PINs again in time', async () => {
    const first = machine();
    for (let i = 0; i < 120; i++) await first.module.online(REQUEST, NEVER);
    const { module, clock } = machine(first.store, first.clock);
    expect((await module.online(REQUEST, NEVER)).kind).toBe('limited');
    expect(module.pinWaitMs()).toBe(30_000);
    await clock.advance(30_000);
    expect((await module.online(REQUEST, NEVER)).kind).toBe('entered');
  });

  it('does not count messages without a PIN', () => {
    const { module } = machine();
    for (let i = 0; i < 1000; i++) module.takeMessageKey()?.release();
    expect(module.pinWaitMs()).toBe(0);
  });
});
