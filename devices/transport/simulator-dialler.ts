import type { Clock } from '../../src/platform/clock.ts';
import type { ByteStream, Dialler } from '../../src/ports/index.ts';
import { memoryPair } from './memory.ts';

/** What a line in memory needs of a simulator. */
export interface Served {
  serve(stream: ByteStream): Promise<void>;
  state(): { readonly plugged: boolean };
}

/**
 * Opens a line in memory to a simulator in this process; refused while it is unplugged.
 * @param alter puts something between driver and line, such as a fault injector
 */
export function simulatorDialler(
  simulator: Served,
  clock: Clock,
  alter: (stream: ByteStream) => ByteStream = (stream) => stream,
): Dialler {
  return {
    address: 'sim',
    dial: async () => {
      if (!simulator.state().plugged) return { kind: 'refused', reason: 'no such device' };
      const [driver, device] = memoryPair(clock);
      void simulator.serve(device);
      return { kind: 'connected', stream: alter(driver) };
    },
  };
}
