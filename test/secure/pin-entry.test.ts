import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../src/platform/clock.ts';
import type { Keypad, PinKey, PinKeySink } from '../../src/ports/index.ts';
import { enterPin, MAX_DIGITS } from '../../src/secure/pin-entry.ts';

const PROMPT = { purpose: 'online', amountMinor: 1000, currency: '826', exponent: 2 } as const;

/** A pad on which `keys` are pressed, one each `everyMs`. */
function padTyping(clock: VirtualClock, keys: readonly PinKey[], everyMs: number) {
  const stars: number[] = [];
  let open = true;
  const pad: Keypad = {
    kind: 'keypad',
    stars: (count) => stars.push(count),
    open(_prompt, sink: PinKeySink) {
      keys.forEach((key, index) => {
        clock.after((index + 1) * everyMs, () => {
          if (open) sink.press(key);
        });
      });
      return () => {
        open = false;
      };
    },
  };
  return { pad, stars, isOpen: () => open };
}

/** A clock that knows which timers have not been cancelled. */
function watchedClock() {
  const clock = new VirtualClock(0);
  const timers = new Set<object>();
  const after = clock.after.bind(clock);
  clock.after = (...parameters) => {
    const timer = after(...parameters);
    const watched = {
      cancel() {
        timers.delete(watched);
        timer.cancel();
      },
    };
    timers.add(watched);
    return watched;
  };
  return { clock, timers };
}

async function enter(keys: readonly PinKey[], everyMs = 500, signal = new AbortController().signal) {
  const clock = new VirtualClock(0);
  const { pad, stars, isOpen } = padTyping(clock, keys, everyMs);
  const buffer = new Uint8Array(MAX_DIGITS);
  const entry = await clock.run(enterPin(pad, PROMPT, buffer, clock, signal));
  return { entry, buffer, stars, elapsedMs: clock.now(), isOpen: isOpen() };
}

