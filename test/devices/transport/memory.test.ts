import { describe, expect, it } from 'vitest';
import { memoryPair } from '../../../devices/transport/memory.ts';
import { until, VirtualClock } from '../../../src/platform/clock.ts';

const never = new AbortController().signal;

describe('a line in memory', () => {
  it('carries bytes both ways and copies them', async () => {
    const [left, right] = memoryPair(new VirtualClock(0));
    const bytes = Uint8Array.of(1, 2);
    await left.write(bytes);
    bytes.fill(0);
    expect(await right.read(never)).toEqual(Uint8Array.of(1, 2));
    await right.write(Uint8Array.of(3));
    expect(await left.read(never)).toEqual(Uint8Array.of(3));
  });

  it('gives what is left, then the end', async () => {
    const [left, right] = memoryPair(new VirtualClock(0));
    await left.write(Uint8Array.of(1));
    await left.close();
    expect(await right.read(never)).toEqual(Uint8Array.of(1));
    expect(await right.read(never)).toBeUndefined();
    await expect(right.write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(left.write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('delays by its latency', async () => {
    const clock = new VirtualClock(0);
    const [left, right] = memoryPair(clock, { latencyMs: 40 });
    await clock.run(
      (async () => {
        await left.write(Uint8Array.of(1));
        expect(await until(clock, 39, right.read(never))).toBeUndefined();
        expect(clock.now()).toBe(39);
      })(),
    );
  });
});
