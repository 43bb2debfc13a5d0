import type { Clock, Timer } from '../../src/platform/clock.ts';
import { isPossumError } from '../../src/platform/errors.ts';
import { type Random, seededRandom } from '../../src/platform/random.ts';
import type { ByteStream } from '../../src/ports/index.ts';
import type { EmulatedCard } from '../cards/card.ts';
import { Chip, type Plan } from './chip.ts';
import { COMMAND } from './commands.ts';
import {
  ACK,
  CHIP_TO_HOST,
  encodeFrame,
  type Frame,
  FrameReader,
  HOST_TO_CHIP,
  NACK,
  SYNTAX_ERROR,
} from './frames.ts';
import { RfField, type TapOptions, type Tear } from './rf-field.ts';
import { FaultPlan, type Pn532Fault } from './simulator-faults.ts';

export interface Pn532SimulatorOptions {
  readonly clock: Clock;
  /** Random UIDs and noise; a fixed seed when absent. */
  readonly random?: Random;
  /** IC, version, revision, support of GetFirmwareVersion. */
  readonly firmware?: Uint8Array;
  /** A command with a wrong sum: the manual leaves open whether the chip says anything. */
  readonly badSum?: 'silent' | 'nack';
  /** After power-on it is deaf until it is woken, and then to all but SAMConfiguration (C106 silicon). Default. */
  readonly startsAsleep?: boolean;
  /** A card that was active is listed again only after the field was off. */
  readonly relistNeedsReset?: boolean;
  /** One fruitless look for a card, in milliseconds. */
  readonly lookMs?: number;
  /** A begun frame is forgotten after this silence. */
  readonly gapMs?: number;
}

export interface Pn532SimulatorState {
  readonly awake: boolean;
  readonly field: boolean;
  readonly cards: number;
  /** Command APDUs that cards have executed. */
  readonly executed: number;
  readonly plugged: boolean;
}

/** A PN532 on the other end of any byte stream, and the hands that hold cards to it. */
export interface Pn532Simulator {
  /** Speaks on a stream until it ends, or the cable is pulled. One stream at a time. */
  serve(stream: ByteStream): Promise<void>;
  /** A second card makes a collision; a card without antenna is not noticed. `insert` is the same here. */
  tap(card: EmulatedCard, options?: TapOptions): void;
  insert(card: EmulatedCard, options?: TapOptions): void;
  remove(): void;
  tear(tear: Tear): void;
  fault(kind: Pn532Fault, count?: number): void;
  /** Cuts power and cable. */
  unplug(): Promise<void>;
  /** A stream can be served again; the chip starts anew. */
  replug(): void;
  state(): Pn532SimulatorState;
  quit(): Promise<void>;
}

const FIRMWARE = Uint8Array.of(0x32, 0x01, 0x06, 0x07);
const LOOK_MS = 7;
const GAP_MS = 100;
const WAKE_BYTE = 0x55;
const AIR_ERROR = 0x0b;

export function createPn532Simulator(options: Pn532SimulatorOptions): Pn532Simulator {
  return new Simulator(options);
}

/** `cold` and `asleep` are deaf; woken from the cold it hears SAMConfiguration only, from sleep everything. */
type Power = 'cold' | 'woken' | 'asleep' | 'awake';

class Simulator implements Pn532Simulator {
  readonly #options: Pn532SimulatorOptions;
  readonly #clock: Clock;
  readonly #field: RfField;
  readonly #chip: Chip;
  readonly #faults: FaultPlan;
  readonly #reader = new FrameReader();
  #power: Power;
  #plugged = true;
  #stream: ByteStream | undefined;
  #gap: Timer | undefined;
  #running: { readonly look: () => void; readonly timer: Timer | undefined } | undefined;
  #lastAnswer: Uint8Array | undefined;

  constructor(options: Pn532SimulatorOptions) {
    const random = options.random ?? seededRandom('pn532');
    this.#options = options;
    this.#clock = options.clock;
    this.#field = new RfField(random, options.relistNeedsReset === true, () => this.#running?.look());
    const { firmware = FIRMWARE, lookMs = LOOK_MS } = options;
    this.#chip = new Chip(this.#field, { firmware, lookMs });
    this.#faults = new FaultPlan(random);
    this.#power = this.#atRest;
  }

