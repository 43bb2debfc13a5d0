import { connect, createServer, type Socket } from 'node:net';
import { type Clock, cancelled, onceAborted } from '../../src/platform/clock.ts';
import { PossumError } from '../../src/platform/errors.ts';
import type { ByteStream, Dialled, Dialler, Listener } from '../../src/ports/stream.ts';
import { formatTcpAddress, isLoopback, parseTcpAddress, requirePrivate, type TcpAddress } from './address.ts';
import { Inbox } from './inbox.ts';
import { addLocalListener, beginLocalDial, hasLocalListener, Link, removeLocalListener } from './loopback.ts';

export interface TcpOptions {
  /** Talk to addresses that are neither loopback nor private. */
  readonly allowPublic?: boolean;
}

/** Above this many unread bytes the socket is paused. */
const UNREAD_LIMIT = 256 * 1024;

/**
 * Dials `HOST:PORT`. With a listener of the same process at the other end, a virtual clock is held while anything
 * is on its way.
 * @throws PossumError `USAGE` when the address cannot be used
 */
export function tcpDialler(address: string, clock: Clock, options: TcpOptions = {}): Dialler {
  const target = parseTcpAddress(address);
  if (options.allowPublic !== true) requirePrivate(target.host);
  return {
    address: formatTcpAddress(target),
    dial: (signal, deadlineMs) => dial(target, clock, signal, deadlineMs),
  };
}

function dial(target: TcpAddress, clock: Clock, signal: AbortSignal, deadlineMs: number): Promise<Dialled> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(cancelled());
      return;
    }
    // A loopback connection is answered by the operating system at once, one way or the other.
    const release = isLoopback(target.host) ? clock.hold() : () => {};
    const local = isLoopback(target.host) && hasLocalListener(target.port);
    const endDial = local ? beginLocalDial(target.port) : () => {};
    const socket = connect({ host: target.host, port: target.port, noDelay: true, allowHalfOpen: true });
    const timer = clock.after(deadlineMs - clock.now(), () => end({ kind: 'refused', reason: 'no answer' }));
    const detach = () => {
      timer.cancel();
      stopListening();
      socket.removeListener('error', onError);
      socket.removeListener('connect', onConnect);
    };
    const end = (dialled: Dialled) => {
      detach();
      if (dialled.kind === 'refused') {
        socket.on('error', () => {});
        socket.destroy();
        endDial();
        release();
      }
      resolve(dialled);
    };
    const onError = (error: NodeJS.ErrnoException) => end({ kind: 'refused', reason: reasonOf(error) });
    const onConnect = () => {
      const link = local ? Link.join(target.port, socket.localPort ?? 0, 'dialler') : undefined;
      end({ kind: 'connected', stream: socketStream(socket, clock, link, 'dialler') });
      const joined = () => {
        endDial();
        release();
      };
      if (link === undefined) joined();
      else link.whenJoined(joined);
    };
    const stopListening = onceAborted(signal, () => {
      end({ kind: 'refused', reason: 'cancelled' });
      reject(cancelled());
    });
    socket.once('error', onError);
    socket.once('connect', onConnect);
  });
}

/**
 * Accepts connections. Port 0 takes a free one; `address` of the listener says which. Closing it also closes the
 * connections that it accepted.
 * @throws PossumError `USAGE` for an address that cannot be used, `UNAVAILABLE` when the port is taken
 */
export function listenTcp(
  at: TcpAddress,
  onConnection: (stream: ByteStream) => void,
  clock: Clock,
  options: TcpOptions = {},
): Promise<Listener> {
  if (options.allowPublic !== true) requirePrivate(at.host);
  const open = new Map<Socket, ByteStream>();
  const server = createServer({ noDelay: true, allowHalfOpen: true });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new PossumError('UNAVAILABLE', `cannot listen: ${reasonOf(error)}`, {
          where: formatTcpAddress(at),
          remedy: 'Choose another port, or end the program that uses it.',
          cause: error,
        }),
      );
    });
    server.listen(at.port, at.host, () => {
      const bound = server.address();
      const port = bound === null || typeof bound === 'string' ? at.port : bound.port;
      addLocalListener(port);
      server.removeAllListeners('error');
      server.on('error', () => {});
      server.on('connection', (socket) => {
        const local = isLoopback(normalised(socket.remoteAddress));
        const link = local ? Link.join(port, socket.remotePort ?? 0, 'listener') : undefined;
        const stream = socketStream(socket, clock, link, 'listener');
        open.set(socket, stream);
        socket.once('close', () => open.delete(socket));
        onConnection(stream);
      });
      resolve({
        address: formatTcpAddress({ host: at.host, port }),
        async close() {
          removeLocalListener(port);
          const closed = new Promise<void>((done) => server.close(() => done()));
          for (const [socket, stream] of open) {
            void stream.close();
            socket.destroy();
          }
          await closed;
        },
      });
    });
  });
}

/** A socket as a byte stream. `link` is there when both ends are in this process. */
function socketStream(
  socket: Socket,
  clock: Clock,
  link: Link | undefined,
  side: 'dialler' | 'listener',
): ByteStream {
  const inbox = new Inbox();
  let closing = false;
  const closed = new Promise<void>((done) => {
    socket.once('close', () => {
      inbox.end();
      link?.gone(side);
      done();
    });
  });
  socket.on('data', (chunk: Uint8Array) => {
    link?.arrived(side, chunk.length);
    // A copy: the chunk belongs to a larger buffer of the runtime.
    if (!closing) inbox.push(Uint8Array.from(chunk));
    if (inbox.size > UNREAD_LIMIT) {
      socket.pause();
      link?.stalled(side);
    }
  });
  socket.once('end', () => {
    inbox.end();
    link?.sawEnd(side);
  });
  // A reset ends the stream like a close; `close` follows.
  socket.on('error', () => {});
  return {
    write(bytes) {
      if (closing || socket.destroyed || !socket.writable) return Promise.reject(lineClosed(socket));
      link?.sent(side, bytes.length, clock);
      return new Promise((resolve, reject) => {
        socket.write(bytes, (error) => (error ? reject(lineClosed(socket, error)) : resolve()));
      });
    },
    async read(signal) {
      const chunk = await inbox.read(signal);
      if (socket.isPaused() && inbox.size <= UNREAD_LIMIT / 2) {
        link?.resumed(side);
        socket.resume();
      }
      return chunk;
    },
    close() {
      if (!closing) {
        closing = true;
        link?.closing(side, clock);
        inbox.discard();
        socket.resume();
        socket.destroySoon();
      }
      return closed;
    },
  };
}

function lineClosed(socket: Socket, cause?: unknown): PossumError {
  const where = `${socket.remoteAddress ?? 'peer'}:${socket.remotePort ?? ''}`;
  return new PossumError('UNAVAILABLE', 'the connection is closed', { where, cause });
}

/** An IPv4 address that arrived on an IPv6 socket, in its own form. */
function normalised(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '');
}

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'connection refused';
    case 'EADDRINUSE':
      return 'the address is in use';
    case 'EADDRNOTAVAIL':
      return 'the address is not of this machine';
    case 'EACCES':
      return 'not permitted';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the name is unknown';
    case 'ETIMEDOUT':
      return 'no answer';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'no route';
    default:
      return error.code ?? error.message;
  }
}
