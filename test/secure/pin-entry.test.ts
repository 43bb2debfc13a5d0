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
});
