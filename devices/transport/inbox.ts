import { cancelled, onceAborted } from '../../src/platform/clock.ts';

/** Received chunks in order, and the readers that wait for them. */
export class Inbox {
  readonly #chunks: Uint8Array[] = [];
  readonly #waiting: ((chunk: Uint8Array | undefined) => void)[] = [];
  #ended = false;
  #size = 0;

  /** Bytes that arrived and were not read yet. */
  get size(): number {
    return this.#size;
  }

  get ended(): boolean {
    return this.#ended;
  }

  push(chunk: Uint8Array): void {
    if (this.#ended || chunk.length === 0) return;
    const reader = this.#waiting.shift();
    if (reader !== undefined) {
      reader(chunk);
      return;
    }
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /** Nothing follows; readers see what is left, then `undefined`. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#waiting.splice(0)) reader(undefined);
  }

  /** {@link end}, and what was not read is dropped. */
  discard(): void {
    this.#chunks.length = 0;
    this.#size = 0;
    this.end();
  }

  /** @throws PossumError `CANCELLED` when `signal` is aborted; nothing is lost by it */
  read(signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (signal.aborted) return Promise.reject(cancelled());
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#size -= chunk.length;
      return Promise.resolve(chunk);
    }
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const reader = (next: Uint8Array | undefined) => {
        detach();
        resolve(next);
      };
      const detach = onceAborted(signal, () => {
        const at = this.#waiting.indexOf(reader);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(cancelled());
      });
      this.#waiting.push(reader);
    });
  }
}
