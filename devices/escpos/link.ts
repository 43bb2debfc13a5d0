import { type Clock, cancelled, NEVER, type Release, sleep, until } from '../../src/platform/clock.ts';
import { isPossumError } from '../../src/platform/errors.ts';
import type { ByteStream } from '../../src/ports/index.ts';
import type { Line } from '../transport/line.ts';
import { type Answer, AnswerReader, automaticStatusOf, type PrinterStatus, statusOf } from './answers.ts';
import { FlowControl } from './flow.ts';
import { CLEAR_BUFFER, NAME, PAPER_WHEN_DONE, realTimeStatus, type StatusQuery } from './frames.ts';
import type { EscposSettings } from './settings.ts';

export interface LinkServices {
  /** A {@link Line} tells its modem lines, too. */
  readonly stream: ByteStream | Line;
  readonly clock: Clock;
  readonly settings: EscposSettings;
  readonly hold: () => Release;
  readonly onClosed: () => void;
}

/** How a part of a job ended. */
export type Progress =
  | { readonly kind: 'done' }
  /** The printer says why it does not go on. */
  | { readonly kind: 'stopped'; readonly status: PrinterStatus }
  /** The deadline came, or the printer stopped answering. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'lost' };

/** No query of another lasts as long. */
const QUERY_TURN_MS = 60_000;

/** Bytes to a printer, held back while it has no room, and its answers. One user at a time. */
export class EscposLink {
  readonly #services: LinkServices;
  readonly #answers = new AnswerReader();
  readonly #waiters = new Set<(answer: Answer | undefined) => void>();
  readonly #ending = new AbortController();
  readonly #flow: FlowControl;
  /** Answers to {@link PAPER_WHEN_DONE} that may still come. */
  #owed = 0;
  #automatic: PrinterStatus | undefined;
  /** The end of a piece that was given up half-way: the printer takes what comes next for it. */
  #rest: readonly Uint8Array[] = [];
  #isStalled = false;
  #asking: Promise<void> = Promise.resolve();

  constructor(services: LinkServices) {
    this.#services = services;
    this.#flow = new FlowControl(services.stream, services.settings.busy);
    void this.#listen();
  }

  get isClosed(): boolean {
    return this.#ending.signal.aborted;
  }

  /** True once the line took no more bytes in time: what it holds may still go out. */
  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** What the printer last told unasked. */
  get automatic(): PrinterStatus | undefined {
    return this.#automatic;
  }

  async close(): Promise<void> {
    this.#ending.abort();
    for (const waiter of [...this.#waiters]) waiter(undefined);
    await this.#services.stream.close();
  }

  /** @returns `undefined` when the printer does not answer. @throws PossumError `CANCELLED` */
  async status(signal: AbortSignal): Promise<PrinterStatus | undefined> {
    const printer = await this.query(1, signal);
    if (printer === undefined) return undefined;
    const cause = await this.query(2, signal);
    if (cause === undefined) return undefined;
    const paper = await this.query(4, signal);
    return paper === undefined ? undefined : statusOf(printer, cause, paper);
  }

  /** The answer to DLE EOT. Answers do not say what they answer, so one is asked after the other. */
  async query(query: StatusQuery, signal: AbortSignal): Promise<number | undefined> {
    const { clock } = this.#services;
    const before = this.#asking;
    let finish = () => {};
    const own = new Promise<void>((resolve) => {
      finish = resolve;
    });
    this.#asking = before.then(() => own);
    try {
      await this.#holding(() => until(clock, clock.now() + QUERY_TURN_MS, before, signal));
      return await this.#query(query, signal);
    } finally {
      finish();
    }
  }

  async #query(query: StatusQuery, signal: AbortSignal): Promise<number | undefined> {
    const { clock, settings } = this.#services;
    for (let attempt = 0; attempt <= settings.repeats && !this.isClosed; attempt++) {
      const value = await this.#ask(
        realTimeStatus(query),
        (answer) => (answer.kind === 'real-time' ? answer.value : undefined),
        signal,
      );
      if (value !== undefined) return value;
      // A late answer must not be taken for the next one.
      await this.#holding(() => sleep(clock, settings.quietMs, signal));
      this.#answers.reset();
    }
    return undefined;
  }

  /** What the printer calls itself; many do not. */
  name(signal: AbortSignal): Promise<string | undefined> {
    return this.#ask(NAME, (answer) => (answer.kind === 'name' ? answer.text : undefined), signal);
  }

  /** Sends pieces as the printer has room for them. @throws PossumError `CANCELLED` when `signal` is aborted */
  async send(pieces: readonly Uint8Array[], signal: AbortSignal, deadlineMs: number): Promise<Progress> {
    const { chunkBytes } = this.#services.settings;
    for (const chunk of [...this.#rest, ...chunksOf(pieces, chunkBytes)]) {
      for (let at = 0; at < chunk.length; at += chunkBytes) {
        this.#rest = at === 0 ? [] : [chunk.subarray(at)];
        const progress = await this.#whenReady(signal, deadlineMs);
        if (progress.kind !== 'done') return progress;
        const written = await this.#write(chunk.subarray(at, at + chunkBytes), deadlineMs);
        if (written !== 'written') return { kind: written };
      }
      this.#rest = [];
    }
    return { kind: 'done' };
  }

  /** Waits until everything that was sent is printed. @throws PossumError `CANCELLED` */
  async printed(signal: AbortSignal, deadlineMs: number): Promise<Progress> {
    const { clock, settings } = this.#services;
    while (clock.now() < deadlineMs && !this.isClosed) {
      // Asking again does no harm, and an answer may have been lost.
      const done = this.#expect(
        (answer) => (answer.kind === 'done' ? true : undefined),
        signal,
        Math.min(clock.now() + settings.statusMs, deadlineMs),
      );
      this.#owed++;
      const sent = await this.send([PAPER_WHEN_DONE], signal, deadlineMs);
      if (sent.kind !== 'done') return sent;
      if (await done) return { kind: 'done' };
      const status = this.isClosed ? undefined : await this.status(signal);
      if (status === undefined) break;
      if (!isReady(status)) return { kind: 'stopped', status };
    }
    return { kind: this.isClosed ? 'lost' : 'silent' };
  }

