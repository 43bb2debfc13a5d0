import { viewJournal } from '../../journal/journal.ts';
import { dateParts } from '../../platform/clock.ts';
import { EXIT } from '../../platform/errors.ts';
import { formatAmount } from '../../platform/money.ts';
import { addDataOptions, type DataOptions, resolveData } from '../data-folder.ts';
import { printJson, printText, table } from '../output.ts';
import { command, runCommand } from '../program.ts';

/** `possum batch` */
export async function main(argv: readonly string[]): Promise<number> {
  const program = addDataOptions(
    command({
      name: 'batch',
      summary: 'Shows the open batch and those that are settled, with their net totals.',
      examples: ['possum batch --data .possum/demo'],
    }),
  ).action(show);
  return runCommand(program, argv, () => EXIT.done);
}

async function show(options: DataOptions): Promise<void> {
  const { settings, folder } = resolveData(options);
  const view = await viewJournal(folder);
  try {
    const batches = view.batches.list().map((batch) => ({
      number: batch.number,
      state: batch.state,
      opened: batch.openedMs,
      closed: batch.closedMs,
      ...(batch.slip?.totals ?? view.transactions.totals(batch.id)),
      uploaded: batch.slip?.uploaded,
      failures: batch.failures,
    }));
    if (options.json === true) {
      printJson(batches);
      return;
    }
    const amount = (minor: number) => formatAmount(minor, settings.currency.exponent);
    const day = (ms: number | undefined) => (ms === undefined ? '' : dateParts(ms).isoDate);
    printText(
      table(
        ['Batch', 'State', 'Opened', 'Closed', 'Sales', 'Amount', 'Refunds', 'Amount', 'Uploaded'],
        batches.map((b) => [
          b.number,
          b.state,
          day(b.opened),
          day(b.closed),
          b.salesCount,
          amount(b.salesMinor),
          b.refundsCount,
          amount(b.refundsMinor),
          b.uploaded ?? '',
        ]),
      ),
    );
  } finally {
    view.close();
  }
}
