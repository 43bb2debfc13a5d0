import { type JournalView, viewJournal } from '../../journal/journal.ts';
import type { TransactionRecord } from '../../journal/transactions.ts';
import { dateParts } from '../../platform/clock.ts';
import { EXIT, PossumError } from '../../platform/errors.ts';
import { formatAmount } from '../../platform/money.ts';
import { addDataOptions, type DataOptions, resolveData } from '../data-folder.ts';
import { printJson, printText, table } from '../output.ts';
import { command, runCommand } from '../program.ts';

/** `possum txn list|show` */
export async function main(argv: readonly string[]): Promise<number> {
  const program = command({
    name: 'txn',
    summary: 'Lists and shows the transactions of a data folder. Card numbers are masked.',
    examples: ['possum txn list --data .possum/demo', 'possum txn show 3 --json'],
  });
  addDataOptions(program.command('list').description('every transaction, oldest first'))
    .option('--batch <number>', 'only this batch')
    .option('--state <state>', 'only this state, e.g. APPROVED')
    .action((options: DataOptions & { batch?: string; state?: string }) =>
      withView(options, (view) => list(view, options)),
    );
  addDataOptions(
    program.command('show').description('one transaction by its invoice number').argument('<invoice>'),
  ).action((invoice: string, options: DataOptions) =>
    withView(options, (view) => show(view, invoice, options)),
  );
  return runCommand(program, argv, () => EXIT.done);
}

async function withView(options: DataOptions, work: (view: JournalView) => void): Promise<void> {
  const view = await viewJournal(resolveData(options).folder);
  try {
    work(view);
  } finally {
    view.close();
  }
}

function list(view: JournalView, options: DataOptions & { batch?: string; state?: string }): void {
  const batch = options.batch === undefined ? undefined : view.batches.find(Number(options.batch));
  if (options.batch !== undefined && batch === undefined) {
    throw new PossumError('USAGE', `there is no batch ${options.batch}`, { remedy: 'See `possum batch`.' });
  }
  const records = view.transactions
    .list(batch === undefined ? undefined : { batchId: batch.id })
    .filter((record) => options.state === undefined || record.state === options.state.toUpperCase());
  if (options.json === true) {
    printJson(records);
    return;
  }
  const { exponent } = resolveData(options).settings.currency;
  const rows = records.map((record) => {
    const { isoDate, isoTime } = dateParts(record.atMs);
    const state = record.voidedBy === undefined ? record.state : 'VOIDED';
    return [
      record.invoice,
      record.stan,
      `${isoDate} ${isoTime}`,
      record.kind,
      record.card,
      formatAmount(record.amountMinor, exponent),
      state,
      record.responseCode ?? record.detail.localCode ?? '',
    ];
  });
  printText(table(['Invoice', 'STAN', 'Time', 'Kind', 'Card', 'Amount', 'State', 'Code'], rows));
}

function show(view: JournalView, invoice: string, options: DataOptions): void {
  const record = view.transactions.findByInvoice(Number(invoice));
  if (record === undefined) {
    throw new PossumError('USAGE', `there is no invoice ${invoice}`, { remedy: 'See `possum txn list`.' });
  }
  if (options.json === true) printJson(record);
  else printText(recordText(record, resolveData(options).settings.currency.exponent));
}

function recordText(record: TransactionRecord, exponent: number): string {
  const { isoDate, isoTime } = dateParts(record.atMs);
  const rows: [string, string | number | undefined][] = [
    ['Invoice', record.invoice],
    ['STAN', record.stan],
    ['Kind', `${record.kind}, ${record.online ? 'online' : 'offline'}`],
    ['Time', `${isoDate} ${isoTime}`],
    ['Card', record.card],
    ['Amount', formatAmount(record.amountMinor, exponent)],
    ['State', record.state],
    ['Entry mode', record.entryMode],
    ['Response', record.responseCode],
    ['Approval', record.approvalCode],
    ['RRN', record.rrn],
    ['Voided by', record.voidedBy === undefined ? undefined : `row ${record.voidedBy}`],
    ...Object.entries(record.detail).map(([name, value]): [string, string | undefined] => [
      name.toUpperCase(),
      value,
    ]),
  ];
  return rows
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(12)}${value}`)
    .join('\n');
}
