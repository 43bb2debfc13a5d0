import { type Clock, sleep } from '../../src/platform/clock.ts';
import { isPossumError } from '../../src/platform/errors.ts';
import type { ByteStream } from '../../src/ports/index.ts';
import { type LineSettings, wireTimeMs } from '../transport/line-settings.ts';

export interface TalkerOptions {
  readonly clock: Clock;
  /** Bytes take the time that they take with these settings; none when absent. */
  readonly pace?: LineSettings;
  /** Hears what is said to the device, a piece at a time; it is passed over when absent. */
  readonly onHeard?: (bytes: Uint8Array) => void;
}

/** The device's side of a line on which only the device talks. */
export class Talker {
  readonly #options: TalkerOptions;
  #stream: ByteStream | undefined;
  #plugged = true;
  #sending: Promise<void> = Promise.resolve();

  constructor(options: TalkerOptions) {
    this.#options = options;
  }

  get plugged(): boolean {
    return this.#plugged;
  }

  /** Talks on a stream until it ends, or the cable is pulled. */
  async serve(stream: ByteStream): Promise<void> {
    this.#stream = stream;
    const ending = new AbortController();
    try {
      for (;;) {
        const bytes = await stream.read(ending.signal);
        if (bytes === undefined || this.#stream !== stream) return;
        this.#options.onHeard?.(bytes);
      }
    } catch (cause) {
      if (!isPossumError(cause, 'CANCELLED') && !isPossumError(cause, 'UNAVAILABLE')) throw cause;
    } finally {
      if (this.#stream === stream) this.#stream = undefined;
      await stream.close();
    }
  }

  /** Without a listener the bytes are lost, as on a wire. */
  say(bytes: Uint8Array): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const { pace, clock } = this.#options;
    this.#sending = this.#sending.then(async () => {
      if (pace !== undefined) await sleep(clock, wireTimeMs(pace, bytes.length));
      if (this.#stream === stream) await stream.write(bytes).catch(() => {});
    });
  }

  async unplug(): Promise<void> {
    const stream = this.#stream;
    this.#plugged = false;
    this.#stream = undefined;
    await stream?.close();
  }

  replug(): void {
    this.#plugged = true;
  }
}
