import type { Clock } from '../../src/platform/clock.ts';
import type { ByteStream } from '../../src/ports/stream.ts';
import { DelayQueue } from './delay-queue.ts';
import { Inbox } from './inbox.ts';
import { lineClosed } from './line.ts';
import { type LineSettings, wireTimeMs } from './line-settings.ts';

/** Timers of real clocks are good to about this much; the rest of a piece's time is owed to the next. */
const REAL_GRAIN_MS = 1;

/**
 * Lets bytes take the time that they take on a wire, both ways: a piece is there when its last bit would be. For
 * simulators on streams that know no speed.
 * @param settings asked for each piece, since a device may change its speed
 * @param grainMs what is due within this time happens at once; 0 is exact on a virtual clock
 */
export function paced(
  stream: ByteStream,
  clock: Clock,
  settings: () => LineSettings,
  grainMs = REAL_GRAIN_MS,
): ByteStream {
  const outgoing = new DelayQueue(clock, grainMs);
  const incoming = new DelayQueue(clock, grainMs);
  const inbox = new Inbox();
  const stop = new AbortController();
  let closed = false;
  const due = (queue: DelayQueue, bytes: Uint8Array) =>
    queue.lastDueMs + wireTimeMs(settings(), bytes.length);
  const pump = async (): Promise<void> => {
    for (;;) {
      const piece = await stream.read(stop.signal);
      if (piece === undefined) break;
      incoming.add(due(incoming, piece), () => inbox.push(piece));
    }
    incoming.add(incoming.lastDueMs, () => inbox.end());
  };
  void pump().catch(() => {});
  return {
    write(bytes) {
      if (closed) return Promise.reject(lineClosed('the paced line'));
      const piece = bytes.slice();
      return new Promise((resolve, reject) => {
        outgoing.add(due(outgoing, piece), () => stream.write(piece).then(resolve, reject));
      });
    },
    read: (signal) => inbox.read(signal),
    async close() {
      closed = true;
      inbox.discard();
      outgoing.clear();
      incoming.clear();
      stop.abort();
      await stream.close();
    },
  };
}
