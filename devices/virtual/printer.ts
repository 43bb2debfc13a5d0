import { PossumError } from '../../src/platform/errors.ts';
import { silentTrace, type Trace } from '../../src/platform/trace.ts';
import type { Printer, PrintLine, PrintOutcome } from '../../src/ports/index.ts';

export type Paper = 'ok' | 'near' | 'out';

/** A printer that keeps what it printed. */
export interface VirtualPrinter extends Printer {
  /** Every slip so far, as lines of text of the printer's width. */
  readonly slips: readonly (readonly string[])[];
  /** Changes the paper; `out` makes the next slips fail until it is `ok` or `near` again. */
  paper(state: Paper): void;
  /** The paper ends after so many more lines: a slip that does not fit is torn off and fails. */
  runOutAfter(lines: number): void;
}

const DEFAULT_COLUMNS = 40;

/** A slip printer in this process. */
export function createVirtualPrinter(
  options: { readonly columns?: number; readonly trace?: Trace } = {},
): VirtualPrinter {
  const columns = options.columns ?? DEFAULT_COLUMNS;
  const trace = options.trace ?? silentTrace;
  const slips: (readonly string[])[] = [];
  let left = Number.POSITIVE_INFINITY;
  return {
    columns,
    slips,
    paper(state) {
      left = state === 'out' ? 0 : Number.POSITIVE_INFINITY;
    },
    runOutAfter(lines) {
      left = lines;
    },
    async print(lines: readonly PrintLine[], signal: AbortSignal): Promise<PrintOutcome> {
      if (signal.aborted) throw new PossumError('CANCELLED', 'printing was cancelled');
      if (lines.length > left) {
        left = 0;
        return { kind: 'failed', reason: 'paper-out' };
      }
      left -= lines.length;
      const slip = lines.map((line) => formatLine(line, columns));
      slips.push(slip);
      if (trace.wants('print')) trace.emit({ kind: 'print', lines: slip });
      return { kind: 'printed' };
    },
  };
}

/** A line within `columns` characters; what is longer is cut. */
export function formatLine({ text, align = 'left' }: PrintLine, columns: number): string {
  const line = text.slice(0, columns);
  if (align === 'right') return line.padStart(columns);
  if (align === 'center') return ' '.repeat((columns - line.length) >> 1) + line;
  return line;
}
