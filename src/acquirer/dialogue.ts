import {
  bytesField,
  FrameSplitter,
  frame,
  type IsoMessage,
  macInput,
  minimumBody,
  openBody,
  requestRouting,
  traceFields,
  wrapMessage,
} from '../iso8583/index.ts';
import { type Clock, NEVER, until } from '../platform/clock.ts';
import { isPossumError } from '../platform/errors.ts';
import type { ByteStream } from '../ports/index.ts';
import type { ResponseKey } from '../secure/message-key.ts';
import { mismatch } from './matching.ts';
import type { AcquirerContext } from './settings.ts';

/** Why there is no valid answer although bytes may have left. */
export type NoAnswerReason = 'timeout' | 'closed' | 'garbled' | 'mac';

export type Answer =
  | { readonly kind: 'answered'; readonly message: IsoMessage }
  | { readonly kind: 'no-answer'; readonly reason: NoAnswerReason };

/** A finished request: its bytes, its fields, and the key that checks its answer. */
export interface OutgoingMessage {
  readonly message: IsoMessage;
  /** MTI to the last field. */
  readonly packed: Uint8Array;
  /** Absent on messages without MAC. */
  readonly key?: ResponseKey;
}

/** An open connection to the host, for one message or for the messages of one occasion. */
export interface Dialogue {
  /**
   * Sends a message and waits for its answer. Strays are reported and passed over until the deadline; after it
   * the dialogue is over.
   * @throws PossumError `CANCELLED` when `signal` is aborted
   */
  exchange(outgoing: OutgoingMessage, signal: AbortSignal): Promise<Answer>;
  close(): Promise<void>;
}

/**
 * Connects.
 * @returns `undefined` when that failed: no byte of a message has left
 */
export async function openDialogue(
  context: AcquirerContext,
  signal: AbortSignal,
): Promise<Dialogue | undefined> {
  const { clock, dialler, timeouts, trace } = context;
  const dialled = await dialler.dial(signal, clock.now() + timeouts.connectMs);
  if (dialled.kind === 'refused') {
    trace.emit({ kind: 'state', part: 'line', to: 'down', detail: dialled.reason });
    return undefined;
  }
  return new HostDialogue(context, dialled.stream);
}

/** How long closing may take before the stream is left to itself. */
const CLOSE_LIMIT_MS = 5_000;

class HostDialogue implements Dialogue {
  readonly #context: AcquirerContext;
  readonly #stream: ByteStream;
  readonly #splitter: FrameSplitter;
  readonly #waiting: Uint8Array[] = [];
  /** The last message had its answer: whoever comes next finds the line in order. */
  #inOrder = false;
  /** Why nothing more can be read. A read that outlived its deadline would swallow the next answer. */
  #over: 'closed' | 'garbled' | undefined;

  constructor(context: AcquirerContext, stream: ByteStream) {
    this.#context = context;
    this.#stream = stream;
    this.#splitter = new FrameSplitter(context.profile.framing, minimumBody(context.profile));
  }

  async exchange(outgoing: OutgoingMessage, signal: AbortSignal): Promise<Answer> {
    this.#inOrder = false;
    const { clock, profile, timeouts, trace } = this.#context;
    const deadline = clock.now() + timeouts.answerMs;
    const body = wrapMessage(profile, requestRouting(profile), outgoing.packed);
    if (trace.wants('message')) {
      trace.emit({
        kind: 'message',
        direction: 'sent',
        mti: outgoing.message.mti,
        fields: traceFields(outgoing.message),
      });
    }
    const writing = this.#stream.write(frame(body, profile.framing)).then(() => 'sent' as const);
    const sent = await within(clock, deadline, writing, signal);
    if (sent !== 'sent') return { kind: 'no-answer', reason: sent };
    for (;;) {
      const body = await this.#nextBody(deadline, signal);
      if (typeof body === 'string') return { kind: 'no-answer', reason: body };
      const verdict = this.#judge(outgoing, body);
      if (verdict === 'stray') continue;
      this.#inOrder = verdict.kind === 'answered' && this.#waiting.length === 0 && this.#over === undefined;
      return verdict;
    }
  }

  /** Never rejects: whatever closing comes to, the answer stands. */
  async close(): Promise<void> {
    const { clock } = this.#context;
    const leave = this.#inOrder ? this.#stream.release : undefined;
    const left = leave === undefined ? this.#stream.close() : leave();
    await until(
      clock,
      clock.now() + CLOSE_LIMIT_MS,
      left.catch(() => {}),
    );
  }

  async #nextBody(
    deadline: number,
    signal: AbortSignal,
  ): Promise<Uint8Array | 'timeout' | 'closed' | 'garbled'> {
    for (;;) {
      const ready = this.#waiting.shift();
      if (ready !== undefined) return ready;
      if (this.#over !== undefined) return this.#over;
      const chunk = await within(this.#context.clock, deadline, this.#stream.read(NEVER), signal);
      if (chunk === 'timeout' || chunk === 'closed') {
        this.#over = 'closed';
        return chunk;
      }
      const { frames, error } = this.#splitter.push(chunk);
      this.#waiting.push(...frames);
      if (error !== undefined) {
        this.#context.trace.emit({ kind: 'alarm', what: `host line: ${error.message}` });
        this.#over = 'garbled';
      }
    }
  }

  #judge(outgoing: OutgoingMessage, body: Uint8Array): Answer | 'stray' {
    const { codec, profile, trace } = this.#context;
    const opened = openBody(profile, body);
    const unpacked = opened.ok ? codec.unpack(opened.message) : undefined;
    if (!opened.ok || unpacked === undefined || !unpacked.ok) {
      const why = opened.ok ? (unpacked?.ok === false ? unpacked.error.message : '') : opened.error.message;
      trace.emit({ kind: 'alarm', what: `answer cannot be read: ${why}` });
      return { kind: 'no-answer', reason: 'garbled' };
    }
    const { message } = unpacked;
    const stray = mismatch(outgoing.message, message);
    if (trace.wants('message')) {
      const note = stray === undefined ? {} : { note: `not the answer: ${stray}` };
      trace.emit({
        kind: 'message',
        direction: 'received',
        mti: message.mti,
        fields: traceFields(message),
        ...note,
      });
    }
    if (stray !== undefined) {
      trace.emit({ kind: 'alarm', what: `answer ignored: ${stray}` });
      return 'stray';
    }
    if (outgoing.key !== undefined && !this.#macIsGood(outgoing.key, opened.message, message)) {
      trace.emit({ kind: 'alarm', what: 'MAC of the answer is wrong' });
      return { kind: 'no-answer', reason: 'mac' };
    }
    return { kind: 'answered', message };
  }

  #macIsGood(key: ResponseKey, packed: Uint8Array, message: IsoMessage): boolean {
    const input = macInput(packed, this.#context.codec);
    const mac = bytesField(message, this.#context.codec.spec.macField ?? 64);
    return input !== undefined && mac !== undefined && key.verify(input, mac);
  }
}

/** Turns a closed stream and a passed deadline into values; `undefined` from `work` means closed. */
async function within<T extends object | string>(
  clock: Clock,
  deadline: number,
  work: Promise<T | undefined>,
  signal: AbortSignal,
): Promise<T | 'timeout' | 'closed'> {
  try {
    return (
      (await until(
        clock,
        deadline,
        work.then((value) => value ?? ('closed' as const)),
        signal,
      )) ?? 'timeout'
    );
  } catch (cause) {
    if (isPossumError(cause, 'UNAVAILABLE')) return 'closed';
    throw cause;
  }
}
