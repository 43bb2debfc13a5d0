import { formatAmount, parseAmount } from '../platform/money.ts';
import type { RecoveryReport } from '../terminal/recovery.ts';
import type { TransactionResult } from '../terminal/result.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { Expectation } from './schema.ts';
import { dayTotals, isBalanced } from './totals.ts';
import type { World } from './world.ts';

export type Settlement = Awaited<ReturnType<Terminal['settle']>>;

/** What a step came to, as far as it can be expected. */
export interface StepFacts {
  readonly outcome: string;
  readonly reason?: string;
  readonly record?: NonNullable<TransactionResult['record']>;
  readonly settlement?: Settlement;
  readonly recovery?: RecoveryReport;
  readonly slips: readonly (readonly string[])[];
  readonly screens: readonly (readonly string[])[];
  /** What the PIN pad asked for. */
  readonly prompts: readonly string[];
}

/** @returns what is not as expected, one sentence each */
export function checkExpectation(
  expected: Expectation | undefined,
  facts: StepFacts,
  world: World,
): readonly string[] {
  if (expected === undefined) return [];
  const { record, recovery } = facts;
  const slip = facts.settlement?.kind === 'settled' ? facts.settlement.slip : undefined;
  const { exponent } = world.settings.currency;
  const failures: string[] = [];
  const same = (what: string, wanted: unknown, got: unknown) => {
    if (wanted !== undefined && wanted !== got) {
      failures.push(`expected ${what} ${String(wanted)}, got ${got === undefined ? 'none' : String(got)}`);
    }
  };
  const amount = (text: string | undefined) => (text === undefined ? undefined : parseAmount(text, exponent));
  const balance = (text: string) =>
    text.startsWith('-') ? -parseAmount(text.slice(1), exponent) : parseAmount(text, exponent);
  const money = (what: string, wanted: number | undefined, got: number | undefined) =>
    same(
      what,
      wanted === undefined ? undefined : formatAmount(wanted, exponent),
      got === undefined ? undefined : formatAmount(got, exponent),
    );
  const why = facts.reason === undefined || expected.outcome === facts.outcome ? '' : ` (${facts.reason})`;
  same('outcome', expected.outcome === undefined ? undefined : expected.outcome, facts.outcome);
  if (why !== '' && failures.length > 0) failures[0] += why;
  if (expected.reason !== undefined && facts.reason?.includes(expected.reason) !== true)
    same('reason', expected.reason, facts.reason);
  same('response', expected.response, record?.responseCode ?? settlementCode(facts.settlement));
  same('state', expected.state, record?.state);
  same('online', expected.online, record?.online);
  if (expected.host !== undefined) same('host', expected.host, hostState(record, world));
  same('sales count', expected.sales?.count, slip?.totals.salesCount);
  money('sales amount', amount(expected.sales?.amount), slip?.totals.salesMinor);
  same('refunds count', expected.refunds?.count, slip?.totals.refundsCount);
  money('refunds amount', amount(expected.refunds?.amount), slip?.totals.refundsMinor);
  same('uploaded', expected.uploaded, slip?.uploaded);
  if (expected.waiting !== undefined)
    same('waiting messages', expected.waiting, world.terminal.context.journal.outbox.waiting());
  same('interrupted transactions', expected.interrupted, recovery?.interrupted);
  if (expected.batch !== undefined) same('batch', expected.batch, batchState(world));
  same('slips', expected.slips, facts.slips.length);
  for (const text of expected.receipt ?? []) {
    if (!says(facts.slips, text)) failures.push(`no slip says "${text}"`);
  }
  for (const text of expected.screen ?? []) {
    if (!says(facts.screens, text)) failures.push(`the screen did not say "${text}"`);
  }
  same('prompts', promptList(expected.prompts), promptList(facts.prompts));
  if (expected.ledger !== undefined) money('ledger', balance(expected.ledger), dayTotals(world).ledgerMinor);
  if (expected.balanced !== undefined) same('balanced', expected.balanced, isBalanced(dayTotals(world)));
  return failures;
}

/** A line says a text wherever it puts its columns. */
function says(sheets: readonly (readonly string[])[], text: string): boolean {
  const squeezed = (line: string) => line.replace(/\s+/g, ' ');
  return sheets.some((lines) => lines.some((line) => squeezed(line).includes(squeezed(text))));
}

function promptList(prompts: readonly string[] | undefined): string | undefined {
  return prompts?.length === 0 ? 'none' : prompts?.join(', ');
}

function settlementCode(settlement: Settlement | undefined): string | undefined {
  return settlement?.kind === 'failed' ? settlement.code : undefined;
}

function hostState(record: StepFacts['record'], { host, settings }: World): string {
  if (record === undefined) return 'none';
  const stan = String(record.stan).padStart(6, '0');
  const there = host
    .transactions()
    .filter((transaction) => transaction.tid === settings.tid && transaction.stan === stan);
  return there.at(-1)?.state ?? 'none';
}

function batchState({ terminal }: World): string {
  const batch = terminal.context.journal.batches.current();
  return batch === undefined ? 'none' : batch.state.toLowerCase().replace('_', '-');
}
