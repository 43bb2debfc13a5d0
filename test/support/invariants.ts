import type { RunningHost } from '../../src/app.ts';
import type { JournalView } from '../../src/journal/journal.ts';

type Books = Pick<JournalView, 'batches' | 'transactions'>;

const UNFINISHED = ['PENDING', 'MUST_REVERSE', 'NEEDS_OPERATOR'];

/**
 * What must hold between terminal and host once everything was sent and settled, row by row: equal books, every
 * approval once in a settled batch, numbers used once.
 * @returns one sentence for each thing that is wrong
 */
export function brokenBooks(view: Books, running: RunningHost): readonly string[] {
  return [...differentRows(view, running), ...wrongSums(view, running), ...repeatedNumbers(view, running)];
}

/** I1 and I3: what is approved here is approved there, by STAN and amount, and the other way round. */
function differentRows(view: Books, { host }: RunningHost): readonly string[] {
  const wrong: string[] = [];
  const key = (stan: number | string, amount: number) => `${String(stan).padStart(6, '0')}/${amount}`;
  const here = new Set(live(view).map((r) => key(r.stan, r.amountMinor)));
  const approvedThere = host
    .transactions()
    .filter((t) => t.state === 'approved' && !t.type.startsWith('void'));
  const there = new Set(approvedThere.map((t) => key(t.stan, t.amountMinor)));
  for (const row of here)
    if (!there.has(row)) wrong.push(`approved at the terminal, not at the host: ${row}`);
  for (const row of there)
    if (!here.has(row)) wrong.push(`approved at the host, not at the terminal: ${row}`);
  if (there.size !== approvedThere.length) wrong.push('the host has a transaction twice');
  for (const { id, state } of view.transactions.list()) {
    if (UNFINISHED.includes(state)) wrong.push(`row ${id} is still ${state}`);
  }
  return wrong;
}

/** I1, I2 and I13: ledger, rows and settlement slips come to the same, and the slips to their rows. */
function wrongSums(view: Books, { host }: RunningHost): readonly string[] {
  const wrong: string[] = [];
  const net = sum(live(view).map((r) => (r.kind === 'refund' ? -r.amountMinor : r.amountMinor)));
  const balances = Object.entries(host.ledger().balances);
  const charged = sum(balances.flatMap(([name, minor]) => (name.startsWith('customer/') ? [minor] : [])));
  if (charged !== net) wrong.push(`the ledger has ${charged}, the terminal ${net}`);
  if (sum(balances.map(([, minor]) => minor)) !== 0) wrong.push('the ledger does not sum to zero');
  let settled = 0;
  for (const { id, slip } of view.batches.list()) {
    if (slip === undefined) continue;
    settled += slip.totals.salesMinor - slip.totals.refundsMinor;
    const rows = view.transactions.totals(id);
    if (JSON.stringify(rows) !== JSON.stringify(slip.totals))
      wrong.push(`the slip of batch ${slip.batch} does not come to its rows`);
  }
  if (settled !== net) wrong.push(`settled ${settled}, approved ${net}`);
  return wrong;
}

/** I6 and I7: no STAN, reference or KSN twice. */
function repeatedNumbers(view: Books, { host }: RunningHost): readonly string[] {
  const wrong: string[] = [];
  const records = view.transactions.list();
  if (new Set(records.map((r) => r.stan)).size !== records.length) wrong.push('a STAN was used twice');
  const references = records.flatMap(({ rrn }) => (rrn === undefined ? [] : [rrn]));
  if (new Set(references).size !== references.length) wrong.push('a reference was used twice');
  for (const { what } of host.alarms()) if (/KSN/i.test(what)) wrong.push(`host: ${what}`);
  return wrong;
}

/**
 * I4: whoever was told APPROVED has a row that says so.
 * @param told screens, as `screen LINE | LINE`
 */
export function brokenPromises(view: Books, told: readonly string[]): readonly string[] {
  const codes = new Set(
    view.transactions.list().flatMap((r) => (r.state === 'APPROVED' ? [r.approvalCode] : [])),
  );
  return told.flatMap((line) => {
    const shown = /^screen Approved[^|]* \| (\S+)$/.exec(line)?.[1];
    return shown === undefined || codes.has(shown) ? [] : [`told approved without a row: ${shown}`];
  });
}

function live(view: Books) {
  return view.transactions
    .list()
    .filter((r) => r.state === 'APPROVED' && r.kind !== 'void' && r.voidedBy === undefined);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
