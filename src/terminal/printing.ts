import { show, type TerminalContext } from './context.ts';
import { layOut, type SlipLine, slipText } from './receipt.ts';

const PRINT_LIMIT_MS = 20_000;

/**
 * Prints a slip. A failure changes nothing about the transaction, which is durable by now: the operator is told
 * to reprint.
 * @returns false when it was not printed
 */
export async function printSlip(
  context: TerminalContext,
  slip: readonly SlipLine[],
  signal: AbortSignal,
): Promise<boolean> {
  const { printer, trace, clock } = context;
  if (trace.wants('print'))
    trace.emit({ kind: 'print', lines: slipText(slip, printer?.columns).split('\n') });
  if (printer === undefined) return true;
  const outcome = await printer.print(layOut(slip, printer.columns), signal, clock.now() + PRINT_LIMIT_MS);
  if (outcome.kind === 'failed') show(context, 'out-of-paper', outcome.reason);
  return outcome.kind === 'printed';
}
