import type { Authorisation } from '../acquirer/authorisation.ts';
import { type FallbackState, judgeSwipe } from '../emv/magstripe/fallback.ts';
import { readServiceCode } from '../emv/magstripe/service-code.ts';
import { readStripe, type StripeCard } from '../emv/magstripe/stripe-card.ts';
import type { CvmMethod } from '../emv/transaction.ts';
import { latin1 } from '../platform/bytes.ts';
import { NEVER } from '../platform/clock.ts';
import { Secret } from '../platform/secret.ts';
import type { StripeTracks } from '../ports/index.ts';
import { show, type TerminalContext } from './context.ts';
import {
  ENTRY,
  entryModeField,
  finishAttempt,
  hostWantsPinAgain,
  MAX_ONLINE_PIN_TRIES,
  noAnswerText,
  sendOnline,
} from './online.ts';
import { onlinePin } from './pin-limit.ts';
import type { PurchaseRequest, Step } from './result.ts';

/** A swiped card: online only, verified by PIN or signature as its service code says. */
export async function stripeTransaction(
  context: TerminalContext,
  request: PurchaseRequest,
  tracks: StripeTracks,
  fallback: FallbackState,
  signal: AbortSignal,
): Promise<Step> {
  const stripe = readStripe(tracks);
  if (!stripe.ok) return end('CARD_ERROR', stripe.problem.message);
  const { card } = stripe;
  const judgement = judgeSwipe(fallback, card.serviceCode ?? '', readsChips(context));
  if (judgement.kind === 'insert-chip') {
    return { kind: 'again', message: 'insert-card', interfaces: ['contact', 'contactless', 'stripe'] };
  }
  const entry = judgement.fallback ? ENTRY.fallback : ENTRY.stripe;
  for (let pinTry = 1; ; pinTry++) {
    const cvm = await verifyCardholder(context, request, card, pinTry > 1, signal);
    if (cvm === 'cancelled') return end('CANCELLED', 'the cardholder cancelled');
    show(context, 'authorising');
    const online = await sendOnline(
      context,
      {
        kind: request.kind,
        onlineKind: request.kind,
        amountMinor: request.amountMinor,
        entryMode: entryModeField(entry, cvm),
        card: { pan: card.pan, ...(card.expiry === undefined ? {} : { expiry: card.expiry }) },
        ...(card.track2 === undefined ? {} : { track2: new Secret(latin1(card.track2), 'track 2') }),
        detail: { interface: 'stripe', cvm: cvm === 'online-pin' ? 'online-pin' : 'signature' },
      },
      NEVER,
    );
    const step = finishSwipe(context, online, cvm);
    if (!hostWantsPinAgain(context, online) || cvm !== 'online-pin' || pinTry >= MAX_ONLINE_PIN_TRIES)
      return step;
  }
}

async function verifyCardholder(
  context: TerminalContext,
  request: PurchaseRequest,
  card: StripeCard,
  afterWrongPin: boolean,
  signal: AbortSignal,
): Promise<CvmMethod | 'cancelled'> {
  if (request.kind === 'refund' || readServiceCode(card.serviceCode ?? '').pin === 'not-required')
    return 'signature';
  const { code, exponent } = context.settings.currency;
  const entry = await onlinePin(
    context,
    {
      pan: card.pan,
      amountMinor: request.amountMinor,
      currency: code,
      exponent,
      ...(afterWrongPin ? { hint: 'wrong-pin' as const } : {}),
    },
    signal,
  );
  if (entry.kind === 'entered') return 'online-pin';
  return entry.kind === 'cancelled' || entry.kind === 'timeout' ? 'cancelled' : 'signature';
}

function finishSwipe(context: TerminalContext, online: Authorisation, cvm: CvmMethod): Step {
  const record = finishAttempt(context, online, true);
  const withRecord = record === undefined ? {} : { record };
  if (online.kind === 'not-sent') return notSent(online.reason);
  if (online.kind === 'no-answer') {
    return {
      kind: 'end',
      result: { code: 'REVERSED', reason: noAnswerText(online), message: 'no-answer', ...withRecord },
    };
  }
  const { approved, code } = online.decision;
  const reason = `the host answered ${code}`;
  if (!approved)
    return { kind: 'end', result: { code: 'DECLINED_ONLINE', reason, message: 'declined', ...withRecord } };
  const message = cvm === 'online-pin' ? 'approved' : 'approved-sign';
  return { kind: 'end', result: { code: 'APPROVED_ONLINE', reason, message, ...withRecord } };
}

function notSent(reason: Extract<Authorisation, { kind: 'not-sent' }>['reason']): Step {
  if (reason === 'card-data') return end('CARD_ERROR', 'the track fits no message');
  if (reason === 'no-key') return end('DECLINED_OFFLINE', 'the secure module has no key left', 'no-keys');
  return end('DECLINED_OFFLINE', 'no line to the host', 'no-line');
}

function readsChips(context: TerminalContext): boolean {
  return context.readers.some((reader) => reader.interfaces.includes('contact'));
}

function end(
  code: 'CARD_ERROR' | 'CANCELLED' | 'DECLINED_OFFLINE',
  reason: string,
  message: 'card-error' | 'cancelled' | 'no-line' | 'no-keys' = code === 'CANCELLED'
    ? 'cancelled'
    : 'card-error',
): Step {
  return { kind: 'end', result: { code, reason, message } };
}
