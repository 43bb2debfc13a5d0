import type { Clock } from '../../src/platform/clock.ts';
import type { Dialler } from '../../src/ports/index.ts';
import type { Line } from '../transport/line.ts';
import type { LineSettings } from '../transport/line-settings.ts';
import { linePair } from '../transport/memory-line.ts';
import { ESCPOS_LINE } from './options.ts';
import type { EscposSimulator } from './simulator.ts';

/**
 * Opens a line in memory to a simulator in this process; refused while it is unplugged.
 * @param alter puts something between driver and line, such as a fault injector
 */
export function simulatorDialler(
  simulator: EscposSimulator,
  clock: Clock,
  options: {
    readonly settings?: LineSettings;
    readonly paced?: boolean;
    readonly alter?: (line: Line) => Line;
  } = {},
): Dialler {
  const { settings = ESCPOS_LINE, paced = false, alter = (line: Line) => line } = options;
  return {
    address: 'sim',
    dial: async () => {
      if (!simulator.state().plugged) return { kind: 'refused', reason: 'no such device' };
      const [driver, device] = linePair(clock, { settings: [settings, settings], paced });
      void simulator.serve(device);
      return { kind: 'connected', stream: alter(driver) };
    },
  };
}
