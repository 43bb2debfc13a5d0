import { type IsoMessage, isoMessage, type ProfileTransaction } from '../iso8583/index.ts';
import type { CardData, TransactionRecord } from '../journal/transactions.ts';
import { fromLatin1 } from '../platform/bytes.ts';
import { dateParts } from '../platform/clock.ts';
import { PossumError } from '../platform/errors.ts';
import type { Secret } from '../platform/secret.ts';
import type { AcquirerContext, AcquirerIdentity } from './settings.ts';

/** What is sent online: the names are those of the profile's transaction table. */
export type OnlineKind = 'sale' | 'refund' | 'voidSale' | 'voidRefund';

/** One financial request, before it is protected by a key. */
export interface FinancialRequest {
  readonly kind: OnlineKind;
  readonly stan: number;
  readonly invoice: number;
  readonly amountMinor: number;
  /** Field 22, three digits. */
  readonly entryMode: string;
  readonly card: CardData;
  /** Track 2 or its chip equivalent, separator `=`, without filler; lives until the request is packed. */
  readonly track2?: Secret;
  /** Retrieval reference of the original of a void. */
  readonly originalRrn?: string;
}

/**
 * A row of the profile's transaction table.
 * @throws PossumError `CONFIG` when the profile does not know the transaction
 */
export function transactionRow(context: Pick<AcquirerContext, 'profile'>, name: string): ProfileTransaction {
  const row = context.profile.transactions?.[name];
  if (row === undefined) {
    throw new PossumError('CONFIG', `the profile has no transaction "${name}"`, {
      where: `profile ${context.profile.name}`,
      remedy: 'Add it to `transactions` or use another profile.',
    });
  }
  return row;
}

/** Digits of a number, as many as the field has. */
export function digits(value: number, length: number): string {
  return String(value).padStart(length, '0');
}

/** Fields 41 and 42 (host-protocol section 2). */
export function identityFields(identity: AcquirerIdentity): { 41: string; 42: string } {
  return { 41: identity.terminalId.padEnd(8), 42: identity.merchantId.padEnd(15) };
}

/** A sale, refund or void without PIN block, KSN and MAC (host-protocol 15.1). */
export function financialMessage(context: AcquirerContext, request: FinancialRequest): IsoMessage {
  const row = transactionRow(context, request.kind);
  const track2 = request.track2 === undefined ? undefined : fromLatin1(request.track2.reveal());
  const message = commonMessage(context, row.mti, row, request);
  if (track2 === undefined) message.fields[2] = request.card.pan.reveal();
  message.fields[35] = track2;
  message.fields[37] = request.originalRrn;
  message.fields[55] = request.card.chip;
  return message;
}

/** The reversal of a request: the original's fields without track, PIN and chip data (15.1). */
export function reversalMessage(context: AcquirerContext, request: FinancialRequest): IsoMessage {
  const row = transactionRow(context, request.kind);
  const message = commonMessage(context, context.profile.reversalMti ?? '0400', row, request);
  message.fields[2] = request.card.pan.reveal();
  return message;
}

/** The advice of a sale that was approved offline, with the moment of its approval (15.1). */
export function adviceMessage(
  context: AcquirerContext,
  record: TransactionRecord,
  card: CardData,
): IsoMessage {
  const row = transactionRow(context, 'offlineSale');
  const { hhmmss, mmdd } = dateParts(record.atMs);
  const message = commonMessage(context, row.mti, row, { ...record, card });
  message.fields[2] = card.pan.reveal();
  message.fields[12] = hhmmss;
  message.fields[13] = mmdd;
  message.fields[38] = record.approvalCode;
  message.fields[55] = card.chip;
  return message;
}

type CommonData = Pick<FinancialRequest, 'stan' | 'invoice' | 'amountMinor' | 'entryMode' | 'card'>;

function commonMessage(
  { identity, profile }: AcquirerContext,
  mti: string,
  row: ProfileTransaction,
  data: CommonData,
): IsoMessage {
  return isoMessage(mti, {
    3: row.processingCode,
    4: digits(data.amountMinor, 12),
    11: digits(data.stan, 6),
    14: data.card.expiry,
    22: data.entryMode,
    23: data.card.sequenceNumber,
    24: profile.nii,
    25: row.condition,
    ...identityFields(identity),
    49: identity.currency,
    62: digits(data.invoice, 6),
  });
}
