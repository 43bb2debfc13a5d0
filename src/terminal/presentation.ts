import { isPossumError } from '../platform/errors.ts';
import type { CardInterface, CardReader, Presentation } from '../ports/index.ts';
import type { TerminalContext } from './context.ts';

/** Within this time contact beats contactless beats stripe. */
const PRECEDENCE_MS = 100;
const PRECEDENCE: readonly CardInterface[] = ['contact', 'contactless', 'stripe'];

export interface Presented {
  readonly reader: CardReader | undefined;
  readonly presentation: Presentation;
}

/**
 * Waits on every reader at once; the first card wins and the other readers are idle before this resolves.
 * @throws PossumError `CANCELLED` when `signal` is aborted
 */
export async function awaitCard(
  context: TerminalContext,
  interfaces: readonly CardInterface[],
  signal: AbortSignal,
  deadlineMs: number,
): Promise<Presented> {
  const { trace } = context;
  if (trace.wants('state'))
    trace.emit({ kind: 'state', part: 'terminal', to: 'awaiting card', detail: interfaces.join(', ') });
  const readers = context.readers.filter((reader) => reader.interfaces.some((i) => interfaces.includes(i)));
  if (readers.length === 0)
    return { reader: undefined, presentation: { kind: 'offline', reason: 'no reader is bound' } };
  if (readers.length === 1) {
    const reader = readers[0] as CardReader;
    return { reader, presentation: await reader.awaitPresentation(interfaces, signal, deadlineMs) };
  }
  return firstOf(context, readers, interfaces, signal, deadlineMs);
}

async function firstOf(
  context: TerminalContext,
  readers: readonly CardReader[],
  interfaces: readonly CardInterface[],
  signal: AbortSignal,
  deadlineMs: number,
): Promise<Presented> {
  const others = new AbortController();
  const both = AbortSignal.any([signal, others.signal]);
  const results: Presented[] = [];
  let wake = () => {};
  const first = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const waits = readers.map(async (reader) => {
    try {
      results.push({ reader, presentation: await reader.awaitPresentation(interfaces, both, deadlineMs) });
      if (results.at(-1)?.presentation.kind !== 'offline' || results.length === readers.length) wake();
    } catch (cause) {
      if (!isPossumError(cause, 'CANCELLED')) throw cause;
      wake();
    }
  });
  await Promise.race([first, Promise.all(waits)]);
  if (
    !signal.aborted &&
    results.some((r) => r.presentation.kind === 'card' || r.presentation.kind === 'stripe')
  ) {
    await new Promise<void>((resolve) => context.clock.after(PRECEDENCE_MS, resolve));
  }
  others.abort();
  await Promise.all(waits);
  signal.throwIfAborted();
  return results.sort((a, b) => rank(a.presentation) - rank(b.presentation))[0] as Presented;
}

/** What was presented, best first; a reader that is offline or timed out comes last. */
function rank(presentation: Presentation): number {
  if (presentation.kind === 'card') return PRECEDENCE.indexOf(presentation.channel.interface);
  if (presentation.kind === 'stripe') return 2;
  if (presentation.kind === 'mute') return 3;
  if (presentation.kind === 'collision') return 4;
  return presentation.kind === 'timeout' ? 5 : 6;
}