describe('PIN entry', () => {
  it.each([
    { what: 'four digits', keys: [1, 2, 3, 4, 'enter'], length: 4 },
    { what: 'twelve digits', keys: [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 'enter'], length: 12 },
    { what: 'a corrected entry', keys: [9, 9, 'clear', 1, 2, 3, 4, 5, 'enter'], length: 5 },
    { what: 'three digits refused, then four', keys: [1, 2, 3, 'enter', 1, 2, 3, 4, 'enter'], length: 4 },
    {
      what: 'thirteen digits refused, then four',
      keys: [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 'enter', 1, 2, 3, 4, 'enter'],
      length: 4,
    },
  ] as const)('takes $what', async ({ keys, length }) => {
    const { entry, isOpen } = await enter([...keys]);
    expect(entry).toEqual({ kind: 'entered', length });
    expect(isOpen).toBe(false);
  });

  it.each([
    { what: 'enter alone', keys: ['enter'], kind: 'bypassed' },
    { what: 'cancel', keys: [1, 2, 'cancel'], kind: 'cancelled' },
  ] as const)('ends as $kind after $what', async ({ keys, kind }) => {
    expect((await enter([...keys])).entry.kind).toBe(kind);
  });

  it.each([
    { what: 'no key within 30 s', keys: [], everyMs: 1, elapsedMs: 30_000 },
    { what: 'no further key within 10 s', keys: [1], everyMs: 100, elapsedMs: 10_100 },
    { what: '60 s in all', keys: [1, 2, 3, 4, 5, 6, 7, 8], everyMs: 9_000, elapsedMs: 60_000 },
  ] as const)('times out after $what', async ({ keys, everyMs, elapsedMs }) => {
    const result = await enter([...keys], everyMs);
    expect(result.entry.kind).toBe('timeout');
    expect(result.elapsedMs).toBe(elapsedMs);
  });

  it('shows stars, never digits', async () => {
    expect((await enter([7, 7, 'clear', 1, 2, 3, 4, 'enter'])).stars).toEqual([1, 2, 0, 1, 2, 3, 4]);
  });

  it('closes the pad when it is aborted', async () => {
    const controller = new AbortController();
    const clock = new VirtualClock(0);
    const { pad, isOpen } = padTyping(clock, [1, 2], 100);
    clock.after(150, () => controller.abort());
    const entry = enterPin(pad, PROMPT, new Uint8Array(MAX_DIGITS), clock, controller.signal);
    await expect(clock.run(entry)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(isOpen()).toBe(false);
  });

  it('takes nothing from a pad that goes on after its end', async () => {
    const { clock, timers } = watchedClock();
    let sink: PinKeySink | undefined;
    const pad: Keypad = {
      kind: 'keypad',
      stars() {},
      open(_prompt, opened) {
        sink = opened;
        return () => {};
      },
    };
    const buffer = new Uint8Array(MAX_DIGITS);
    const entry = enterPin(pad, PROMPT, buffer, clock, new AbortController().signal);
    for (const key of [1, 2, 3, 4, 'enter'] as const) sink?.press(key);
    expect(await clock.run(entry)).toEqual({ kind: 'entered', length: 4 });
    buffer.fill(0);
    for (const key of [5, 6, 7, 8, 'clear', 9] as const) sink?.press(key);
    expect([...buffer]).toEqual(Array(MAX_DIGITS).fill(0));
    expect(timers.size).toBe(0);
  });

  it('closes a pad that has its keys ready when it is opened', async () => {
    const clock = new VirtualClock(0);
    let isOpen = true;
    const pad: Keypad = {
      kind: 'keypad',
      stars() {},
      open(_prompt, sink) {
        for (const key of [1, 2, 3, 4, 'enter'] as const) sink.press(key);
        return () => {
          isOpen = false;
        };
      },
    };
    const entry = enterPin(pad, PROMPT, new Uint8Array(MAX_DIGITS), clock, new AbortController().signal);
    expect(await clock.run(entry)).toEqual({ kind: 'entered', length: 4 });
    expect(isOpen).toBe(false);
  });

  it('leaves no timer behind when the pad cannot be opened', async () => {
    const { clock, timers } = watchedClock();
    const pad: Keypad = {
      kind: 'keypad',
      stars() {},
      open() {
        throw new Error('busy');
      },
    };
    const entry = enterPin(pad, PROMPT, new Uint8Array(MAX_DIGITS), clock, new AbortController().signal);
    await expect(entry).rejects.toThrow('busy');
    expect(timers.size).toBe(0);
  });

  it('passes over what is no key', async () => {
    const garbage = [1, 17, -1, 2.5, Number.NaN, 'F1', undefined, 2, 3, 4, 'enter'] as PinKey[];
    const { entry, buffer } = await enter(garbage);
    expect(entry).toEqual({ kind: 'entered', length: 4 });
    expect([...buffer.subarray(0, 4)]).toEqual([1, 2, 3, 4]);
  });

  it.each([
    { what: 'clear', keys: [7, 7, 7, 7, 7, 'clear', 1, 2, 3, 4, 'enter'] },
    { what: 'three digits', keys: [7, 7, 7, 'enter', 1, 2, 3, 4, 'enter'] },
    { what: 'thirteen digits', keys: [...Array(13).fill(7), 'enter', 1, 2, 3, 4, 'enter'] },
  ] as { what: string; keys: PinKey[] }[])('wipes the buffer after $what', async ({ keys }) => {
    const { buffer } = await enter(keys);
    expect([...buffer]).toEqual([1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('keeps the time of the whole entry when the first one was refused', async () => {
    const keys = Array.from({ length: 40 }, (_, index): PinKey => (index % 4 === 3 ? 'enter' : 7));
    const { entry, elapsedMs } = await enter(keys, 2_000);
    expect([entry.kind, elapsedMs]).toEqual(['timeout', 60_000]);
  });
});
