import { type Clock, sleep, type Timer } from '../../src/platform/clock.ts';
import { isPossumError } from '../../src/platform/errors.ts';
import type { ByteStream } from '../../src/ports/index.ts';
import type { EmulatedCard } from '../cards/card.ts';
import { ContactCard, type ContactCardSettings } from '../iso7816/contact-card.ts';
import { encodeFrame, type Frame, FrameReader, movementNotice, NAK } from './frames.ts';
import type { CcidMessage } from './messages.ts';
import { ReaderModel, type ReaderModelOptions } from './reader-model.ts';

/** What the simulated reader can do wrong, for a number of commands each. */
export type CcidFault =
  | 'nak' // it refuses the command, which is not executed
  | 'ignore' // it does not hear the command
  | 'no-echo' // the answer comes without the echo
  | 'no-answer' // the command is executed and not answered
  | 'other-answer' // what it says answers an earlier command
  | 'bad-check' // the check byte of the answer is wrong
  | 'time-requests'; // bytes that ask for time come before the answer

export interface CcidSimulatorOptions extends ReaderModelOptions {
  readonly clock: Clock;
  /** Returns every command before its answer, as the GemPC Twin does; its relatives do not. */
  readonly echo?: boolean;
  /** A command with a wrong check byte is refused, else passed over. */
  readonly nakDamaged?: boolean;
  /** Bits per second of the line; it takes no time when absent. */
  readonly pace?: number;
  /** A begun frame is forgotten after this silence. */
  readonly gapMs?: number;
}

export interface CcidSimulatorState {
  readonly card: boolean;
  /** Commands APDU or TPDU that the card has executed. */
  readonly executed: number;
  readonly plugged: boolean;
}

/** A GemPC Twin on the other end of any byte stream, and the hands that put cards into it. */
export interface CcidSimulator {
  /** Speaks on a stream until it ends, or the cable is pulled. One stream at a time. */
  serve(stream: ByteStream): Promise<void>;
  /** A card without contacts, or a `mute` one, gives no answer to reset. */
  insert(card: EmulatedCard, options?: ContactCardSettings & { readonly mute?: boolean }): void;
  remove(): void;
  fault(kind: CcidFault, count?: number): void;
  unplug(): Promise<void>;
  replug(): void;
  state(): CcidSimulatorState;
  quit(): Promise<void>;
}

const GAP_MS = 500;
/** Start, eight data and two stop bits. */
const BITS_PER_BYTE = 11;
const TIME_REQUESTS = 3;

export function createCcidSimulator(options: CcidSimulatorOptions): CcidSimulator {
  return new Simulator(options);
}

class Simulator implements CcidSimulator {
  readonly #options: CcidSimulatorOptions;
  readonly #model: ReaderModel;
  readonly #frames = new FrameReader();
  readonly #faults = new Map<CcidFault, number>();
  #stream: ByteStream | undefined;
  #gap: Timer | undefined;
  #sending: Promise<void> = Promise.resolve();
  #plugged = true;
  #executed = 0;

  constructor(options: CcidSimulatorOptions) {
    this.#options = options;
    this.#model = new ReaderModel(options);
  }

  async serve(stream: ByteStream): Promise<void> {
    this.#stream = stream;
    const ending = new AbortController();
    try {
      for (;;) {
        const chunk = await stream.read(ending.signal);
        if (chunk === undefined || this.#stream !== stream) return;
        await this.#line(chunk.length);
        this.#take(chunk);
      }
    } catch (cause) {
      if (!isPossumError(cause, 'CANCELLED') && !isPossumError(cause, 'UNAVAILABLE')) throw cause;
    } finally {
      if (this.#stream === stream) this.#stream = undefined;
      this.#gap?.cancel();
      await stream.close();
    }
  }

  insert(card: EmulatedCard, options: ContactCardSettings & { readonly mute?: boolean } = {}): void {
    const face = options.mute === true ? undefined : card.contact;
    const count = (command: Uint8Array) => {
      this.#executed++;
      return face?.respond(command) ?? new Uint8Array(0);
    };
    this.#model.insert({
      card:
        face &&
        new ContactCard(
          { answerToReset: face.answerToReset, reset: () => face.reset(), respond: count },
          options,
        ),
    });
    this.#moved();
  }

  remove(): void {
    this.#model.remove();
    this.#moved();
  }

  fault(kind: CcidFault, count = 1): void {
    this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
  }

  async unplug(): Promise<void> {
    const stream = this.#stream;
    this.#plugged = false;
    this.#stream = undefined;
    this.#model.restart();
    this.#frames.reset();
    await stream?.close();
  }

  replug(): void {
    this.#plugged = true;
  }

  state(): CcidSimulatorState {
    return { card: this.#model.hasCard, executed: this.#executed, plugged: this.#plugged };
  }

  quit(): Promise<void> {
    return this.unplug();
  }

  /** In synchronous mode the next command tells it; while nobody is connected it is told to nobody. */
  #moved(): void {
    if (this.#model.synchronous && this.#stream !== undefined) return;
    const present = this.#model.takeMovement();
    if (present !== undefined) this.#send(movementNotice(present));
  }

  #take(chunk: Uint8Array): void {
    this.#gap?.cancel();
    for (const frame of this.#frames.push(chunk)) this.#frame(frame);
    if (!this.#frames.isInside) return;
    const gapMs = this.#options.gapMs ?? GAP_MS;
    this.#gap = this.#options.clock.after(gapMs, () => this.#frames.reset(), { background: true });
  }

  #frame(frame: Frame): void {
    if (frame.kind === 'corrupt' && this.#options.nakDamaged !== false) this.#send(NAK);
    if (frame.kind !== 'message' || this.#takes('ignore')) return;
    if (this.#takes('nak')) this.#send(NAK);
    else this.#command(frame.message, frame.bytes);
  }

  #command(message: CcidMessage, bytes: Uint8Array): void {
    const echo = this.#options.echo !== false && !this.#takes('no-echo');
    if (echo) this.#send(bytes);
    const present = this.#model.takeMovement();
    if (present !== undefined) this.#send(movementNotice(present));
    const answer = encodeFrame(this.#answer(message));
    if (this.#takes('time-requests')) this.#send(new Uint8Array(TIME_REQUESTS).fill(0x80));
    if (this.#takes('no-answer')) return;
    this.#send(this.#takes('bad-check') ? withBadCheck(answer) : answer);
  }

  #answer(message: CcidMessage): CcidMessage {
    const answer = this.#model.execute(message);
    if (!this.#takes('other-answer')) return answer;
    return { ...answer, sequence: (answer.sequence + 255) & 255 };
  }

  #takes(kind: CcidFault): boolean {
    const left = this.#faults.get(kind) ?? 0;
    if (left > 0) this.#faults.set(kind, left - 1);
    return left > 0;
  }

  #send(bytes: Uint8Array): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#sending = this.#sending.then(async () => {
      await this.#line(bytes.length);
      if (this.#stream === stream) await stream.write(bytes).catch(() => {});
    });
  }

  async #line(bytes: number): Promise<void> {
    const { pace, clock } = this.#options;
    if (pace !== undefined) await sleep(clock, (bytes * BITS_PER_BYTE * 1000) / pace);
  }
}

function withBadCheck(frame: Uint8Array): Uint8Array {
  const changed = frame.slice();
  const at = frame.length - 1;
  changed[at] = (changed[at] as number) ^ 0x01;
  return changed;
}
