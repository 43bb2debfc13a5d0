import type { World } from './world.ts';

/** The books at the end: what the terminal thinks, what the host's ledger says, what was settled. */
export interface DayTotals {
  readonly currency: string;
  readonly exponent: number;
  readonly sales: number;
  readonly offline: number;
  readonly refunds: number;
  readonly voided: number;
  readonly declined: number;
  readonly reversed: number;
  /** Sales less refunds, by the terminal's rows; minor units. */
  readonly terminalMinor: number;
  /** The same by the host's ledger. */
  readonly ledgerMinor: number;
  /** The same by the settlement slips; what is still in the open batch is not in it. */
  readonly settledMinor: number;
  readonly batches: number;
  readonly uploaded: number;
  /** Messages that still wait for the host. */
  readonly waiting: number;
  /** The sum over all accounts of the host: zero. */
  readonly ledgerSumMinor: number;
}

/** Adds up the books of a world. */
export function dayTotals(world: World): DayTotals {
  const { journal } = world.terminal.context;
  const records = journal.transactions.list();
  const live = records.filter((r) => r.state === 'APPROVED' && r.kind !== 'void' && r.voidedBy === undefined);
  const slips = journal.batches.list().flatMap((batch) => (batch.slip === undefined ? [] : [batch.slip]));
  const { balances } = world.host.ledger();
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    currency: world.settings.currency.code,
    exponent: world.settings.currency.exponent,
    sales: live.filter((r) => r.kind === 'sale').length,
    offline: live.filter((r) => !r.online).length,
    refunds: live.filter((r) => r.kind === 'refund').length,
    voided: records.filter((r) => r.voidedBy !== undefined).length,
    declined: records.filter((r) => r.state === 'DECLINED').length,
    reversed: records.filter((r) => r.state === 'REVERSED').length,
    terminalMinor: sum(live.map((r) => (r.kind === 'refund' ? -r.amountMinor : r.amountMinor))),
    // What customers were charged: it stays on their accounts when a closed batch moves the merchant's side on.
    ledgerMinor: sum(
      Object.entries(balances).flatMap(([name, minor]) => (name.startsWith('customer/') ? [minor] : [])),
    ),
    settledMinor: sum(slips.map(({ totals }) => totals.salesMinor - totals.refundsMinor)),
    batches: slips.length,
    uploaded: sum(slips.map(({ uploaded }) => uploaded)),
    waiting: journal.outbox.waiting(),
    ledgerSumMinor: sum(Object.values(balances)),
  };
}

/** True when terminal and host agree to the cent and nothing waits. */
export function isBalanced(totals: DayTotals): boolean {
  return totals.terminalMinor === totals.ledgerMinor && totals.ledgerSumMinor === 0 && totals.waiting === 0;
}
