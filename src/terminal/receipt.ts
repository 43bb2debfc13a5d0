import type { SettlementSlip } from '../journal/batches.ts';
import type { TransactionRecord } from '../journal/transactions.ts';
import { dateParts } from '../platform/clock.ts';
import { currencyLetters, formatAmount } from '../platform/money.ts';
import type { PrintLine } from '../ports/index.ts';
import type { TerminalSettings } from './config.ts';

export const TEST_BANNER = 'TEST - NOT A PAYMENT';

export type ReceiptCopy = 'customer' | 'merchant';

type SlipSettings = Pick<TerminalSettings, 'tid' | 'merchant' | 'currency'>;

const TITLES = { sale: 'SALE', refund: 'REFUND', void: 'VOID' } as const;

const ENTRY_MODES: Readonly<Record<string, string>> = {
  '01': 'Keyed',
  '02': 'Swiped',
  '05': 'Chip',
  '07': 'Contactless',
  '80': 'Fallback swipe',
};

/**
 * The slip of a finished transaction, from its row: a reprint shows what the first print showed.
 * @param batchNumber the number of the row's batch
 */
export function receipt(
  settings: SlipSettings,
  record: TransactionRecord,
  batchNumber: number,
  copy: ReceiptCopy,
  duplicate = false,
): readonly SlipLine[] {
  const { detail } = record;
  return [
    ...heading(settings),
    ...(duplicate ? [center('DUPLICATE', true)] : []),
    center(TITLES[record.kind], true),
    ...when(record.atMs),
    pair('Card', record.card),
    pair('Entry', ENTRY_MODES[record.entryMode.slice(0, 2)] ?? record.entryMode),
    ...optional('Application', detail.label),
    ...optional('AID', detail.aid),
    ...optional('Cryptogram', detail.cryptogram),
    ...optional('TVR', detail.tvr),
    pair('Batch', six(batchNumber)),
    pair('Invoice', six(record.invoice)),
    pair('STAN', six(record.stan)),
    ...optional('RRN', record.rrn),
    ...optional('Approval', record.approvalCode),
    rule(),
    pair(
      `Amount ${currencyLetters(record.currency)}`,
      formatAmount(record.amountMinor, settings.currency.exponent),
    ),
    center(verdict(record), true),
    ...verification(record, copy),
    center(copy === 'customer' ? 'CUSTOMER COPY' : 'MERCHANT COPY'),
    center(TEST_BANNER),
  ];
}

/** The end-of-day slip. */
export function settlementSlip(
  settings: SlipSettings,
  slip: SettlementSlip,
  atMs: number,
  duplicate = false,
): readonly SlipLine[] {
  const { totals } = slip;
  const amount = (minor: number) => formatAmount(minor, settings.currency.exponent);
  return [
    ...heading(settings),
    ...(duplicate ? [center('DUPLICATE', true)] : []),
    center('SETTLEMENT', true),
    ...when(atMs),
    pair('Batch', six(slip.batch)),
    pair(`Sales     ${totals.salesCount}`, amount(totals.salesMinor)),
    pair(`Refunds   ${totals.refundsCount}`, amount(totals.refundsMinor)),
    rule(),
    pair(`Net ${currencyLetters(slip.currency)}`, amount(totals.salesMinor - totals.refundsMinor)),
    pair('Uploaded', String(slip.uploaded)),
    center(`HOST: ${slip.hostTotals.toUpperCase()}`, true),
    center(TEST_BANNER),
  ];
}

/** The slip of a transaction that left no row: declined by the card or cancelled before it was sent. */
export function declinedSlip(
  settings: SlipSettings,
  what: {
    readonly kind: 'sale' | 'refund';
    readonly amountMinor: number;
    readonly atMs: number;
    readonly reason: string;
  },
): readonly SlipLine[] {
  return [
    ...heading(settings),
    center(TITLES[what.kind], true),
    ...when(what.atMs),
    pair(
      `Amount ${currencyLetters(settings.currency.code)}`,
      formatAmount(what.amountMinor, settings.currency.exponent),
    ),
    center('DECLINED', true),
    center(what.reason),
    center(TEST_BANNER),
  ];
}

/** A line of a slip before it is laid out: text, two columns, or a rule across. */
export type SlipLine =
  | PrintLine
  | { readonly left: string; readonly right: string }
  | { readonly rule: true };

/** Lays a slip out for a printer or a screen of `columns` characters. */
export function layOut(slip: readonly SlipLine[], columns: number): readonly PrintLine[] {
  return slip.flatMap((line): PrintLine[] => {
    if ('rule' in line) return [{ text: '-'.repeat(columns) }];
    if (!('left' in line)) return [line];
    const gap = columns - line.left.length - line.right.length;
    if (gap >= 1) return [{ text: line.left + ' '.repeat(gap) + line.right }];
    return [{ text: line.left }, { text: line.right, align: 'right' }];
  });
}

/** A slip as plain text. */
export function slipText(slip: readonly SlipLine[], columns = 40): string {
  const aligned = ({ text, align }: PrintLine) => {
    if (align === 'right') return text.padStart(columns);
    return align === 'center'
      ? (' '.repeat(Math.max(0, (columns - text.length) >> 1)) + text).trimEnd()
      : text;
  };
  return layOut(slip, columns).map(aligned).join('\n');
}

function heading({ tid, merchant }: SlipSettings): SlipLine[] {
  return [
    center(TEST_BANNER, true),
    center(printable(merchant.name), true),
    ...merchant.address.map((part) => center(printable(part))),
    pair('Merchant', merchant.id),
    pair('Terminal', tid),
  ];
}

function when(atMs: number): SlipLine[] {
  const { isoDate, isoTime } = dateParts(atMs);
  return [pair(isoDate, isoTime)];
}

function verdict(record: TransactionRecord): string {
  if (record.voidedBy !== undefined) return 'APPROVED, LATER VOIDED';
  if (record.state === 'APPROVED') return record.online ? 'APPROVED' : 'APPROVED OFFLINE';
  if (record.state === 'DECLINED')
    return `DECLINED${record.responseCode === undefined ? '' : ` ${record.responseCode}`}`;
  if (record.state === 'REJECTED') return 'REFUSED BY THE HOST';
  return 'NOT APPROVED, REVERSED';
}

function verification(record: TransactionRecord, copy: ReceiptCopy): SlipLine[] {
  if (record.state !== 'APPROVED') return [];
  if (record.detail.cvm === 'online-pin' || record.detail.cvm === 'offline-pin')
    return [center('PIN VERIFIED')];
  if (record.detail.cvm === 'cdcvm') return [center('VERIFIED ON DEVICE')];
  if (record.detail.cvm === 'signature' && copy === 'merchant')
    return [{ text: '' }, { text: 'Signature: ______________________' }];
  return [];
}

/** Text of files and cards as a slip may show it: no control characters. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, ' ');
}

function center(text: string, bold = false): PrintLine {
  return { text, align: 'center', ...(bold ? { bold } : {}) };
}

function pair(left: string, right: string): SlipLine {
  return { left, right: printable(right) };
}

function optional(left: string, right: string | undefined): SlipLine[] {
  return right === undefined || right === '' ? [] : [pair(left, right)];
}

function rule(): SlipLine {
  return { rule: true };
}

function six(value: number): string {
  return String(value).padStart(6, '0');
}
