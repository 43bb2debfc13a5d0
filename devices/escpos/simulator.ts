import { latin1 } from '../../src/platform/bytes.ts';
import type { Clock, Timer } from '../../src/platform/clock.ts';
import { isPossumError } from '../../src/platform/errors.ts';
import type { ByteStream } from '../../src/ports/index.ts';
import type { Line } from '../transport/line.ts';
import { automaticBlock, type Condition, isOffline, paperBits, realTimeAnswer } from './condition.ts';
import { type Command, CommandReader } from './frames.ts';
import { Paper } from './paper.ts';
import { type Urgent, UrgentReader } from './urgent.ts';

export interface EscposSimulatorOptions {
  readonly clock: Clock;
  readonly columns?: number;
  /** The answer to GS I; an empty one is none. */
  readonly name?: string;
  /** Chinese mode is on after power-on. */
  readonly startsChinese?: boolean;
  /** How it says that it has no room. */
  readonly flow?: 'none' | 'xon' | 'dtr';
  readonly bufferBytes?: number;
  /** Time for a line; none by default. */
  readonly lineMs?: number;
  /** It can be told to forget what it has not printed. */
  readonly clears?: boolean;
}

export interface EscposSimulatorState {
  readonly plugged: boolean;
  readonly paper: 'ok' | 'near' | 'out';
  readonly coverOpen: boolean;
  /** Bytes that wait to be printed. */
  readonly waiting: number;
  /** Bytes that came when there was no room. */
  readonly overruns: number;
  /** Pulses to the drawer. */
  readonly kicks: number;
}

/** An ESC/POS printer on the other end of any byte stream, and the hands that care for it. */
export interface EscposSimulator {
  /** Slips that were cut off, as lines of text. */
  readonly slips: readonly (readonly string[])[];
  /** What has come out since the last cut. */
  readonly page: readonly string[];
  /** Commands that it did not know, in hex. */
  readonly unknown: readonly string[];
  /** Speaks on a stream until it ends, or the cable is pulled. One stream at a time. */
  serve(stream: ByteStream | Line): Promise<void>;
  paper(state: 'ok' | 'near' | 'out'): void;
  /** The paper ends after so many more lines. */
  runOutAfter(lines: number): void;
  cover(open: boolean): void;
  /** The knife is stuck. */
  jam(isJammed: boolean): void;
  /** It prints and says nothing. */
  mute(isMute: boolean): void;
  /** Sends any bytes, as a device that is broken, or another one. */
  say(bytes: Uint8Array): void;
  /** Cuts power and cable. */
  unplug(): Promise<void>;
  /** A stream can be served again; what was not printed is forgotten. */
  replug(): void;
  state(): EscposSimulatorState;
  quit(): Promise<void>;
}

const COLUMNS = 42;
const BUFFER_BYTES = 4096;
/** It asks for a stop while it still has this much room. */
const MARGIN_BYTES = 256;
const NAME = 'TM-SIM';
const XON = 0x11;
const XOFF = 0x13;
const CLEARED = Uint8Array.of(0x37, 0x25, 0x00);
const ASKS_NAME = 0x43;

export function createEscposSimulator(options: EscposSimulatorOptions): EscposSimulator {
  return new Simulator(options);
}

class Simulator implements EscposSimulator {
  readonly #options: EscposSimulatorOptions;
  readonly #paper: Paper;
  readonly #reader = new CommandReader();
  readonly #queue: Command[] = [];
  readonly #urgent = new UrgentReader();
  #fill = 0;
  #begun = 0;
  #stream: ByteStream | Line | undefined;
  #isPlugged = true;
  #left = Number.POSITIVE_INFINITY;
  #isNear = false;
  #isOpen = false;
  #isJammed = false;
  #isMute = false;
  #isStopped = false;
  #automatic = 0;
  #overruns = 0;
  #kicks = 0;
  #head: Timer | undefined;

  constructor(options: EscposSimulatorOptions) {
    this.#options = options;
    this.#paper = new Paper(options.columns ?? COLUMNS, options.startsChinese === true);
  }

  get slips(): readonly (readonly string[])[] {
    return this.#paper.slips;
  }

  get page(): readonly string[] {
    return this.#paper.page;
  }

  get unknown(): readonly string[] {
    return this.#paper.unknown;
  }

