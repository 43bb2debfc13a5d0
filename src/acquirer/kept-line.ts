import { NEVER } from '../platform/clock.ts';
import type { ByteStream, Dialled, Dialler } from '../ports/index.ts';

/** A line that stays connected between dialogues (host-protocol, section 1: keep-alive). */
export interface KeptLine extends Dialler {
  /** Hangs up. */
  close(): Promise<void>;
}

/**
 * Lends the same connection to one dialogue after the other. A dialogue that ended without its answer hangs up, since
 * that might still come; so does a host that hangs up or speaks without being asked.
 */
export function keptLine(dialler: Dialler): KeptLine {
  let idle: IdleStream | undefined;
  const keep = (stream: ByteStream): void => {
    const kept = watch(stream, () => {
      if (idle === kept) idle = undefined;
    });
    idle = kept;
  };
  return {
    address: dialler.address,
    async dial(signal, deadlineMs): Promise<Dialled> {
      const kept = idle;
      idle = undefined;
      const dialled: Dialled =
        kept === undefined
          ? await dialler.dial(signal, deadlineMs)
          : { kind: 'connected', stream: kept.take() };
      return dialled.kind === 'refused' ? dialled : { kind: 'connected', stream: lend(dialled.stream, keep) };
    },
    async close() {
      const kept = idle;
      idle = undefined;
      await kept?.take().close();
    },
  };
}

/** A connection that nobody uses just now. */
interface IdleStream {
  /** The stream for its next user, whose first read is the one that was waiting. */
  take(): ByteStream;
}

/** Reads while nobody does: whatever comes ends the connection, and `onGone` is called. */
function watch(stream: ByteStream, onGone: () => void): IdleStream {
  let waiting: Promise<Uint8Array | undefined> | undefined = stream.read(NEVER);
  let taken = false;
  const gone = () => {
    if (taken) return;
    onGone();
    void stream.close().catch(() => {});
  };
  waiting.then(gone, gone);
  return {
    take() {
      taken = true;
      return {
        write: (bytes) => stream.write(bytes),
        close: () => stream.close(),
        read(signal) {
          const first = waiting;
          waiting = undefined;
          return first ?? stream.read(signal);
        },
      };
    },
  };
}

/** A stream for one dialogue, which either hangs up or leaves it to the next. */
function lend(stream: ByteStream, keep: (stream: ByteStream) => void): ByteStream {
  return {
    write: (bytes) => stream.write(bytes),
    read: (signal) => stream.read(signal),
    close: () => stream.close(),
    async release() {
      keep(stream);
    },
  };
}
