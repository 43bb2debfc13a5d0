import { currencyLetters, formatAmount } from '../platform/money.ts';
import type { ScenarioReport, StepReport } from '../scenario/runner.ts';
import { isBalanced } from '../scenario/totals.ts';

/** One step as people read it: number, name, what it came to, and what was not as expected. */
export function stepText(step: StepReport, of: number, withSlips: boolean): string {
  const mark = step.failures.length === 0 ? 'ok  ' : 'FAIL';
  const head = `${mark} ${String(step.number).padStart(String(of).length)}/${of}  ${step.name.padEnd(44)} ${step.outcome}`;
  const failures = step.failures.map((failure) => `       ${failure}`);
  const slips = withSlips
    ? step.slips.map((lines) => lines.map((line) => `       | ${line}`).join('\n'))
    : [];
  return [head, ...failures, ...slips].join('\n');
}

/** The table at the end of a day. */
export function closingTable({ day, steps, passed }: ScenarioReport): string {
  const amount = (minor: number) => formatAmount(minor, day.exponent);
  const rows: readonly (readonly [string, string])[] = [
    ['Sales', String(day.sales)],
    ['  of them offline', String(day.offline)],
    ['Refunds', String(day.refunds)],
    ['Voided', String(day.voided)],
    ['Declined', String(day.declined)],
    ['Reversed', String(day.reversed)],
    ['Waiting for the host', String(day.waiting)],
    ['Batches settled', String(day.batches)],
    ['Transactions uploaded', String(day.uploaded)],
    [`Terminal  ${currencyLetters(day.currency)}`, amount(day.terminalMinor)],
    [`Settled   ${currencyLetters(day.currency)}`, amount(day.settledMinor)],
    [`Ledger    ${currencyLetters(day.currency)}`, amount(day.ledgerMinor)],
  ];
  const label = Math.max(...rows.map(([name]) => name.length));
  const value = Math.max(...rows.map(([, text]) => text.length));
  const failed = steps.filter((step) => step.failures.length > 0).length;
  return [
    '',
    ...rows.map(([name, text]) => `${name.padEnd(label)}  ${text.padStart(value)}`),
    '',
    isBalanced(day) ? 'Terminal and host agree to the cent.' : 'TERMINAL AND HOST DIFFER.',
    passed ? `${count(steps.length)} passed.` : `${failed} of ${count(steps.length)} failed.`,
  ].join('\n');
}

function count(steps: number): string {
  return steps === 1 ? '1 step' : `${steps} steps`;
}
