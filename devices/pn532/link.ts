import { type Clock, type Release, sleep, until } from '../../src/platform/clock.ts';
import { isPossumError } from '../../src/platform/errors.ts';
import { silentTrace, type Trace } from '../../src/platform/trace.ts';
import type { ByteStream } from '../../src/ports/index.ts';
import { AnswerWait, type Attempt, type Reply } from './answer-wait.ts';
import { COMMAND, REQUEST } from './commands.ts';
import {
  ACK,
  encodeFrame,
  type Frame,
  FrameReader,
  HOST_TO_CHIP,
  NACK,
  SYNTAX_ERROR,
  WAKE_UP,
} from './frames.ts';
import type { Pn532Settings } from './settings.ts';

export interface CommandOptions {
  /** For the answer, from the moment of sending. */
  readonly answerMs: number;
  /** A query, which may be sent again when no ACK came. */
  readonly repeatable: boolean;
  readonly signal: AbortSignal;
}

type Next =
  | Frame
  | { readonly kind: 'timeout' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'cancelled' };

export interface LinkServices {
  readonly stream: ByteStream;
  /** Wire time. */
  readonly clock: Clock;
  readonly settings: Pn532Settings;
  /** Keeps business time from moving while an answer is on its way. */
  readonly hold: () => Release;
  readonly trace?: Trace;
  /** The stream ended by itself. */
  readonly onClosed: () => void;
}

/** Bytes of a frame that the trace shows when an APDU follows them. */
const HEADER_SHOWN = 8;

/** One command at a time over one byte stream: ACK, answer, repeats, abort and resynchronisation. */
export class Pn532Link {
  readonly #services: LinkServices;
  readonly #reader: FrameReader;
  readonly #ending = new AbortController();
  #frames: Frame[] = [];
  #wake: () => void = () => {};
  #lastByteAt = Number.NEGATIVE_INFINITY;
  #listening = false;
  #closed = false;
  #queue: Promise<unknown> = Promise.resolve();
  #running = 0;

  constructor(services: LinkServices) {
    this.#services = services;
    this.#reader = new FrameReader(services.settings.postamble);
    void this.#pump();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get isBusy(): boolean {
    return this.#running > 0;
  }

  /** @param payload command code and data */
  command(payload: Uint8Array, options: CommandOptions): Promise<Reply> {
    return this.#inTurn(() => this.#command(payload, options));
  }

  /** Sends the bytes that wake a sleeping chip; an awake one passes over them. */
  wakeUp(): Promise<boolean> {
    return this.#inTurn(() => this.#write(WAKE_UP));
  }

