import { type IsoMessage, isoMessage, textField } from '../iso8583/index.ts';
import type { BatchRecord, SettlementSlip } from '../journal/batches.ts';
import type { BatchTotals, TransactionRecord } from '../journal/transactions.ts';
import { dateParts } from '../platform/clock.ts';
import { PossumError } from '../platform/errors.ts';
import { digits, identityFields, transactionRow } from './messages.ts';
import { drainOutbox, RepeatLine } from './outbox.ts';
import type { AcquirerContext } from './settings.ts';

export type Settlement =
  | { readonly kind: 'settled'; readonly slip: SettlementSlip; readonly batchId: number }
  | { readonly kind: 'empty' }
  /** The batch stays open and must be settled; `code` is what the host said. */
  | {
      readonly kind: 'failed';
      readonly reason: 'no-line' | 'no-answer' | 'outbox' | 'refused' | 'upload-refused' | 'still-different';
      readonly code?: string;
    };

/** Called before each step that the operator sees. */
export type SettlementProgress = (
  step: 'outbox' | 'totals' | 'upload' | 'trailer',
  done: number,
  of: number,
) => void;

/**
 * Settles the open batch (host-protocol 10.5 and 15.5): outboxes first, then 0500 with totals recomputed from
 * the rows; when the host differs, every live transaction as 0320, then the trailer. A batch is closed only when
 * the host agrees.
 * @throws PossumError `STORAGE` when the journal was altered: nothing is uploaded
 */
export async function settleBatch(
  context: AcquirerContext,
  signal: AbortSignal,
  progress: SettlementProgress = () => {},
): Promise<Settlement> {
  const { journal, clock } = context;
  journal.outbox.verifyChain();
  progress('outbox', 0, journal.outbox.waiting());
  const drained = await drainOutbox(context, signal);
  if (drained.kind === 'stuck') {
    return {
      kind: 'failed',
      reason: drained.noLine ? 'no-line' : 'outbox',
      ...(drained.code === undefined ? {} : { code: drained.code }),
    };
  }
  const batch = journal.commit('batch', () => journal.batches.ensureOpen(clock.now()));
  if (batch.state === 'OPEN' && journal.transactions.list({ batchId: batch.id }).length === 0)
    return { kind: 'empty' };
  const line = new RepeatLine(context);
  try {
    return await new BatchSettlement(context, line, batch, progress).run(signal);
  } finally {
    await line.close();
  }
}

class BatchSettlement {
  readonly #context: AcquirerContext;
  readonly #line: RepeatLine;
  readonly #batch: BatchRecord;
  readonly #progress: SettlementProgress;
  readonly #totals: BatchTotals;

  constructor(context: AcquirerContext, line: RepeatLine, batch: BatchRecord, progress: SettlementProgress) {
    this.#context = context;
    this.#line = line;
    this.#batch = batch;
    this.#progress = progress;
    this.#totals = context.journal.transactions.totals(batch.id);
  }

  async run(signal: AbortSignal): Promise<Settlement> {
    this.#progress('totals', 0, 1);
    const verdict = await this.#sendTotals('settlement', signal);
    if (typeof verdict !== 'string') return verdict;
    if (verdict === '00') return this.#close('balanced', 0);
    if (verdict !== '95') return this.#failed('refused', verdict);
    const live = this.#live();
    const refused = await this.#upload(live, signal);
    if (refused !== undefined) return refused;
    this.#progress('trailer', 0, 1);
    const last = await this.#sendTotals('settlementTrailer', signal);
    if (typeof last !== 'string') return last;
    if (last === '00') return this.#close('balanced after upload', live.length);
    return this.#failed(last === '95' ? 'still-different' : 'refused', last);
  }

