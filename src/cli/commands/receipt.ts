import { viewJournal } from '../../journal/journal.ts';
import { EXIT, PossumError } from '../../platform/errors.ts';
import { receipt, type SlipLine, settlementSlip, slipText } from '../../terminal/receipt.ts';
import { invoiceNumber } from '../arguments.ts';
import { addDataOptions, type DataOptions, resolveData } from '../data-folder.ts';
import { printJson, printText } from '../output.ts';
import { command, runCommand } from '../program.ts';

interface Options extends DataOptions {
  readonly merchant?: boolean;
  readonly settlement?: boolean;
}

/** `possum receipt [INVOICE]` */
export async function main(argv: readonly string[]): Promise<number> {
  const program = addDataOptions(
    command({
      name: 'receipt',
      summary: 'Prints a receipt again, marked DUPLICATE: of an invoice, or of the last transaction.',
      examples: ['possum receipt 3 --data .possum/demo', 'possum receipt --settlement'],
    }),
  )
    .argument('[invoice]', 'invoice number; the last one when absent', invoiceNumber)
    .option('--merchant', 'the merchant’s copy')
    .option('--settlement', 'the last settlement slip, or that of the batch given as number')
    .action(reprint);
  return runCommand(program, argv, () => EXIT.done);
}

async function reprint(number: number | undefined, options: Options): Promise<void> {
  const { settings, folder } = resolveData(options);
  const view = await viewJournal(folder);
  try {
    if (options.settlement === true) {
      const settled = view.batches.list().filter((batch) => batch.slip !== undefined);
      const batch = number === undefined ? settled.at(-1) : settled.findLast((b) => b.number === number);
      if (batch?.slip === undefined)
        throw missing(number === undefined ? 'no batch is settled yet' : `batch ${number} is not settled`);
      print(settlementSlip(settings, batch.slip, batch.closedMs ?? 0, true), options);
      return;
    }
    const record =
      number === undefined ? view.transactions.list().at(-1) : view.transactions.findByInvoice(number);
    if (record === undefined)
      throw missing(number === undefined ? 'there is no transaction' : `there is no invoice ${number}`);
    const batch = view.batches.list().find(({ id }) => id === record.batchId);
    const copy = options.merchant === true ? 'merchant' : 'customer';
    print(receipt(settings, record, batch?.number ?? 0, copy, true), options);
  } finally {
    view.close();
  }
}

function print(slip: readonly SlipLine[], options: Options): void {
  const text = slipText(slip);
  if (options.json === true) printJson({ lines: text.split('\n') });
  else printText(text);
}

function missing(what: string): PossumError {
  return new PossumError('USAGE', what, { remedy: 'See `possum txn list` and `possum batch`.' });
}
