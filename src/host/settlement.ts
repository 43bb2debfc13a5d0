import { createHash } from 'node:crypto';
import { bytesField, type IsoMessage, textField } from '../iso8583/message.ts';
import type { HostProfile } from '../iso8583/profile.ts';
import { toHex } from '../platform/bytes.ts';
import { type Batch, type BatchTotals, compareUpload, readTotals, sameTotals } from './batch.ts';
import type { Books } from './books.ts';

/** Field 39 of the answer, and why. */
export interface SettlementOutcome {
  readonly code: string;
  readonly reason: string;
  readonly alarm?: boolean;
}

const BALANCED = '00';
const DUPLICATE = '94';
const NOT_BALANCED = '95';
const INVALID = '12';
const FORMAT = '30';

/**
 * Settlement request or trailer (host-protocol, 10.5). A batch closes when the stated totals are the host's own,
 * after an upload only when every record agrees as well. A request for a batch that is closed is a question.
 */
export function settle(
  request: IsoMessage,
  tid: string,
  books: Books,
  profile: HostProfile,
  nowMs: number,
  forcedCode: string | undefined,
): SettlementOutcome {
  const number = textField(request, 60);
  const stated = readTotals(textField(request, profile.totals?.field ?? 63) ?? '', profile);
  if (number === undefined || !/^\d{6}$/.test(number) || stated === undefined) {
    return { code: FORMAT, reason: 'batch number or totals unreadable' };
  }
  const batch = books.openBatch(tid);
  const trailer = textField(request, 3) === profile.transactions?.settlementTrailer?.processingCode;
  if (forcedCode !== undefined && forcedCode !== BALANCED) {
    if (forcedCode === NOT_BALANCED) beginUpload(batch, number);
    return { code: forcedCode, reason: 'by rule' };
  }
  const closed = batch.transactions.length === 0 ? books.closedBatch(tid, number) : undefined;
  if (closed !== undefined && batch.state === 'open') return answerAgain(closed, stated);
  if (trailer) return endUpload(batch, number, stated, books, profile, nowMs);
  const own = books.totals(batch);
  if (!sameTotals(own, stated)) {
    beginUpload(batch, number);
    return { code: NOT_BALANCED, reason: `host ${describeTotals(own)}, terminal ${describeTotals(stated)}` };
  }
  books.close(batch, number, nowMs);
  return { code: BALANCED, reason: `batch ${number} balanced` };
}

function answerAgain(closed: Batch, stated: BatchTotals): SettlementOutcome {
  const same = closed.totals !== undefined && sameTotals(closed.totals, stated);
  return same
    ? { code: BALANCED, reason: `batch ${closed.number} was closed before` }
    : { code: NOT_BALANCED, reason: `batch ${closed.number} was closed with other totals`, alarm: true };
}

/** Every upload starts again from the first record. */
function beginUpload(batch: Batch, number: string): void {
  batch.state = 'uploading';
  batch.number = number;
  batch.uploads.clear();
  batch.differences = [];
}

function endUpload(
  batch: Batch,
  number: string,
  stated: BatchTotals,
  books: Books,
  profile: HostProfile,
  nowMs: number,
): SettlementOutcome {
  if (batch.state !== 'uploading' || batch.number !== number) {
    return { code: INVALID, reason: 'a trailer without an upload' };
  }
  const own = books.totals(batch);
  batch.differences = compareUpload(batch, profile);
  if (!sameTotals(own, stated) || batch.differences.length > 0) {
    const reason = `host ${describeTotals(own)}, terminal ${describeTotals(stated)}, ${batch.differences.length} differences`;
    return { code: NOT_BALANCED, reason, alarm: true };
  }
  books.close(batch, number, nowMs);
  return { code: BALANCED, reason: `batch ${number} balanced after upload` };
}

/** One record of an upload. The same record again is answered as before. */
export function takeUpload(request: IsoMessage, batch: Batch): SettlementOutcome {
  const original = /^(\d{4})(\d{6})(.{12})$/.exec(textField(request, 60) ?? '');
  const amount = textField(request, 4);
  if (original === null || amount === undefined)
    return { code: FORMAT, reason: 'original data or amount unreadable' };
  if (batch.state !== 'uploading') return { code: INVALID, reason: 'no upload was asked for' };
  const [, originalMti, originalStan, originalRrn] = original as unknown as [string, string, string, string];
  const content = [2, 4, 12, 13, 14, 22, 25, 37, 38, 39, 60, 62].map(
    (field) => textField(request, field) ?? '',
  );
  const text = [...content, toHex(bytesField(request, 55) ?? new Uint8Array(0))].join('|');
  const digest = createHash('sha256').update(text).digest('hex');
  const known = batch.uploads.get(originalStan);
  if (known !== undefined && known.digest !== digest)
    return { code: DUPLICATE, reason: 'another record of that trace' };
  batch.uploads.set(originalStan, {
    originalMti,
    originalStan,
    originalRrn,
    amountMinor: Number(amount),
    invoice: textField(request, 62) ?? '',
    digest,
  });
  return { code: BALANCED, reason: 'record taken' };
}

function describeTotals({ sales, refunds }: BatchTotals): string {
  return `${sales.count}/${sales.amountMinor} and ${refunds.count}/${refunds.amountMinor}`;
}