  get #atRest(): Power {
    return this.#options.startsAsleep === false ? 'awake' : 'cold';
  }

  get #isDeaf(): boolean {
    return this.#power === 'cold' || this.#power === 'asleep';
  }

  async serve(stream: ByteStream): Promise<void> {
    const ending = new AbortController();
    this.#stream = stream;
    try {
      for (;;) {
        const chunk = await stream.read(ending.signal);
        if (chunk === undefined || this.#stream !== stream) return;
        this.#take(chunk);
      }
    } catch (cause) {
      if (!isPossumError(cause, 'CANCELLED') && !isPossumError(cause, 'UNAVAILABLE')) throw cause;
    } finally {
      if (this.#stream === stream) {
        this.#stream = undefined;
        this.#stop();
      }
      await stream.close();
    }
  }

  tap(card: EmulatedCard, options?: TapOptions): void {
    this.#field.put(card, options);
  }

  insert(card: EmulatedCard, options?: TapOptions): void {
    this.tap(card, options);
  }

  remove(): void {
    this.#field.remove();
  }

  tear(tear: Tear): void {
    this.#field.tear(tear);
  }

  fault(kind: Pn532Fault, count = 1): void {
    this.#faults.add(kind, count);
  }

  async unplug(): Promise<void> {
    const stream = this.#stream;
    this.#plugged = false;
    this.#stream = undefined;
    this.#restart();
    await stream?.close();
  }

  replug(): void {
    this.#plugged = true;
    this.#restart();
  }

  state(): Pn532SimulatorState {
    return {
      awake: this.#power === 'awake',
      field: this.#field.isOn,
      cards: this.#field.cards,
      executed: this.#field.executed,
      plugged: this.#plugged,
    };
  }

  quit(): Promise<void> {
    return this.unplug();
  }

  #restart(): void {
    this.#stop();
    this.#reader.reset();
    this.#chip.reset();
    this.#power = this.#atRest;
    this.#lastAnswer = undefined;
  }

  #take(chunk: Uint8Array): void {
    this.#gap?.cancel();
    let heard = chunk;
    if (this.#isDeaf) {
      const at = chunk.indexOf(WAKE_BYTE);
      if (at < 0) return;
      heard = chunk.subarray(at);
      this.#power = this.#power === 'cold' ? 'woken' : 'awake';
    }
    for (const frame of this.#reader.push(heard)) this.#frame(frame);
    if (this.#reader.isInside)
      this.#gap = this.#clock.after(this.#options.gapMs ?? GAP_MS, () => this.#reader.reset(), {
        background: true,
      });
  }

  #frame(frame: Frame): void {
    if (this.#isDeaf) return;
    if (frame.kind === 'ack') this.#stop();
    else if (frame.kind === 'nack' && this.#lastAnswer !== undefined) this.#send(this.#lastAnswer);
    else if (frame.kind === 'corrupt' && this.#options.badSum === 'nack') this.#send(NACK);
    else if (frame.kind === 'data' && frame.tfi === HOST_TO_CHIP) this.#command(frame.payload);
  }

  #command(payload: Uint8Array): void {
    const code = payload[0] as number;
    if (this.#power === 'woken' && code !== COMMAND.samConfiguration) return;
    if (this.#faults.takes('ignore')) return;
    this.#stop();
    if (this.#faults.takes('deny')) this.#send(NACK);
    else this.#run(code, payload);
  }

  #run(code: number, payload: Uint8Array): void {
    const isSilent = this.#faults.takes('silent');
    if (!isSilent && !this.#faults.takes('no-ack')) this.#send(ACK);
    const plan: Plan = this.#faults.takes('syntax-error')
      ? { kind: 'syntax-error' }
      : this.#chip.execute(payload);
    this.#power = 'awake';
    this.#follow(plan, (data) => {
      if (isSilent || this.#faults.takes('no-answer')) return;
      this.#answer(code, data);
      if (code === COMMAND.powerDown) this.#power = 'asleep';
    });
  }

  /** Answers now, when a card comes, or when the time for looking is over. */
  #follow(plan: Plan, answer: (data: Uint8Array) => void): void {
    if (plan.kind === 'syntax-error') {
      this.#send(SYNTAX_ERROR);
      return;
    }
    // A card that asks for more time never answers within any patience.
    if (plan.kind === 'answer' && this.#faults.takes('slow')) return;
    const found = plan.kind === 'answer' ? plan.data : plan.look();
    if (found !== undefined) answer(found);
    if (found !== undefined || plan.kind === 'answer') return;
    const finish = (data: Uint8Array) => {
      this.#stop();
      answer(data);
    };
    const timer =
      plan.forMs === undefined ? undefined : this.#clock.after(plan.forMs, () => finish(plan.otherwise));
    const look = () => {
      const seen = plan.look();
      if (seen !== undefined) finish(seen);
    };
    this.#running = { look, timer };
  }

  #answer(code: number, data: Uint8Array): void {
    const answerCode = this.#faults.takes('other-answer') ? code + 3 : code + 1;
    const isBadAir = code === COMMAND.inDataExchange && this.#faults.takes('air-error');
    const payload = isBadAir ? Uint8Array.of(answerCode, AIR_ERROR) : Uint8Array.of(answerCode, ...data);
    const frame = encodeFrame(CHIP_TO_HOST, payload);
    this.#lastAnswer = this.#chip.sendsBareFrames ? frame.subarray(1, -1) : frame;
    if (this.#faults.takes('noise')) this.#send(this.#faults.noise());
    this.#send(this.#faults.takes('bad-sum') ? withBadSum(this.#lastAnswer) : this.#lastAnswer);
  }

  /** Stops the command that runs. */
  #stop(): void {
    this.#running?.timer?.cancel();
    this.#running = undefined;
  }

  #send(bytes: Uint8Array): void {
    // A line that is gone ends the reading, too.
    this.#stream?.write(bytes).catch(() => {});
  }
}

function withBadSum(frame: Uint8Array): Uint8Array {
  const changed = frame.slice();
  const at = frame.length - 3;
  changed[at] = (changed[at] as number) ^ 0x01;
  return changed;
}
