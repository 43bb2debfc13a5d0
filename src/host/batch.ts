import type { HostProfile } from '../iso8583/profile.ts';

/** The host's view of one financial message and what became of it. */
export interface HostTransaction {
  /** Number in the host's own order. */
  readonly id: number;
  readonly batch: number;
  /** Key of the profile's transaction table: `sale`, `voidSale` … */
  readonly type: string;
  readonly mti: string;
  readonly tid: string;
  readonly merchant: string;
  readonly stan: string;
  readonly invoice: string;
  /** Names the card without telling its number. */
  readonly card: string;
  /** Masked. */
  readonly pan: string;
  amountMinor: number;
  /** What the terminal asked for, when a part of it was approved. */
  readonly requestedMinor?: number;
  readonly rrn: string;
  readonly approvalCode: string;
  readonly code: string;
  readonly atMs: number;
  /** `approved` counts; a declined one keeps its identity only. */
  state: 'approved' | 'declined' | 'voided' | 'reversed';
  /** Entry of the ledger that moved its money. */
  entry?: number;
  /** The transaction that a void, a completion or an adjustment refers to. */
  readonly original?: HostTransaction;
  /** Amount of the original before this adjustment. */
  readonly amountBefore?: number;
  /** The chip's proof of an offline approval was missing or wrong. */
  readonly flagged?: string;
}

export interface SideTotals {
  readonly count: number;
  readonly amountMinor: number;
}
export interface BatchTotals {
  readonly sales: SideTotals;
  readonly refunds: SideTotals;
}

/** A record of the terminal's upload. */
export interface UploadRecord {
  readonly originalMti: string;
  readonly originalStan: string;
  readonly originalRrn: string;
  readonly amountMinor: number;
  readonly invoice: string;
  /** Of the content, to tell a repeat from another record. */
  readonly digest: string;
}

/** What upload and host do not agree on. */
export interface BatchDifference {
  readonly kind: 'missing-at-host' | 'missing-at-terminal' | 'amount-differs';
  readonly stan: string;
  readonly hostAmountMinor?: number;
  readonly terminalAmountMinor?: number;
}

export interface Batch {
  /** Number in the host's own order. */
  readonly id: number;
  readonly tid: string;
  state: 'open' | 'uploading' | 'closed';
  /** The terminal's number, known once it settles. */
  number?: string;
  readonly transactions: HostTransaction[];
  /** Identities (STAN/invoice) in use: the message that took them. */
  readonly identities: Map<string, HostTransaction>;
  /** Identities that were reversed before they arrived. */
  readonly poisoned: Set<string>;
  readonly uploads: Map<string, UploadRecord>;
  /** Totals at closing. */
  totals?: BatchTotals;
  differences: readonly BatchDifference[];
}

export function newBatch(id: number, tid: string): Batch {
  return {
    id,
    tid,
    state: 'open',
    transactions: [],
    identities: new Map(),
    poisoned: new Set(),
    uploads: new Map(),
    differences: [],
  };
}

/** STAN and invoice: with the TID of the batch they name a transaction. */
export function identity(stan: string, invoice: string): string {
  return `${stan}/${invoice}`;
}

/** The transactions that the totals count: approved, and of a type that the profile counts. */
export function countedTransactions(batch: Batch, profile: HostProfile): readonly HostTransaction[] {
  return batch.transactions.filter(
    ({ state, type }) => state === 'approved' && sideOf(type, profile) !== undefined,
  );
}

/** Net totals of a batch: voids and what they took out are in neither side. */
export function batchTotals(batch: Batch, profile: HostProfile): BatchTotals {
  const sum = { sales: { count: 0, amountMinor: 0 }, refunds: { count: 0, amountMinor: 0 } };
  for (const transaction of countedTransactions(batch, profile)) {
    const side = sum[sideOf(transaction.type, profile) as 'sales' | 'refunds'];
    side.count++;
    side.amountMinor += transaction.amountMinor;
  }
  return sum;
}

/** The side of the totals that counts a type, if any. */
export function sideOf(type: string, profile: HostProfile): 'sales' | 'refunds' | undefined {
  const side = profile.transactions?.[type]?.totals;
  return side === 'sales' || side === 'refunds' ? side : undefined;
}

/** Reads the totals field of a settlement request. @returns `undefined` when it is too short or no digits */
export function readTotals(text: string, profile: HostProfile): BatchTotals | undefined {
  const layout = profile.totals;
  if (layout === undefined) return undefined;
  const width = layout.countDigits + layout.amountDigits;
  if (!/^\d+$/.test(text) || text.length < width * layout.pairs.length) return undefined;
  const totals = { sales: { count: 0, amountMinor: 0 }, refunds: { count: 0, amountMinor: 0 } };
  layout.pairs.forEach((side, i) => {
    const pair = text.slice(i * width, (i + 1) * width);
    totals[side] = {
      count: Number(pair.slice(0, layout.countDigits)),
      amountMinor: Number(pair.slice(layout.countDigits)),
    };
  });
  return totals;
}

export function sameTotals(a: BatchTotals, b: BatchTotals): boolean {
  return (['sales', 'refunds'] as const).every(
    (side) => a[side].count === b[side].count && a[side].amountMinor === b[side].amountMinor,
  );
}

/** Compares the upload with the host's own rows. */
export function compareUpload(batch: Batch, profile: HostProfile): readonly BatchDifference[] {
  const differences: BatchDifference[] = [];
  const unmatched = new Map([...batch.uploads.values()].map((record) => [record.originalStan, record]));
  for (const { stan, amountMinor } of countedTransactions(batch, profile)) {
    const record = unmatched.get(stan);
    unmatched.delete(stan);
    if (record === undefined) {
      differences.push({ kind: 'missing-at-terminal', stan, hostAmountMinor: amountMinor });
    } else if (record.amountMinor !== amountMinor) {
      differences.push({
        kind: 'amount-differs',
        stan,
        hostAmountMinor: amountMinor,
        terminalAmountMinor: record.amountMinor,
      });
    }
  }
  for (const { originalStan: stan, amountMinor } of unmatched.values()) {
    differences.push({ kind: 'missing-at-host', stan, terminalAmountMinor: amountMinor });
  }
  return differences;
}