  /**
   * After noise or an unanswered command: waits for silence, stops what runs, wakes the chip and asks who it is.
   * @returns the answer to GetFirmwareVersion, or `undefined` when there is none twice
   */
  resynchronise(signal: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#inTurn(async () => {
      for (let attempt = 0; attempt < 2 && !this.#closed; attempt++) {
        if (!(await this.#silence(signal))) return undefined;
        if (!(await this.#write(ACK)) || !(await this.#write(WAKE_UP))) return undefined;
        const options = { answerMs: this.#services.settings.answerMs, repeatable: false, signal };
        const reply = await this.#attempt(REQUEST.getFirmwareVersion, options);
        if (reply.kind === 'answer') return reply.data;
        if (reply.kind === 'cancelled') return undefined;
      }
      return undefined;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#ending.abort();
    this.#wake();
    const { clock, settings, stream } = this.#services;
    await until(clock, clock.now() + settings.answerMs, stream.close().catch(ignore)).catch(ignore);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#running++;
    const before = this.#queue;
    const mine = before.then(work);
    this.#queue = mine.catch(ignore);
    const release = this.#services.hold();
    try {
      return await mine;
    } finally {
      this.#running--;
      release();
    }
  }

  async #command(payload: Uint8Array, options: CommandOptions): Promise<Reply> {
    for (let repeat = 0; ; repeat++) {
      const attempt = await this.#attempt(payload, options);
      if (attempt.kind !== 'missed' && attempt.kind !== 'denied') return attempt;
      if (repeat === this.#services.settings.repeats)
        return { kind: attempt.kind === 'denied' ? 'refused' : 'silent' };
      // What is still on its way belongs to this attempt and not to the next.
      if (attempt.kind === 'missed') await this.#write(ACK);
      if (await this.#silence(options.signal)) continue;
      if (options.signal.aborted) return { kind: 'cancelled' };
      return { kind: this.#closed ? 'closed' : 'silent' };
    }
  }

  async #attempt(payload: Uint8Array, options: CommandOptions): Promise<Attempt> {
    if (options.signal.aborted) return { kind: 'cancelled' };
    this.#frames = [];
    this.#reader.reset();
    const start = this.#services.clock.now();
    this.#listening = true;
    try {
      if (!(await this.#write(encodeFrame(HOST_TO_CHIP, payload), payload[0]))) return { kind: 'closed' };
      return await this.#answer(start, payload[0] as number, options);
    } finally {
      this.#listening = false;
    }
  }

  async #answer(start: number, code: number, options: CommandOptions): Promise<Attempt> {
    const { clock, settings } = this.#services;
    const wait = new AnswerWait(code, options.repeatable, settings.repeats);
    for (;;) {
      // Frames that keep coming must not keep the command from ending.
      if (clock.now() > start + options.answerMs) return wait.passed(true) ?? { kind: 'silent' };
      const limit = wait.hingesOnAck ? Math.min(settings.ackMs, options.answerMs) : options.answerMs;
      const next = await this.#next(start + limit, options.signal);
      if (next.kind === 'cancelled') await this.#write(ACK);
      if (next.kind === 'cancelled' || next.kind === 'closed') return { kind: next.kind };
      const step = next.kind === 'timeout' ? wait.passed(limit === options.answerMs) : wait.take(next);
      if (step === 'ask-again') await this.#write(NACK);
      else if (step !== undefined) return step;
    }
  }

  /** The next frame until a moment of the wire's clock. */
  async #next(deadlineMs: number, signal: AbortSignal): Promise<Next> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.#closed) return { kind: 'closed' };
      const woken = new Promise<true>((resolve) => {
        this.#wake = () => resolve(true);
      });
      try {
        if ((await until(this.#services.clock, deadlineMs, woken, signal)) === undefined)
          return { kind: 'timeout' };
      } catch (cause) {
        if (isPossumError(cause, 'CANCELLED')) return { kind: 'cancelled' };
        throw cause;
      }
    }
  }

  /** Waits until nothing has come for a while, and drops what came. */
  async #silence(signal: AbortSignal): Promise<boolean> {
    const { clock, settings } = this.#services;
    const limit = clock.now() + settings.noiseMs;
    let quietAt = clock.now() + settings.quietMs;
    while (clock.now() < quietAt) {
      if (this.#closed || signal.aborted || clock.now() >= limit) return false;
      await sleep(clock, quietAt - clock.now(), signal).catch(ignore);
      quietAt = Math.max(quietAt, this.#lastByteAt + settings.quietMs);
    }
    this.#frames = [];
    this.#reader.reset();
    return !this.#closed;
  }

  /** @returns false when the line is gone, or takes nothing any more */
  async #write(bytes: Uint8Array, code?: number): Promise<boolean> {
    if (this.#closed) return false;
    this.#show('out', bytes, code);
    const { clock, settings, stream } = this.#services;
    try {
      const written = stream.write(bytes).then(() => true);
      if (await until(clock, clock.now() + settings.answerMs, written)) return true;
    } catch {
      // A stream that cannot be written is as good as closed.
    }
    this.#end();
    return false;
  }

  async #pump(): Promise<void> {
    const { clock, stream } = this.#services;
    try {
      for (;;) {
        const chunk = await stream.read(this.#ending.signal);
        if (chunk === undefined) break;
        this.#lastByteAt = clock.now();
        const frames = this.#reader.push(chunk);
        for (const frame of frames) this.#showFrame(frame);
        // What comes while nothing was asked is nobody's answer.
        if (this.#listening) for (const frame of frames) this.#frames.push(frame);
        this.#wake();
      }
    } catch {
      // A stream that cannot be read is as good as closed.
    }
    this.#end();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake();
    this.#services.onClosed();
  }

  #showFrame(frame: Frame): void {
    if (this.#services.trace?.wants('device') !== true) return;
    if (frame.kind === 'ack') this.#show('in', ACK);
    else if (frame.kind === 'nack') this.#show('in', NACK);
    else if (frame.kind === 'syntax-error') this.#show('in', SYNTAX_ERROR);
    else if (frame.kind === 'data') this.#show('in', encodeFrame(frame.tfi, frame.payload), frame.payload[0]);
  }

  /** Of frames that carry an APDU the trace shows the header only. */
  #show(direction: 'in' | 'out', bytes: Uint8Array, code?: number): void {
    const { trace = silentTrace } = this.#services;
    if (!trace.wants('device')) return;
    const isApdu = code === COMMAND.inDataExchange || code === COMMAND.inDataExchange + 1;
    trace.emit({
      kind: 'device',
      device: 'pn532',
      direction,
      bytes: isApdu ? bytes.subarray(0, HEADER_SHOWN) : bytes,
    });
  }
}

function ignore(): void {}