  async serve(stream: ByteStream | Line): Promise<void> {
    const ending = new AbortController();
    this.#stream = stream;
    try {
      for (;;) {
        const chunk = await stream.read(ending.signal);
        if (chunk === undefined || this.#stream !== stream) return;
        for (const byte of chunk) this.#arrive(byte);
        this.#work();
      }
    } catch (cause) {
      if (!isPossumError(cause, 'CANCELLED') && !isPossumError(cause, 'UNAVAILABLE')) throw cause;
    } finally {
      if (this.#stream === stream) this.#stream = undefined;
      await stream.close();
    }
  }

  paper(state: 'ok' | 'near' | 'out'): void {
    this.#isNear = state === 'near';
    this.#left = state === 'out' ? 0 : Number.POSITIVE_INFINITY;
    this.#changed();
  }

  runOutAfter(lines: number): void {
    this.#left = lines;
    this.#changed();
  }

  cover(open: boolean): void {
    this.#isOpen = open;
    this.#changed();
  }

  jam(isJammed: boolean): void {
    this.#isJammed = isJammed;
    this.#changed();
  }

  mute(isMute: boolean): void {
    this.#isMute = isMute;
  }

  say(bytes: Uint8Array): void {
    this.#send(bytes);
  }

  async unplug(): Promise<void> {
    const stream = this.#stream;
    this.#isPlugged = false;
    this.#stream = undefined;
    this.#forget();
    this.#paper.reset();
    this.#automatic = 0;
    this.#isStopped = false;
    await stream?.close();
  }

  replug(): void {
    this.#isPlugged = true;
  }

  state(): EscposSimulatorState {
    return {
      plugged: this.#isPlugged,
      paper: this.#left <= 0 ? 'out' : this.#isNear ? 'near' : 'ok',
      coverOpen: this.#isOpen,
      waiting: this.#fill + this.#begun,
      overruns: this.#overruns,
      kicks: this.#kicks,
    };
  }

  quit(): Promise<void> {
    return this.unplug();
  }

  get #condition(): Condition {
    return {
      isOut: this.#left <= 0,
      isNear: this.#isNear,
      isOpen: this.#isOpen,
      isJammed: this.#isJammed,
    };
  }

  #changed(): void {
    if (this.#automatic !== 0) this.#send(automaticBlock(this.#condition));
    this.#work();
  }

  #arrive(byte: number): void {
    if (this.#obeyUrgent(this.#urgent.take(byte))) return;
    if (this.#fill + this.#begun >= (this.#options.bufferBytes ?? BUFFER_BYTES)) {
      this.#overruns++;
      return;
    }
    this.#begun++;
    const command = this.#reader.take(byte);
    if (command === undefined) return;
    // What is obeyed at once does not wait in the buffer, too.
    if (command.kind === 'command' && command.name.startsWith('DLE')) this.#begun = 0;
    else this.#enqueue(command);
  }

  #enqueue(command: Command): void {
    this.#fill += this.#begun;
    this.#begun = 0;
    this.#queue.push(command);
    if (this.#fill >= (this.#options.bufferBytes ?? BUFFER_BYTES) - MARGIN_BYTES) this.#stop(true);
  }

  /** True when everything was forgotten. */
  #obeyUrgent(urgent: Urgent | undefined): boolean {
    if (urgent?.kind === 'status') this.#send(realTimeAnswer(urgent.query, this.#condition));
    else if (urgent?.kind === 'pulse' && !isOffline(this.#condition)) this.#kicks++;
    if (urgent?.kind !== 'clear' || this.#options.clears === false) return false;
    this.#forget();
    this.#paper.forgetLine();
    this.#stop(false);
    this.#send(CLEARED);
    return true;
  }

  /** Prints what waits, as long as nothing stops it. */
  #work(): void {
    while (this.#head === undefined && !isOffline(this.#condition)) {
      const command = this.#queue.shift();
      if (command === undefined) break;
      this.#fill = Math.max(this.#fill - sizeOf(command), 0);
      this.#print(command);
    }
    if (this.#fill <= (this.#options.bufferBytes ?? BUFFER_BYTES) / 2) this.#stop(false);
  }

  #print(command: Command): void {
    const lines = this.#paper.take(command);
    if (command.kind === 'command') this.#obey(command.name, command.data[0] ?? 0);
    const { lineMs = 0, clock } = this.#options;
    if (lines > 0) {
      this.#left -= lines;
      if (this.#left <= 0 && this.#automatic !== 0) this.#send(automaticBlock(this.#condition));
    }
    if (lines === 0 || lineMs === 0) return;
    this.#head = clock.after(lines * lineMs, () => {
      this.#head = undefined;
      this.#work();
    });
  }

  #obey(name: string, value: number): void {
    if (name === 'ESC p') this.#kicks++;
    else if (name === 'GS a') this.#automatic = value;
    else if (name === 'GS r') this.#send(Uint8Array.of(value % 48 === 1 ? paperBits(this.#condition) : 0));
    else if (name === 'GS I' && value === ASKS_NAME && this.#options.name !== '')
      this.#send(latin1(`_${this.#options.name ?? NAME}\0`));
    if (name === 'GS a' && value !== 0) this.#send(automaticBlock(this.#condition));
  }

  #stop(isStopped: boolean): void {
    if (this.#isStopped === isStopped) return;
    this.#isStopped = isStopped;
    const stream = this.#stream;
    if (this.#options.flow === 'xon') this.#send(Uint8Array.of(isStopped ? XOFF : XON));
    if (this.#options.flow === 'dtr' && stream !== undefined && 'setModem' in stream)
      void stream.setModem({ dtr: !isStopped, rts: !isStopped });
  }

  #forget(): void {
    this.#head?.cancel();
    this.#head = undefined;
    this.#queue.length = 0;
    this.#fill = 0;
    this.#begun = 0;
    this.#urgent.reset();
    this.#reader.reset();
  }

  #send(bytes: Uint8Array | undefined): void {
    // A line that is gone ends the reading, too.
    if (!this.#isMute && bytes !== undefined) this.#stream?.write(bytes).catch(() => {});
  }
}

function sizeOf(command: Command): number {
  if (command.kind === 'text') return 1;
  return command.kind === 'unknown'
    ? command.bytes.length
    : command.data.length + (command.name.length > 3 ? 2 : 1);
}
