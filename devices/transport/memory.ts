import type { Clock } from '../../src/platform/clock.ts';
import { PossumError } from '../../src/platform/errors.ts';
import type { ByteStream } from '../../src/ports/stream.ts';
import { Inbox } from './inbox.ts';

/**
 * Two ends of a line in memory. What one writes is at once readable at the other, or `latencyMs` later on `clock`.
 * A virtual clock needs no hold: the bytes are never where it cannot see them.
 */
export function memoryPair(
  clock: Clock,
  options: { readonly latencyMs?: number } = {},
): [ByteStream, ByteStream] {
  const left = new Inbox();
  const right = new Inbox();
  const latencyMs = options.latencyMs ?? 0;
  const deliver = (event: () => void) => {
    if (latencyMs === 0) event();
    else clock.after(latencyMs, event);
  };
  return [end(left, right, deliver), end(right, left, deliver)];
}

function end(own: Inbox, peer: Inbox, deliver: (event: () => void) => void): ByteStream {
  let closed = false;
  return {
    async write(bytes) {
      if (closed || own.ended) throw new PossumError('UNAVAILABLE', 'the line is closed');
      const copy = bytes.slice();
      deliver(() => peer.push(copy));
    },
    read: (signal) => own.read(signal),
    async close() {
      if (closed) return;
      closed = true;
      own.discard();
      deliver(() => peer.end());
    },
  };
}
