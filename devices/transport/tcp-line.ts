import type { Clock } from '../../src/platform/clock.ts';
import type { ByteStream, Listener } from '../../src/ports/stream.ts';
import type { TcpAddress } from './address.ts';
import { asLine, type Line, type OpenedLine } from './line.ts';
import { COMMON_SETTINGS, type LineSettings } from './line-settings.ts';
import { listenTcp, type TcpOptions, tcpDialler } from './tcp.ts';

/**
 * Opens a device behind a socket: a simulator, or a serial server.
 * @param address `tcp://HOST:PORT` or `HOST:PORT`
 * @param deadlineMs a reading of `clock`
 * @throws PossumError `USAGE` when the address cannot be used, `CANCELLED` when `signal` is aborted
 */
export async function dialLine(
  address: string,
  clock: Clock,
  signal: AbortSignal,
  deadlineMs: number,
  options: TcpOptions & { readonly settings?: LineSettings } = {},
): Promise<OpenedLine> {
  const dialler = tcpDialler(address, clock, options);
  const where = `tcp://${dialler.address}`;
  const dialled = await dialler.dial(signal, deadlineMs);
  if (dialled.kind === 'connected') {
    return {
      kind: 'open',
      line: asLine(dialled.stream, where, clock, options.settings ?? COMMON_SETTINGS),
    };
  }
  return {
    kind: 'failed',
    why: dialled.reason === 'no answer' ? 'timeout' : 'refused',
    where,
    message: `the device does not answer there: ${dialled.reason}`,
    remedy: 'Check that the simulator or serial server runs, and that the port is the one that it printed.',
  };
}

/**
 * Offers a device on a socket. A cable has one other end: while one program is connected, others are turned away.
 * @throws PossumError `USAGE` for an address that cannot be used, `UNAVAILABLE` when the port is taken
 */
export async function listenLine(
  at: TcpAddress,
  onLine: (line: Line) => void,
  clock: Clock,
  options: TcpOptions & { readonly settings?: LineSettings } = {},
): Promise<Listener> {
  let taken = false;
  return listenTcp(
    at,
    (stream) => {
      if (taken) {
        void stream.close();
        return;
      }
      taken = true;
      const single: ByteStream = {
        write: (bytes) => stream.write(bytes),
        async read(signal) {
          const bytes = await stream.read(signal);
          if (bytes === undefined) taken = false;
          return bytes;
        },
        async close() {
          await stream.close();
          taken = false;
        },
      };
      onLine(asLine(single, `tcp://${at.host}:${at.port}`, clock, options.settings ?? COMMON_SETTINGS));
    },
    clock,
    options,
  );
}
