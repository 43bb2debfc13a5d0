import type { Clock, Timer } from '../../src/platform/clock.ts';
import type { Random } from '../../src/platform/random.ts';
import type { ByteStream } from '../../src/ports/stream.ts';
import { ByteErrors, type ErrorRates } from './byte-errors.ts';
import { DelayQueue } from './delay-queue.ts';
import { Inbox } from './inbox.ts';
import { lineClosed } from './line.ts';

/** What goes wrong in one direction. Everything is off unless it is named. */
export interface DirectionFaults extends ErrorRates {
  /** Pieces arrive cut up: each byte alone, or at random places. */
  readonly split?: 'bytes' | 'random';
  /** What arrives within this many milliseconds arrives as one piece. */
  readonly mergeMs?: number;
  /** Each piece is late by a random time between these two, in milliseconds; none overtakes another. */
  readonly delayMs?: readonly [least: number, most: number];
  /** The cable breaks after this many bytes, in either sense of {@link CutKind}. */
  readonly cutAfter?: number;
}

/** `unplug` is seen by the operating system, both ends are told; `silence` is a pulled cable: nothing passes. */
export type CutKind = 'unplug' | 'silence';

export interface Faults {
  /** What is written here on its way to the peer. */
  readonly outgoing?: DirectionFaults;
  /** What the peer sends. */
  readonly incoming?: DirectionFaults;
  /** Default: unplug. */
  readonly cut?: CutKind;
}

export interface FaultyStream extends ByteStream {
  /** Breaks the cable now. */
  cut(kind?: CutKind): void;
}

/**
 * Puts faults between a stream and its user. The same seed and the same pieces give the same faults. Bytes are changed
 * before a socket is given them and after it gave them, so a swallowed byte holds no virtual clock.
 */
export function withFaults(stream: ByteStream, faults: Faults, clock: Clock, random: Random): FaultyStream {
  const injector = new FaultInjector(stream, faults, clock, random);
  return {
    write: (bytes) => injector.write(bytes),
    read: (signal) => injector.read(signal),
    close: () => injector.close(),
    cut: (kind) => injector.cut(kind),
  };
}

class FaultInjector implements FaultyStream {
  readonly #stream: ByteStream;
  readonly #kind: CutKind;
  readonly #inbox = new Inbox();
  readonly #outgoing: Direction;
  readonly #incoming: Direction;
  readonly #stop = new AbortController();
  #written: Promise<void> = Promise.resolve();
  #state: 'whole' | 'silent' | 'unplugged' | 'closed' = 'whole';

  constructor(stream: ByteStream, faults: Faults, clock: Clock, random: Random) {
    this.#stream = stream;
    this.#kind = faults.cut ?? 'unplug';
    const broken = () => this.cut();
    this.#outgoing = new Direction(faults.outgoing ?? {}, clock, random, broken, (piece) => {
      if (this.#state !== 'whole') return;
      this.#written = stream.write(piece).catch(() => this.cut('unplug'));
    });
    this.#incoming = new Direction(faults.incoming ?? {}, clock, random, broken, (piece) => {
      if (this.#state === 'whole') this.#inbox.push(piece);
    });
    void this.#pump();
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#state === 'unplugged' || this.#state === 'closed') throw lineClosed('the faulty line');
    if (this.#state === 'whole') this.#outgoing.carry(bytes);
  }

  read(signal: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#inbox.read(signal);
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#inbox.discard();
    this.#outgoing.abandon();
    this.#incoming.abandon();
    this.#stop.abort();
    await this.#stream.close();
  }

  cut(kind: CutKind = this.#kind): void {
    if (this.#state !== 'whole') return;
    this.#outgoing.abandon();
    this.#incoming.abandon();
    this.#state = kind === 'unplug' ? 'unplugged' : 'silent';
    if (kind === 'silence') return;
    this.#inbox.end();
    this.#stop.abort();
    // What passed before the cut arrives.
    void this.#written.then(() => this.#stream.close());
  }

  /** Reads on after a silent cut too, so that nothing waits in a buffer for ever. */
  async #pump(): Promise<void> {
    try {
      for (;;) {
        const piece = await this.#stream.read(this.#stop.signal);
        if (piece === undefined) break;
        if (this.#state === 'whole') this.#incoming.carry(piece);
      }
    } catch {
      return;
    }
    if (this.#state === 'whole') this.#incoming.after(() => this.#inbox.end());
  }
}

/** One direction: pieces go in, and come out damaged, in order, at their time. */
class Direction {
  readonly #faults: DirectionFaults;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #errors: ByteErrors;
  readonly #broken: () => void;
  readonly #deliver: (piece: Uint8Array) => void;
  readonly #queue: DelayQueue;
  #left: number;
  #merging: Uint8Array[] = [];
  #mergeTimer: Timer | undefined;

  constructor(
    faults: DirectionFaults,
    clock: Clock,
    random: Random,
    broken: () => void,
    deliver: (piece: Uint8Array) => void,
  ) {
    this.#faults = faults;
    this.#clock = clock;
    this.#random = random;
    this.#broken = broken;
    this.#deliver = deliver;
    this.#errors = new ByteErrors(faults, random);
    this.#queue = new DelayQueue(clock);
    this.#left = faults.cutAfter ?? Number.POSITIVE_INFINITY;
    if (this.#left === 0) queueMicrotask(broken);
  }

  /** Takes a piece; the bytes after a cut are lost. */
  carry(piece: Uint8Array): void {
    const whole = piece.length < this.#left;
    const passing = whole ? piece : piece.subarray(0, this.#left);
    this.#left -= passing.length;
    this.#merge(this.#errors.apply(passing));
    if (!whole) this.after(this.#broken);
  }

  /** Calls `event` when all that was taken before has come out. */
  after(event: () => void): void {
    this.#flush();
    this.#queue.add(this.#clock.now(), event);
  }

  /** Nothing comes out any more. */
  abandon(): void {
    this.#queue.clear();
    this.#mergeTimer?.cancel();
    this.#merging = [];
  }

  #merge(piece: Uint8Array): void {
    const { mergeMs } = this.#faults;
    if (mergeMs === undefined) {
      this.#send(piece);
      return;
    }
    if (piece.length === 0) return;
    if (this.#merging.length === 0) this.#mergeTimer = this.#clock.after(mergeMs, () => this.#flush());
    this.#merging.push(piece);
  }

  #flush(): void {
    const pieces = this.#merging;
    this.#merging = [];
    this.#mergeTimer?.cancel();
    if (pieces.length > 0) this.#send(Uint8Array.from(pieces.flatMap((piece) => Array.from(piece))));
  }

  #send(piece: Uint8Array): void {
    for (const part of this.#split(piece)) {
      const [least, most] = this.#faults.delayMs ?? [0, 0];
      const delay = most > 0 ? least + this.#random.below(Math.floor(most - least) + 1) : 0;
      this.#queue.add(this.#clock.now() + delay, () => this.#deliver(part));
    }
  }

  *#split(piece: Uint8Array): Iterable<Uint8Array> {
    const { split } = this.#faults;
    for (let at = 0; at < piece.length; ) {
      const rest = piece.length - at;
      const length = split === undefined ? rest : split === 'bytes' ? 1 : 1 + this.#random.below(rest);
      yield piece.slice(at, at + length);
      at += length;
    }
  }
}
