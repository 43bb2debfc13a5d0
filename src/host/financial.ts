import { dateParts } from '../platform/clock.ts';
import { type HostTransaction, identity } from './batch.ts';
import type { Books } from './books.ts';
import type { AuthorisationRequest, Decision, Issuer } from './issuer.ts';
import type { MessageKeys } from './key-guard.ts';
import type { FinancialRequest } from './request.ts';

/** What a financial message is answered with. */
export interface Outcome {
  readonly code: string;
  readonly reason: string;
  readonly rrn?: string;
  readonly approvalCode?: string;
  /** The cryptogram was checked: tag 91 can be made. */
  readonly chip?: Decision['chip'];
  readonly alarm?: boolean;
  /** Amount of a partial approval, minor units. */
  readonly amountMinor?: number;
  /** Available balance, minor units. */
  readonly balanceMinor?: number;
}

export interface FinancialServices {
  readonly books: Books;
  readonly issuer: Issuer;
  readonly nowMs: number;
  /** Twelve digits, never given twice. */
  nextRrn(): string;
  nextApprovalCode(): string;
  approves(code: string): boolean;
  /** Set by an answer rule. */
  readonly forced?: { readonly code: string; readonly amountMinor?: number };
  reversible(type: string): boolean;
  /** Whether the batch totals count it as a sale or refund. */
  counts(type: string): boolean;
  readonly pinKeys: MessageKeys;
}

const ISSUER_KIND: Readonly<Record<string, AuthorisationRequest['kind']>> = {
  balance: 'inquiry',
  sale: 'debit',
  cash: 'debit',
  refund: 'credit',
  preAuthorisation: 'hold',
  offlineSale: 'advice',
};

/** Decides and posts one financial message whose MAC and KSN are in order. */
export function processFinancial(request: FinancialRequest, services: FinancialServices): Outcome {
  const { books } = services;
  if (request.type === 'reversal') return reverse(request, services);
  const batch = books.openBatch(request.tid);
  const name = identity(request.stan, request.invoice);
  if (batch.poisoned.has(name)) return { code: '12', reason: 'was reversed before it arrived', alarm: true };
  if (batch.identities.has(name)) return { code: '94', reason: 'trace and invoice are taken', alarm: true };
  switch (request.type) {
    case 'voidSale':
    case 'voidRefund':
      return voidOriginal(request, services);
    case 'tipAdjustment':
      return adjust(request, services);
    case 'preAuthorisationCancel':
      return cancelHold(request, services);
    case 'completion':
    case 'completionAdvice':
      return complete(request, services);
    default:
      return authorise(request, services);
  }
}

/** Sale, cash, refund, pre-authorisation, balance and offline sale: the issuer decides. */
function authorise(request: FinancialRequest, services: FinancialServices): Outcome {
  const { books } = services;
  const amountMinor = services.forced?.amountMinor ?? request.amountMinor;
  const decision = decide(request, services);
  if (request.type === 'balance') {
    const card = services.issuer.card(request.pan);
    const balanceMinor =
      card === undefined ? undefined : books.spendable(card, services.issuer.name(request.pan));
    const known = services.approves(decision.code) && Number.isFinite(balanceMinor);
    return {
      ...decision,
      rrn: services.nextRrn(),
      ...(known ? { balanceMinor: balanceMinor as number } : {}),
    };
  }
  const isPartial = amountMinor !== request.amountMinor;
  const transaction = enter(request, services, decision, {
    amountMinor,
    ...(isPartial ? { requestedMinor: request.amountMinor } : {}),
  });
  if (transaction.state === 'approved') {
    if (request.type === 'refund') books.credit(transaction);
    else if (request.type === 'preAuthorisation') books.hold(transaction);
    else books.debit(transaction);
  }
  return { ...outcomeOf(transaction, decision), ...(isPartial ? { amountMinor } : {}) };
}

function decide(request: FinancialRequest, services: FinancialServices): Decision {
  const { books, issuer, forced } = services;
  const kind = ISSUER_KIND[request.type] ?? 'debit';
  if (request.amountMinor === 0 && kind !== 'inquiry') return { code: '13', reason: 'the amount is zero' };
  const { yymmdd } = dateParts(services.nowMs);
  const decision = issuer.decide(
    {
      kind,
      pan: request.pan,
      expiry: request.expiry,
      amountMinor: request.amountMinor,
      entryMode: request.entryMode,
      track2: request.track2,
      field55: request.field55,
      pinBlock: request.pinBlock,
      pinKeys: services.pinKeys,
      today: yymmdd.slice(0, 4),
    },
    (card, name) => books.spendable(card, name),
  );
  return forced === undefined ? decision : { ...decision, code: forced.code, reason: 'by rule' };
}

/** Enters the transaction under its identity, approved or declined. */
function enter(
  request: FinancialRequest,
  services: FinancialServices,
  decision: Decision,
  more: Partial<HostTransaction> = {},
): HostTransaction {
  const approved = services.approves(decision.code);
  const { type, mti, tid, merchant, stan, invoice, amountMinor } = request;
  return services.books.record({
    type,
    mti,
    tid,
    merchant,
    stan,
    invoice,
    ...services.issuer.name(request.pan),
    amountMinor,
    rrn: services.nextRrn(),
    approvalCode: approved ? (request.approvalCode ?? services.nextApprovalCode()) : '',
    code: decision.code,
    atMs: services.nowMs,
    state: approved ? 'approved' : 'declined',
    ...(decision.alarm === true ? { flagged: decision.reason } : {}),
    ...more,
  });
}

