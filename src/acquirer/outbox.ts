import { textField } from '../iso8583/index.ts';
import type { OutboxKind, OutboxRow } from '../journal/outbox.ts';
import { type Answer, type Dialogue, type OutgoingMessage, openDialogue } from './dialogue.ts';
import { protectMessage, readStored, storeFrame } from './protection.ts';
import type { AcquirerContext } from './settings.ts';

export type Drained =
  | { readonly kind: 'drained'; readonly sent: number }
  /** Row `row` could not be finished; `noLine` when the host was not reached at all. */
  | { readonly kind: 'stuck'; readonly row: OutboxRow; readonly noLine: boolean; readonly code?: string };

/** Success of an advice: accepted, or known already. */
const ADVICE_DONE: readonly string[] = ['00', '94'];

/**
 * Sends what is due, in the order reversal, script result, advice (host-protocol section 9). What has no answer
 * stays due; nothing new may go online before it.
 * @param only leaves the other kinds for later
 */
export async function drainOutbox(
  context: AcquirerContext,
  signal: AbortSignal,
  only?: OutboxKind,
): Promise<Drained> {
  const rows = context.journal.outbox.due(only);
  if (rows.length === 0) return { kind: 'drained', sent: 0 };
  const line = new RepeatLine(context);
  try {
    for (const row of rows) {
      const stuck = await sendRow(context, line, row, signal);
      if (stuck !== undefined) return stuck;
    }
    return { kind: 'drained', sent: rows.length };
  } finally {
    await line.close();
  }
}

async function sendRow(
  context: AcquirerContext,
  line: RepeatLine,
  row: OutboxRow,
  signal: AbortSignal,
): Promise<Drained | undefined> {
  const outgoing = finishedFrame(context, row);
  if (outgoing === undefined) return { kind: 'stuck', row, noLine: false };
  const answer = await line.exchange(outgoing, signal);
  outgoing.key?.release();
  if (answer === undefined) return { kind: 'stuck', row, noLine: true };
  context.journal.commit('outbox try', () => context.journal.outbox.countTry(row.id));
  if (answer.kind === 'no-answer') return { kind: 'stuck', row, noLine: false };
  const code = textField(answer.message, 39);
  const rrn = textField(answer.message, 37);
  const done =
    row.kind === 'reversal' ? settleReversal(context, row, code) : settleAdvice(context, row, code, rrn);
  return done ? undefined : { kind: 'stuck', row, noLine: false, ...(code === undefined ? {} : { code }) };
}

/**
 * The frame of a row: built once, with a KSN of its own, when it first has to be sent; stored sealed, and
 * repeated byte for byte from then on.
 */
function finishedFrame(context: AcquirerContext, row: OutboxRow): OutgoingMessage | undefined {
  const { journal, secure } = context;
  const stored = readStored(context, row, journal.outbox.content(row));
  if (stored.kind === 'frame') return stored.outgoing;
  return journal.commit('outbox frame', () => {
    const key = secure.takeMessageKey();
    if (key === undefined) return undefined;
    const outgoing = protectMessage(context, stored.message, key);
    journal.outbox.replaceContent(row, storeFrame(outgoing, key, row));
    return outgoing;
  });
}

function settleReversal(
  { journal, profile, trace }: AcquirerContext,
  row: OutboxRow,
  code: string | undefined,
): boolean {
  const doneCodes = profile.reversalDoneCodes ?? ['00'];
  const done = code !== undefined && doneCodes.includes(code);
  const state = journal.transactions.find(row.transactionId)?.state;
  journal.commit('reversal answered', () => {
    if (done) {
      journal.outbox.close(row.id, 'DONE');
      journal.transactions.advance(row.transactionId, { state: 'REVERSED' });
    } else if (state === 'MUST_REVERSE') {
      journal.transactions.advance(row.transactionId, { state: 'NEEDS_OPERATOR' });
    }
  });
  if (!done) trace.emit({ kind: 'alarm', what: `the host refused a reversal with ${code ?? 'no code'}` });
  return done;
}

function settleAdvice(
  { journal, trace }: AcquirerContext,
  row: OutboxRow,
  code: string | undefined,
  rrn: string | undefined,
): boolean {
  // A MAC error is a fault of the line or the keys, not a refusal of the sale: the advice waits.
  if (code === undefined || code === 'A0') return false;
  journal.commit('advice answered', () => {
    if (ADVICE_DONE.includes(code)) {
      journal.outbox.close(row.id, 'DONE');
      if (rrn !== undefined) journal.transactions.setReference(row.transactionId, rrn);
    } else {
      journal.outbox.close(row.id, 'REJECTED');
      journal.transactions.advance(row.transactionId, { state: 'REJECTED', responseCode: code });
    }
  });
  if (!ADVICE_DONE.includes(code)) {
    trace.emit({ kind: 'alarm', what: `the host refused an offline sale with ${code}` });
  }
  return true;
}

/**
 * A connection for messages that may be repeated: kept over the messages of one occasion, opened again when it
 * was lost, with as many tries per message as configured.
 */
export class RepeatLine {
  readonly #context: AcquirerContext;
  #dialogue: Dialogue | undefined;

  constructor(context: AcquirerContext) {
    this.#context = context;
  }

  /** @returns `undefined` when no connection could be had */
  async exchange(outgoing: OutgoingMessage, signal: AbortSignal): Promise<Answer | undefined> {
    let answer: Answer | undefined;
    let tries = Math.max(this.#context.timeouts.repeats, 1);
    while (tries > 0) {
      const wasKept = this.#dialogue !== undefined;
      this.#dialogue ??= await openDialogue(this.#context, signal);
      if (this.#dialogue === undefined) return answer;
      answer = await this.#dialogue.exchange(outgoing, signal);
      if (answer.kind === 'answered') return answer;
      // Many hosts hang up after each answer: that a kept connection is gone is no try.
      if (!(wasKept && answer.reason === 'closed')) tries--;
      await this.close();
    }
    return answer;
  }

  async close(): Promise<void> {
    await this.#dialogue?.close();
    this.#dialogue = undefined;
  }
}
