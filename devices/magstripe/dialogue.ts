import { concat, latin1 } from '../../src/platform/bytes.ts';
import { type Clock, sleep, until } from '../../src/platform/clock.ts';
import type { ByteStream } from '../../src/ports/index.ts';
import { type Answer, encodeRead, encodeSet, FUNCTION, parseAnswer } from './commands.ts';

/** The manual asks for this time between two commands, and for {@link PER_BYTE_MS} more for each byte of data. */
const BETWEEN_MS = 80;
const PER_BYTE_MS = 10;
const ON = latin1('1');

/** Finds an ID TECH reader, switches reading on, and has it send sentinels and all of track 2. */
export class Dialogue {
  readonly #clock: Clock;
  readonly #answerMs: number;
  #pieces: Uint8Array[] = [];
  #heard: () => void = () => {};

  constructor(clock: Clock, answerMs: number) {
    this.#clock = clock;
    this.#answerMs = answerMs;
  }

  /** What came on the line meanwhile. */
  push(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#heard();
  }

  /**
   * @returns why the reader cannot be used; `undefined` when it is ready
   * @throws PossumError `CANCELLED` when `signal` is aborted
   */
  async greet(stream: ByteStream, signal: AbortSignal): Promise<string | undefined> {
    const all = await this.#ask(stream, encodeRead(FUNCTION.all), 'settings', signal);
    if (all.kind !== 'settings') return 'no ID TECH stripe reader answers';
    for (const func of [FUNCTION.reading, FUNCTION.sentinels]) {
      await sleep(this.#clock, BETWEEN_MS + PER_BYTE_MS * ON.length, signal);
      const answer = await this.#ask(stream, encodeSet(func, ON), 'ack', signal);
      if (answer.kind === 'refused') return 'the reader refuses its settings';
      if (answer.kind !== 'done') return 'the reader stopped answering';
    }
    return undefined;
  }

  /** A reader allows hardly a pause inside a command, so it goes in one write. */
  async #ask(
    stream: ByteStream,
    command: Uint8Array,
    expects: 'ack' | 'settings',
    signal: AbortSignal,
  ): Promise<Answer> {
    this.#pieces = [];
    const deadlineMs = this.#clock.now() + this.#answerMs;
    const written = stream.write(command).then(
      () => true,
      () => false,
    );
    if ((await until(this.#clock, deadlineMs, written, signal)) !== true) return { kind: 'incomplete' };
    for (;;) {
      const answer = parseAnswer(concat(...this.#pieces), expects);
      if (answer.kind !== 'incomplete') return answer;
      const heard = new Promise<true>((resolve) => {
        this.#heard = () => resolve(true);
      });
      if ((await until(this.#clock, deadlineMs, heard, signal)) === undefined) return answer;
    }
  }
}
