import { describe, expect, it } from 'vitest';
import { dateParts, sleep, until, VirtualClock } from '../../src/platform/clock.ts';

const START = Date.UTC(2026, 10, 21, 23, 59, 30);

describe('the virtual clock', () => {
  it('jumps to the next timer when there is nothing else to do', async () => {
    const clock = new VirtualClock(START);
    await clock.run(sleep(clock, 86_400_000));
    expect(clock.now() - START).toBe(86_400_000);
  });

  it('fires timers in the order of their moments, then of their making', async () => {
    const clock = new VirtualClock(0);
    const fired: string[] = [];
    clock.after(20, () => fired.push('c'));
    clock.after(10, () => fired.push('a'));
    clock.after(10, () => fired.push('b'));
    await clock.run(sleep(clock, 30));
    expect(fired).toEqual(['a', 'b', 'c']);
  });

  it('stands still while something is held', async () => {
    const clock = new VirtualClock(0);
    const release = clock.hold();
    let late = false;
    clock.after(1, () => {
      late = true;
    });
    setImmediate(() =>
      setImmediate(() => {
        expect(late).toBe(false);
        release();
        release();
      }),
    );
    await clock.run(sleep(clock, 2));
    expect(late).toBe(true);
  });

  it('never advances for a background timer, but fires it when it is passed', async () => {
    const clock = new VirtualClock(0);
    const fired: number[] = [];
    clock.after(5, () => fired.push(clock.now()), { background: true });
    await clock.run(Promise.resolve());
    expect(fired).toEqual([]);
    await clock.run(sleep(clock, 10));
    expect(fired).toEqual([5]);
  });

  it('does not fire a cancelled timer', async () => {
    const clock = new VirtualClock(0);
    let fired = false;
    clock
      .after(5, () => {
        fired = true;
      })
      .cancel();
    await clock.advance(10);
    expect(fired).toBe(false);
    expect(clock.now()).toBe(10);
  });

  it('keeps the distance of timers when it is set', async () => {
    const clock = new VirtualClock(1000);
    const wait = sleep(clock, 50);
    clock.set(0);
    await clock.run(wait);
    expect(clock.now()).toBe(50);
  });
});

describe('a wait', () => {
  it('ends with undefined at its deadline', async () => {
    const clock = new VirtualClock(0);
    expect(await clock.run(until(clock, 100, new Promise(() => {})))).toBeUndefined();
    expect(clock.now()).toBe(100);
  });

  it('ends as cancelled when its signal is aborted', async () => {
    const clock = new VirtualClock(0);
    const controller = new AbortController();
    clock.after(10, () => controller.abort());
    const wait = clock.run(until(clock, 100, new Promise(() => {}), controller.signal));
    await expect(wait).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(sleep(clock, 1, controller.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('dateParts', () => {
  it('splits a reading for chip, host and people', () => {
    expect(dateParts(START)).toEqual({
      year: 2026,
      month: 11,
      day: 21,
      yymmdd: '261121',
      hhmmss: '235930',
      mmdd: '1121',
      isoDate: '2026-11-21',
      isoTime: '23:59:30',
    });
  });
});