  /** Waits for answers that belong to an earlier slip, so that none is taken for one of the next. */
  async settle(signal: AbortSignal, deadlineMs: number): Promise<Progress> {
    if (this.#owed === 0) return { kind: 'done' };
    const { clock, settings } = this.#services;
    const progress = await this.printed(signal, deadlineMs);
    if (progress.kind !== 'done') return progress;
    while (this.#owed > 0) {
      const until = clock.now() + settings.answerMs;
      if (!(await this.#expect((answer) => answer.kind === 'done' || undefined, signal, until))) break;
    }
    this.#owed = 0;
    return { kind: 'done' };
  }

  /** Has the printer forget what it did not print. Not answered by printers that cannot. */
  async clear(): Promise<void> {
    const cleared = await this.#ask(CLEAR_BUFFER, (answer) => answer.kind === 'cleared' || undefined, NEVER);
    if (cleared !== true) return;
    this.#owed = 0;
    this.#rest = [];
  }

  async #listen(): Promise<void> {
    const { stream, onClosed } = this.#services;
    try {
      for (;;) {
        const chunk = await stream.read(this.#ending.signal);
        if (chunk === undefined) break;
        for (const answer of this.#answers.push(chunk)) this.#take(answer);
      }
    } catch (cause) {
      if (!isPossumError(cause, 'CANCELLED') && !isPossumError(cause, 'UNAVAILABLE')) throw cause;
    }
    if (this.isClosed) return;
    await this.close();
    onClosed();
  }

  #take(answer: Answer): void {
    if (answer.kind === 'xon' || answer.kind === 'xoff') this.#flow.hear(answer.kind);
    else if (answer.kind === 'automatic') this.#automatic = automaticStatusOf(answer.bytes);
    else if (answer.kind === 'done' && this.#owed > 0) this.#owed--;
    for (const waiter of [...this.#waiters]) waiter(answer);
  }

  async #ask<T>(
    request: Uint8Array,
    read: (answer: Answer) => T | undefined,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    const { clock, settings } = this.#services;
    const deadlineMs = clock.now() + settings.answerMs;
    const answer = this.#expect(read, signal, deadlineMs);
    if ((await this.#write(request, deadlineMs)) !== 'written') return undefined;
    return answer;
  }

  /** The first answer that `read` knows, from now on. */
  #expect<T>(
    read: (answer: Answer) => T | undefined,
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<T | undefined> {
    let waiter: (answer: Answer | undefined) => void = () => {};
    const found = new Promise<T | undefined>((resolve) => {
      waiter = (answer) => {
        const value = answer && read(answer);
        if (answer === undefined || value !== undefined) resolve(value);
      };
      if (this.isClosed) resolve(undefined);
      else this.#waiters.add(waiter);
    });
    const result = this.#holding(() => until(this.#services.clock, deadlineMs, found, signal)).finally(() =>
      this.#waiters.delete(waiter),
    );
    result.catch(() => {});
    return result;
  }

  /** Waits while the printer says that it has no room, and asks now and then what is wrong. */
  async #whenReady(signal: AbortSignal, deadlineMs: number): Promise<Progress> {
    const { clock, settings } = this.#services;
    let askMs = clock.now() + settings.statusMs;
    while (!this.isClosed) {
      if (signal.aborted) throw cancelled();
      if (await this.#flow.hasRoom()) return { kind: 'done' };
      if (clock.now() >= deadlineMs) {
        this.#flow.forgetStop();
        return { kind: 'silent' };
      }
      await this.#holding(() => sleep(clock, settings.pollMs, signal));
      if (clock.now() < askMs || !settings.answers) continue;
      const status = await this.status(signal);
      if (status !== undefined && !isReady(status)) return { kind: 'stopped', status };
      askMs = clock.now() + settings.statusMs;
    }
    return { kind: 'lost' };
  }

  async #write(bytes: Uint8Array, deadlineMs: number): Promise<'written' | 'silent' | 'lost'> {
    const { stream, clock } = this.#services;
    const writing = stream.write(bytes).then(
      () => 'written' as const,
      () => 'lost' as const,
    );
    const outcome = await this.#holding(() => until(clock, deadlineMs, writing));
    // What follows must see how the printer answers to this, if it does.
    if (outcome === 'written') await this.#holding(() => sleep(clock, this.#flow.timeOf(bytes)));
    if (outcome === undefined) this.#isStalled = true;
    return outcome ?? 'silent';
  }

  async #holding<T>(work: () => Promise<T>): Promise<T> {
    const release = this.#services.hold();
    try {
      return await work();
    } finally {
      release();
    }
  }
}

/** True when a slip can be printed. */
export function isReady({ online, coverOpen, paper, error }: PrinterStatus): boolean {
  return online && !coverOpen && !error && paper !== 'out';
}

/** Pieces in chunks of up to `size` bytes; a longer piece is a chunk of its own. */
function chunksOf(pieces: readonly Uint8Array[], size: number): Uint8Array[] {
  const chunks: number[][] = [];
  for (const piece of pieces) {
    const last = chunks.at(-1);
    if (last !== undefined && last.length + piece.length <= size) last.push(...piece);
    else chunks.push([...piece]);
  }
  return chunks.map((chunk) => Uint8Array.from(chunk));
}
