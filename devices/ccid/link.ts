import type { Clock, Release } from '../../src/platform/clock.ts';
import { isPossumError } from '../../src/platform/errors.ts';
import type { Trace } from '../../src/platform/trace.ts';
import type { ByteStream } from '../../src/ports/index.ts';
import { CharacterLine } from '../iso7816/character-line.ts';
import { encodeFrame, type Frame, FrameReader } from './frames.ts';
import { ANSWER, type CcidMessage, COMMAND, command, statusOf } from './messages.ts';
import type { CcidSettings } from './settings.ts';

/** What became of a command. */
export type Reply =
  | { readonly kind: 'answer'; readonly message: CcidMessage }
  /** The device refused it, repeats included: it was not executed. */
  | { readonly kind: 'refused' }
  /** Nothing that could be read came in time. It may have been executed. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'cancelled' };

export interface Request {
  readonly type: number;
  readonly data?: Uint8Array;
  readonly specific?: CcidMessage['specific'];
  /** For the answer, from the moment of sending. */
  readonly answerMs: number;
  /** A query, which may be sent again when no answer came. */
  readonly repeatable: boolean;
  readonly signal: AbortSignal;
}

export interface LinkServices {
  readonly stream: ByteStream;
  /** Wire time. */
  readonly clock: Clock;
  readonly settings: CcidSettings;
  readonly hold: () => Release;
  readonly trace: Trace;
  /** A card came or went; tells nothing about who asked. */
  readonly onMovement: (present: boolean) => void;
  readonly onClosed: () => void;
}

type Attempt = Reply | { readonly kind: 'denied' };

/** Which answers a command can have; all others are somebody else's. */
const ANSWERS: ReadonlyMap<number, number> = new Map([
  [COMMAND.powerOn, ANSWER.data],
  [COMMAND.transfer, ANSWER.data],
  [COMMAND.escape, ANSWER.escape],
  [COMMAND.setParameters, ANSWER.parameters],
  [COMMAND.getParameters, ANSWER.parameters],
  [COMMAND.resetParameters, ANSWER.parameters],
]);
/** Envelope and header: what the trace shows of a message that carries an APDU. */
const HEADER_SHOWN = 12;
const MAX_STRAY_FRAMES = 1000;

/** One command at a time over one byte stream: echo, answer, requests for time, repeats and resynchronisation. */
export class CcidLink {
  readonly #services: LinkServices;
  readonly #line: CharacterLine;
  readonly #reader = new FrameReader();
  #frames: Frame[] = [];
  #sequence = 0;
  #closed = false;
  #running = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(services: LinkServices) {
    this.#services = services;
    this.#line = new CharacterLine(services.stream, services.clock);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get isBusy(): boolean {
    return this.#running > 0;
  }

  request(request: Request): Promise<Reply> {
    return this.#inTurn(request.signal, () => this.#request(request));
  }

  /** After noise or an unanswered command: waits for silence and drops what came. */
  quiet(signal: AbortSignal): Promise<Reply> {
    return this.#inTurn(signal, async () => {
      await this.#silence(signal);
      return { kind: this.#closed ? 'closed' : 'silent' };
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#services.stream.close().catch(() => {});
  }

  async #inTurn(signal: AbortSignal, work: () => Promise<Reply>): Promise<Reply> {
    this.#running++;
    const release = this.#services.hold();
    const mine = this.#queue.then(() => (signal.aborted ? { kind: 'cancelled' as const } : work()));
    this.#queue = mine.catch(() => {});
    try {
      return await mine;
    } catch (cause) {
      if (!isPossumError(cause, 'CANCELLED')) throw cause;
      return { kind: 'cancelled' };
    } finally {
      this.#running--;
      release();
    }
  }

  async #request(request: Request): Promise<Reply> {
    for (let repeat = 0; ; repeat++) {
      const attempt = await this.#attempt(request);
      const mayRepeat = attempt.kind === 'denied' || (attempt.kind === 'silent' && request.repeatable);
      if (!mayRepeat || repeat === this.#services.settings.repeats)
        return attempt.kind === 'denied' ? { kind: 'refused' } : attempt;
      if (attempt.kind === 'silent') await this.#silence(request.signal);
    }
  }

  async #attempt(request: Request): Promise<Attempt> {
    const { type, data, specific, answerMs, signal } = request;
    if (this.#closed) return { kind: 'closed' };
    await this.#passOver(signal);
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) & 255;
    const bytes = encodeFrame(command(type, sequence, data, specific));
    this.#show('out', type, bytes);
    if (!(await this.#line.send(bytes, signal))) return this.#end();
    const limit = this.#line.within(this.#services.settings.extensionLimitMs);
    let left = this.#line.within(answerMs);
    for (;;) {
      const frame = await this.#next(Math.min(left(), limit()), signal);
      if (frame === 'closed') return this.#end();
      if (frame === 'silence') return { kind: 'silent' };
      if (frame.kind === 'nak') return { kind: 'denied' };
      if (frame.kind === 'time-request') left = this.#line.within(answerMs);
      if (frame.kind !== 'message' || !isAnswer(frame.message, type, sequence)) continue;
      const status = statusOf(frame.message);
      if (status.command !== 'time extension') return { kind: 'answer', message: frame.message };
      left = this.#line.within(answerMs * Math.max(status.error, 1));
    }
  }

  /** Takes what came since the last command: movements count, all else is nobody's answer. */
  async #passOver(signal: AbortSignal): Promise<void> {
    for (let n = 0; n < MAX_STRAY_FRAMES; n++) {
      if (typeof (await this.#next(0, signal)) === 'string') break;
    }
    this.#frames = [];
    this.#reader.reset();
  }

  async #silence(signal: AbortSignal): Promise<void> {
    await this.#line.drain(this.#services.settings.quietMs, signal);
    this.#frames = [];
    this.#reader.reset();
  }

  async #next(waitMs: number, signal: AbortSignal): Promise<Frame | 'silence' | 'closed'> {
    const left = this.#line.within(waitMs);
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      const received = await this.#line.receive(left(), signal);
      if (received.kind === 'gone') return 'closed';
      if (received.kind === 'silence') return 'silence';
      this.#frames = this.#reader.push(received.bytes);
      for (const one of this.#frames) this.#notice(one);
      // Noise without end must not outlast the wait.
      if (this.#frames.length === 0 && left() === 0) return 'silence';
    }
  }

  #notice(frame: Frame): void {
    if (frame.kind === 'movement') this.#services.onMovement(frame.present);
    if (frame.kind === 'message') this.#show('in', frame.message.type, frame.bytes);
  }

  #end(): Reply {
    if (!this.#closed) {
      this.#closed = true;
      this.#services.onClosed();
    }
    return { kind: 'closed' };
  }

  /** Of messages that carry an APDU the trace shows the header only. */
  #show(direction: 'in' | 'out', type: number, bytes: Uint8Array): void {
    const { trace } = this.#services;
    if (!trace.wants('device')) return;
    const isApdu = type === COMMAND.transfer || type === ANSWER.data;
    trace.emit({
      kind: 'device',
      device: 'ccid',
      direction,
      bytes: isApdu ? bytes.subarray(0, HEADER_SHOWN) : bytes,
    });
  }
}

function isAnswer(message: CcidMessage, type: number, sequence: number): boolean {
  const expected = ANSWERS.get(type) ?? ANSWER.slotStatus;
  // A command that the reader does not know is answered with a slot status.
  const fits = message.type === expected || message.type === ANSWER.slotStatus;
  return fits && message.sequence === sequence;
}
