import { type JournalView, viewJournal } from '../../journal/journal.ts';
import type { TransactionRecord, TransactionState } from '../../journal/transactions.ts';
import { dateParts } from '../../platform/clock.ts';
import { EXIT, PossumError } from '../../platform/errors.ts';
import { formatAmount } from '../../platform/money.ts';
import { spellingHint } from '../../platform/spelling-hint.ts';
import { batchNumber, invoiceNumber } from '../arguments.ts';
import { addDataOptions, type DataOptions, resolveData } from '../data-folder.ts';
import { printJson, printText, table } from '../output.ts';
import { command, runCommand } from '../program.ts';

/** What the list shows: an approved transaction that was voided later counts as `VOIDED`. */
type ShownState = TransactionState | 'VOIDED';

interface ListOptions extends DataOptions {
  readonly batch?: number;
  readonly state?: ShownState;
}

const STATES: Readonly<Record<ShownState, true>> = {
  PENDING: true,
  APPROVED: true,
  VOIDED: true,
  DECLINED: true,
  MUST_REVERSE: true,
  REVERSED: true,
  REJECTED: true,
  NEEDS_OPERATOR: true,
};

/** `possum txn list|show` */
export async function main(argv: readonly string[]): Promise<number> {
  const program = command({
    name: 'txn',
    summary: 'Lists and shows the transactions of a data folder. Card numbers are masked.',
    examples: ['possum txn list --data .possum/demo', 'possum txn show 3 --json'],
  });
  addDataOptions(program.command('list').description('every transaction, oldest first'))
    .option('--batch <number>', 'only this batch', batchNumber)
    .option('--state <state>', `only this state: ${Object.keys(STATES).join(', ')}`, knownState)
    .action((options: ListOptions) => withView(options, (view) => list(view, options)));
  addDataOptions(
    program
      .command('show')
      .description('one transaction by its invoice number')
      .argument('<invoice>', 'invoice number, see `possum txn list`', invoiceNumber),
  ).action((invoice: number, options: DataOptions) =>
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

function list(view: JournalView, options: ListOptions): void {
  const batch = options.batch === undefined ? undefined : view.batches.find(options.batch);
  if (options.batch !== undefined && batch === undefined) {
    throw new PossumError('USAGE', `there is no batch ${options.batch}`, { remedy: 'See `possum batch`.' });
  }
  const records = view.transactions
    .list(batch === undefined ? undefined : { batchId: batch.id })
    .filter((record) => options.state === undefined || shownState(record) === options.state);
  if (options.json === true) {
    printJson(records);
    return;
  }
  const { exponent } = resolveData(options).settings.currency;
  const rows = records.map((record) => {
    const { isoDate, isoTime } = dateParts(record.atMs);
    return [
      record.invoice,
      record.stan,
      `${isoDate} ${isoTime}`,
      record.kind,
      record.card,
      formatAmount(record.amountMinor, exponent),
      shownState(record),
      record.responseCode ?? record.detail.localCode ?? '',
    ];
  });
  printText(table(['Invoice', 'STAN', 'Time', 'Kind', 'Card', 'Amount', 'State', 'Code'], rows));
}

function knownState(text: string): ShownState {
  const state = text.toUpperCase();
  if (state in STATES) return state as ShownState;
  throw new PossumError('USAGE', `there is no state "${text}"`, {
    remedy: spellingHint(state, Object.keys(STATES), 'states'),
  });
}

function shownState(record: TransactionRecord): ShownState {
  return record.voidedBy === undefined ? record.state : 'VOIDED';
}

function show(view: JournalView, invoice: number, options: DataOptions): void {
  const record = view.transactions.findByInvoice(invoice);
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