function outcomeOf(transaction: HostTransaction, decision: Decision): Outcome {
  return {
    ...decision,
    rrn: transaction.rrn,
    ...(transaction.approvalCode === '' ? {} : { approvalCode: transaction.approvalCode }),
  };
}

/** The answer without any effect on the original: entered, so that the identity is taken. */
function refuseEntered(
  request: FinancialRequest,
  services: FinancialServices,
  code: string,
  reason: string,
): Outcome {
  const decision = { code, reason };
  return outcomeOf(enter(request, services, decision), decision);
}

/** A void or adjustment names its original by invoice and reference number. */
function findOriginal(
  request: FinancialRequest,
  { books, issuer, counts }: FinancialServices,
): HostTransaction | undefined {
  const { card } = issuer.name(request.pan);
  return books
    .openBatch(request.tid)
    .transactions.find(
      (candidate) =>
        candidate.state === 'approved' &&
        counts(candidate.type) &&
        candidate.invoice === request.invoice &&
        candidate.rrn === request.rrn &&
        candidate.card === card,
    );
}

function voidOriginal(request: FinancialRequest, services: FinancialServices): Outcome {
  const { forced, books, nowMs } = services;
  if (forced !== undefined && !services.approves(forced.code)) {
    return refuseEntered(request, services, forced.code, 'by rule');
  }
  const original = findOriginal(request, services);
  const refund = original?.type === 'refund';
  if (original === undefined || refund !== (request.type === 'voidRefund')) {
    return refuseEntered(request, services, '25', 'original not found');
  }
  if (original.amountMinor !== request.amountMinor) {
    return refuseEntered(request, services, '64', 'not the amount of the original');
  }
  const decision = { code: forced?.code ?? '00', reason: `void of ${original.id}` };
  const transaction = enter(request, services, decision, { original });
  books.takeOut(original, 'voided', nowMs, 'void');
  return outcomeOf(transaction, decision);
}

/** The new amount replaces that of the original. */
function adjust(request: FinancialRequest, services: FinancialServices): Outcome {
  const { books, nowMs } = services;
  const original = findOriginal(request, services);
  if (original === undefined || original.type === 'refund') {
    return refuseEntered(request, services, '25', 'original not found');
  }
  const decision = { code: services.forced?.code ?? '00', reason: `adjusts ${original.id}` };
  const transaction = enter(request, services, decision, { original, amountBefore: original.amountMinor });
  if (transaction.state === 'approved') {
    books.takeOut(original, 'voided', nowMs, 'adjustment');
    original.amountMinor = request.amountMinor;
    books.restore(original, nowMs);
  }
  return outcomeOf(transaction, decision);
}

function cancelHold(request: FinancialRequest, services: FinancialServices): Outcome {
  const original = services.books.findHold(services.issuer.name(request.pan), request.approvalCode);
  if (original === undefined) return refuseEntered(request, services, '25', 'original not found');
  if (original.amountMinor !== request.amountMinor) {
    return refuseEntered(request, services, '64', 'not the amount of the original');
  }
  const decision = { code: services.forced?.code ?? '00', reason: `cancels ${original.id}` };
  const transaction = enter(request, services, decision, { original });
  if (transaction.state === 'approved') services.books.takeOut(original, 'voided', services.nowMs, 'cancel');
  return outcomeOf(transaction, decision);
}

/** The final amount of a pre-authorisation; the hold ends. */
function complete(request: FinancialRequest, services: FinancialServices): Outcome {
  const original = services.books.findHold(services.issuer.name(request.pan), request.approvalCode);
  if (original === undefined) return refuseEntered(request, services, '25', 'no pre-authorisation');
  const decision = { code: services.forced?.code ?? '00', reason: `completes ${original.id}` };
  const transaction = enter(request, services, decision, { original });
  if (transaction.state === 'approved') {
    services.books.takeOut(original, 'voided', services.nowMs, 'completion');
    services.books.debit(transaction);
  }
  return outcomeOf(transaction, decision);
}

/** A reversal is found by trace, invoice and amount; one of an unknown message keeps that message out for good. */
function reverse(request: FinancialRequest, services: FinancialServices): Outcome {
  const { books, forced, nowMs } = services;
  if (forced !== undefined && !services.approves(forced.code))
    return { code: forced.code, reason: 'by rule' };
  const batch = books.openBatch(request.tid);
  const name = identity(request.stan, request.invoice);
  const original = batch.identities.get(name);
  if (original === undefined) {
    batch.poisoned.add(name);
    return { code: '25', reason: 'original not found, kept out from now on' };
  }
  const { rrn } = original;
  // A reversal repeats its request: the amount that was asked for, whatever part of it was approved.
  const askedMinor = original.requestedMinor ?? original.amountMinor;
  if (askedMinor !== request.amountMinor && original.state !== 'declined') {
    return { code: '25', reason: 'the amount is not that of the original', alarm: true };
  }
  if (!services.reversible(original.type))
    return { code: '12', reason: 'cannot be reversed', rrn, alarm: true };
  if (original.state === 'approved') {
    const undone = original.original;
    books.takeOut(original, 'reversed', nowMs, 'reversal');
    if (undone !== undefined && undone.state === 'voided') books.restore(undone, nowMs);
  }
  return { code: '00', reason: `reversal of ${original.id}`, rrn };
}
