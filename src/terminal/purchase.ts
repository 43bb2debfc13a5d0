import { chipFailed, FALLBACK_START, type FallbackState } from '../emv/magstripe/fallback.ts';
import { NEVER } from '../platform/clock.ts';
import { isPossumError } from '../platform/errors.ts';
import { formatAmount } from '../platform/money.ts';
import type { CardChannel, CardInterface, Presentation } from '../ports/index.ts';
import { chipTransaction } from './chip.ts';
import { show, type TerminalContext } from './context.ts';
import { refusal, refusalReason } from './guards.ts';
import type { MessageId } from './messages.ts';
import { awaitCard } from './presentation.ts';
import { reportResult } from './report.ts';
import type { PurchaseRequest, Step, TransactionResult } from './result.ts';
import { stripeTransaction } from './stripe.ts';

const ALL: readonly CardInterface[] = ['contact', 'contactless', 'stripe'];
/** Presentations after which something lies in the reader. */
const HOLDS_CARD: readonly Presentation['kind'][] = ['card', 'mute', 'collision'];
const CARD_WAIT_MS = 60_000;
const REMOVAL_WAIT_MS = 30_000;
/** Presentations of one transaction before it is given up. */
const MAX_PRESENTATIONS = 10;

/**
 * A sale or refund from the first prompt to the slip. Nothing is told before it is durable.
 * @param signal aborting it cancels while a card or a key is awaited
 */
export async function purchase(
  context: TerminalContext,
  request: PurchaseRequest,
  signal: AbortSignal,
): Promise<TransactionResult> {
  const refused = refusal(context);
  if (refused !== undefined) {
    show(context, refused);
    return { code: 'REFUSED', reason: refusalReason(context, refused), message: refused, printed: true };
  }
  const result = await present(context, request, signal).finally(() => context.secure.dropPin());
  // What is decided is told in full: a cancel key that comes later stops neither slip nor reversal.
  const reported = await reportResult(context, request, result, NEVER);
  await freeReaders(context, NEVER);
  return reported;
}

/** Waits until the card that was used last is taken: it is not to be taken for a new one. */
async function freeReaders(context: TerminalContext, signal: AbortSignal): Promise<void> {
  const { clock, trace, usedReaders } = context;
  for (const reader of usedReaders) {
    if (!(await reader.awaitRemoval(signal, clock.now()))) {
      show(context, 'remove-card');
      if (trace.wants('state')) trace.emit({ kind: 'state', part: 'terminal', to: 'awaiting removal' });
      if (!(await reader.awaitRemoval(signal, clock.now() + REMOVAL_WAIT_MS))) continue;
    }
    usedReaders.delete(reader);
  }
}

async function present(
  context: TerminalContext,
  request: PurchaseRequest,
  signal: AbortSignal,
): Promise<Omit<TransactionResult, 'printed'>> {
  try {
    await freeReaders(context, signal);
    return await presentCards(context, request, signal);
  } catch (cause) {
    if (!isPossumError(cause, 'CANCELLED')) throw cause;
    return { code: 'CANCELLED', reason: 'cancelled', message: 'cancelled' };
  }
}

async function presentCards(
  context: TerminalContext,
  request: PurchaseRequest,
  signal: AbortSignal,
): Promise<Omit<TransactionResult, 'printed'>> {
  let interfaces = ALL;
  let prompt: MessageId = 'present-card';
  let fallback: FallbackState = FALLBACK_START;
  const { exponent } = context.settings.currency;
  for (let tries = 0; tries < MAX_PRESENTATIONS; tries++) {
    show(context, prompt, formatAmount(request.amountMinor, exponent));
    const step = await oneCard(context, request, interfaces, fallback, signal);
    if (step.kind === 'end') return step.result;
    if (step.kind === 'again') {
      prompt = step.message;
      interfaces = step.interfaces;
    } else {
      const failed = chipFailed(fallback);
      fallback = failed.state;
      prompt = failed.next === 'use-stripe' ? 'swipe-card' : 'insert-or-swipe';
      interfaces = failed.next === 'use-stripe' ? ['stripe'] : ['contact', 'stripe'];
    }
  }
  return { code: 'CANCELLED', reason: 'too many tries', message: 'cancelled' };
}

async function oneCard(
  context: TerminalContext,
  request: PurchaseRequest,
  interfaces: readonly CardInterface[],
  fallback: FallbackState,
  signal: AbortSignal,
): Promise<Step> {
  const deadlineMs = context.clock.now() + CARD_WAIT_MS;
  const { reader, presentation } = await awaitCard(context, interfaces, signal, deadlineMs);
  if (reader !== undefined && HOLDS_CARD.includes(presentation.kind)) context.usedReaders.add(reader);
  switch (presentation.kind) {
    case 'card':
      return withChip(context, request, presentation.channel, signal);
    case 'stripe':
      return stripeTransaction(context, request, presentation.tracks, fallback, signal);
    case 'mute':
      await freeReaders(context, signal);
      return { kind: 'chip-failed' };
    case 'collision':
      await freeReaders(context, signal);
      return { kind: 'again', message: 'one-card-only', interfaces };
    case 'timeout':
      return cancelledStep('no card was presented');
    case 'offline':
      return cancelledStep(`reader: ${presentation.reason}`);
  }
}

async function withChip(
  context: TerminalContext,
  request: PurchaseRequest,
  channel: CardChannel,
  signal: AbortSignal,
): Promise<Step> {
  const step = await chipTransaction(context, request, channel, signal).finally(() => channel.release());
  // A chip that failed has to come out and in again, a phone to be looked at; only then is it another try.
  const takenAway = step.kind === 'again' && step.removeFirst === true;
  if (takenAway) show(context, step.message);
  if (step.kind === 'chip-failed' || takenAway) await freeReaders(context, signal);
  return step;
}

function cancelledStep(reason: string): Step {
  return { kind: 'end', result: { code: 'CANCELLED', reason, message: 'cancelled' } };
}
