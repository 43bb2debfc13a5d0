import type { Clock } from '../../src/platform/clock.ts';
import type { ByteStream } from '../../src/ports/stream.ts';
import { formatRow, type TranscriptRow } from './transcript.ts';

export interface RecorderOptions {
  /** On which side of the line the recorder sits: what is written there goes `H>D` or `D>H`. Default: host. */
  readonly side?: 'host' | 'device';
  /**
   * Masks bytes before they are written down. It sees pieces as they were sent or arrived, which are not frames;
   * length is kept, so that the row still shows how much there was.
   */
  readonly mask?: (bytes: Uint8Array, direction: 'H>D' | 'D>H') => Uint8Array;
}

export interface Recorder {
  /** A stream that passes everything on and writes it down. */
  readonly stream: ByteStream;
  /** Adds a row for something that no byte shows: a card was inserted, a plug was pulled. */
  event(comment: string): void;
}

/**
 * Writes down what passes a stream in the transcript format, one row per write and per read.
 * @param clock wire time; the first column counts from now
 * @param write takes one row without its line end
 */
export function record(
  stream: ByteStream,
  clock: Clock,
  write: (row: string) => void,
  options: RecorderOptions = {},
): Recorder {
  const startMs = clock.now();
  const [sent, got] = options.side === 'device' ? (['D>H', 'H>D'] as const) : (['H>D', 'D>H'] as const);
  const mask = options.mask ?? ((bytes: Uint8Array) => bytes);
  const add = (row: Omit<TranscriptRow, 'seconds'>) =>
    write(formatRow({ ...row, seconds: (clock.now() - startMs) / 1000 }));
  const event = (comment: string) => add({ direction: '---', bytes: new Uint8Array(0), comment });
  return {
    event,
    stream: {
      async write(bytes) {
        // Noted first: the answer may be read before the write is reported done.
        add({ direction: sent, bytes: mask(bytes, sent), comment: '' });
        await stream.write(bytes);
      },
      async read(signal) {
        const bytes = await stream.read(signal);
        if (bytes === undefined) event('line ended');
        else add({ direction: got, bytes: mask(bytes, got), comment: '' });
        return bytes;
      },
      async close() {
        event('closed');
        await stream.close();
      },
    },
  };
}
