import { chipFailed, FALLBACK_START, type FallbackState } from '../emv/magstripe/fallback.ts';
import { isPossumError } from '../platform/errors.ts';
import { formatAmount } from '../platform/money.ts';
import type { CardInterface } from '../ports/index.ts';
import { chipTransaction } from './chip.ts';
import { show, type TerminalContext } from './context.ts';
import { refusal } from './guards.ts';
import type { MessageId } from './messages.ts';
import { awaitCard } from './presentation.ts';
import { reportResult } from './report.ts';
import type { PurchaseRequest, Step, TransactionResult } from './result.ts';
import { stripeTransaction } from './stripe.ts';

const ALL: readonly CardInterface[] = ['contact', 'contactless', 'stripe'];
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
    return { code: 'REFUSED', reason: refused, message: refused, printed: true };
  }
  await freeReaders(context, signal);
  const result = await present(context, request, signal);
  context.secure.dropPin();
  return reportResult(context, request, result, signal);
}

/** A card that stayed behind from the last transaction is not taken for a new one. */
async function freeReaders(context: TerminalContext, signal: AbortSignal): Promise<void> {
  const deadline = context.clock.now() + REMOVAL_WAIT_MS;
  for (const reader of context.readers) {
    if (await reader.awaitRemoval(signal, context.clock.now())) continue;
    show(context, 'remove-card');
    await reader.awaitRemoval(signal, deadline);
  }
}

async function present(
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
  try {
    const { presentation } = await awaitCard(context, interfaces, signal, context.clock.now() + CARD_WAIT_MS);
    switch (presentation.kind) {
      case 'card':
        return await chipTransaction(context, request, presentation.channel, signal).finally(() =>
          presentation.channel.release(),
        );
      case 'stripe':
        return await stripeTransaction(context, request, presentation.tracks, fallback, signal);
      case 'mute':
        return { kind: 'chip-failed' };
      case 'collision':
        return { kind: 'again', message: 'one-card-only', interfaces };
      case 'timeout':
        return cancelledStep('no card was presented');
      case 'offline':
        return cancelledStep(`reader: ${presentation.reason}`);
    }
  } catch (cause) {
    if (isPossumError(cause, 'CANCELLED')) return cancelledStep('cancelled');
    throw cause;
  }
}

function cancelledStep(reason: string): Step {
  return { kind: 'end', result: { code: 'CANCELLED', reason, message: 'cancelled' } };
}