  /** Approved and neither voided nor a void: what the net totals count. */
  #live(): readonly TransactionRecord[] {
    return this.#context.journal.transactions
      .list({ batchId: this.#batch.id, state: 'APPROVED' })
      .filter((record) => record.kind !== 'void' && record.voidedBy === undefined);
  }

  async #sendTotals(
    name: 'settlement' | 'settlementTrailer',
    signal: AbortSignal,
  ): Promise<string | Settlement> {
    const { journal } = this.#context;
    const stan = journal.commit('must settle', () => {
      journal.batches.markMustSettle(this.#batch.id);
      return journal.counters.next('stan');
    });
    return this.#ask(this.#totalsMessage(name, stan), signal);
  }

  #totalsMessage(name: 'settlement' | 'settlementTrailer', stan: number): IsoMessage {
    const row = transactionRow(this.#context, name);
    const { profile, identity } = this.#context;
    return isoMessage(row.mti, {
      3: row.processingCode,
      11: digits(stan, 6),
      24: profile.nii,
      ...identityFields(identity),
      60: digits(this.#batch.number, 6),
      [profile.totals?.field ?? 63]: totalsText(this.#context, this.#totals),
    });
  }

  async #upload(live: readonly TransactionRecord[], signal: AbortSignal): Promise<Settlement | undefined> {
    const { journal } = this.#context;
    const stans = journal.commit('upload', () => live.map(() => journal.counters.next('stan')));
    for (const [index, record] of live.entries()) {
      this.#progress('upload', index, live.length);
      const message = uploadMessage(this.#context, record, stans[index] as number, index === live.length - 1);
      const code = await this.#ask(message, signal);
      if (typeof code !== 'string') return code;
      if (code !== '00' && code !== '94') return this.#failed('upload-refused', code);
    }
    return undefined;
  }

  /** Field 39 of the answer, or the failure. A lost connection is no try that counts. */
  async #ask(message: IsoMessage, signal: AbortSignal): Promise<string | Settlement> {
    const packed = this.#context.codec.pack(message);
    const answer = await this.#line.exchange({ message, packed }, signal);
    if (answer === undefined) return { kind: 'failed', reason: 'no-line' };
    if (answer.kind === 'no-answer') return { kind: 'failed', reason: 'no-answer' };
    return textField(answer.message, 39) ?? this.#failed('refused');
  }

  #failed(reason: 'refused' | 'upload-refused' | 'still-different', code?: string): Settlement {
    const { journal } = this.#context;
    journal.commit('settlement failed', () => journal.batches.countFailure(this.#batch.id));
    return { kind: 'failed', reason, ...(code === undefined ? {} : { code }) };
  }

  #close(hostTotals: 'balanced' | 'balanced after upload', uploaded: number): Settlement {
    const { journal, clock, identity } = this.#context;
    const slip: SettlementSlip = {
      batch: this.#batch.number,
      totals: this.#totals,
      currency: identity.currency,
      uploaded,
      hostTotals,
    };
    journal.commit('batch closed', () => {
      journal.batches.close(this.#batch.id, slip, clock.now());
      journal.transactions.forgetCards(this.#batch.id);
    });
    return { kind: 'settled', slip, batchId: this.#batch.id };
  }
}

/** Field 63: count and amount per pair, zero-filled (host-protocol 10.5). */
function totalsText({ profile }: AcquirerContext, totals: BatchTotals): string {
  const layout = profile.totals;
  if (layout === undefined) {
    throw new PossumError('CONFIG', 'the profile states no totals', { where: `profile ${profile.name}` });
  }
  const values = {
    sales: [totals.salesCount, totals.salesMinor],
    refunds: [totals.refundsCount, totals.refundsMinor],
  } as const;
  const text = layout.pairs
    .map((pair) => digits(values[pair][0], layout.countDigits) + digits(values[pair][1], layout.amountDigits))
    .join('');
  return text.padEnd(layout.length, '0');
}

/** One live transaction of the batch; the last digit of field 3 tells whether more follow. */
function uploadMessage(
  context: AcquirerContext,
  record: TransactionRecord,
  stan: number,
  isLast: boolean,
): IsoMessage {
  const { profile, identity, journal } = context;
  const original = transactionRow(context, originalKind(record));
  const card = journal.transactions.cardData(record.id);
  const { hhmmss, mmdd } = dateParts(record.atMs);
  return isoMessage(profile.batchUploadMti ?? '0320', {
    2: card.pan.reveal(),
    3: original.processingCode.slice(0, 5) + (isLast ? '0' : '1'),
    4: digits(record.amountMinor, 12),
    11: digits(stan, 6),
    12: hhmmss,
    13: mmdd,
    14: card.expiry,
    22: record.entryMode,
    24: profile.nii,
    25: original.condition,
    37: record.rrn,
    38: record.approvalCode,
    39: record.responseCode ?? '00',
    ...identityFields(identity),
    55: card.chip,
    60: original.mti + digits(record.stan, 6) + (record.rrn ?? '').padEnd(12),
    62: digits(record.invoice, 6),
  });
}

function originalKind(record: TransactionRecord): string {
  if (record.kind === 'refund') return 'refund';
  return record.online ? 'sale' : 'offlineSale';
}
