import { type Clock, realClock } from '../../src/platform/clock.ts';

/**
 * Monotonic real time, for lines whose other end is outside of this process. Its readings start near the wall clock
 * and are never set.
 */
export function wireClock(): Clock {
  return { ...realClock(), now: () => performance.timeOrigin + performance.now() };
}
