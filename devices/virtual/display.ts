import { silentTrace, type Trace } from '../../src/platform/trace.ts';
import type { Display } from '../../src/ports/index.ts';

/** A display that remembers what it showed. */
export interface VirtualDisplay extends Display {
  /** What stands on it now, cut to its size. */
  readonly lines: readonly string[];
  /** Every screen so far, oldest first. */
  readonly history: readonly (readonly string[])[];
}

/** Screens that are remembered: enough for a scenario, bounded for a terminal that runs for months. */
const HISTORY = 1000;

/** A display in this process. */
export function createVirtualDisplay(
  options: {
    readonly columns?: number;
    readonly rows?: number;
    readonly target?: 'customer' | 'operator';
    readonly trace?: Trace;
  } = {},
): VirtualDisplay {
  const { columns = 20, rows = 4, target = 'customer', trace = silentTrace } = options;
  const history: (readonly string[])[] = [];
  return {
    columns,
    rows,
    history,
    get lines() {
      return history.at(-1) ?? [];
    },
    show(lines) {
      const screen = lines.slice(0, rows).map((line) => line.slice(0, columns));
      history.push(screen);
      if (history.length > HISTORY) history.shift();
      if (trace.wants('screen')) trace.emit({ kind: 'screen', target, lines: screen });
    },
  };
}
