import type { Clock } from '../../src/platform/clock.ts';
import type { ByteStream, Listener } from '../../src/ports/stream.ts';
import { parseTcpAddress, type TcpAddress } from './address.ts';
import { honourSpeed } from './honour-speed.ts';
import { through } from './line.ts';
import type { LineSettings } from './line-settings.ts';
import { paced } from './pace.ts';
import { openPty, type Pty, pointLink, removeLink } from './pty.ts';
import { listenLine } from './tcp-line.ts';

/** Where other programs find a simulated device. */
export interface SimulatedPort {
  /** The path or address to open; another one after a replug, unless there is a link. */
  readonly path: string;
  /** To the program at the other end the device vanishes. */
  unplug(): Promise<void>;
  /** The device is there again; does nothing when it is plugged in. */
  replug(): Promise<void>;
  /** Unplugs for good. */
  close(): Promise<void>;
}

export interface SimulatedPortOptions {
  /** Wire time. */
  readonly clock: Clock;
  /** The device's settings, asked for each piece, since it may change them. */
  readonly settings: () => LineSettings;
  /** Speaks the device's protocol on a stream until that ends. */
  readonly serve: (stream: ByteStream) => void;
  /** Bytes take their time. */
  readonly pace?: boolean;
}

/**
 * A device on a pseudo-terminal.
 * @param options `link`: a stable name, there while the device is plugged in. `honourSpeed`: speaks nonsense to a
 *   program that has set another speed.
 * @throws PossumError `USAGE` where there are none, `UNAVAILABLE` when none can be made
 */
export async function ptyPort(
  options: SimulatedPortOptions & { readonly link?: string; readonly honourSpeed?: boolean },
): Promise<SimulatedPort> {
  const { clock, link } = options;
  let pty: Pty | undefined;
  let path = '';
  const plug = async (): Promise<void> => {
    const fresh = await openPty(options.settings(), clock);
    pty = fresh;
    path = fresh.path;
    if (link !== undefined) {
      try {
        pointLink(link, fresh.path);
      } catch (error) {
        await unplug();
        throw error;
      }
    }
    const line = through(fresh.line, {
      write: (bytes) => fresh.line.write(bytes),
      read: (signal) => fresh.line.read(signal),
      async close() {
        // A device that hangs up by itself is as good as unplugged.
        if (pty === fresh) forget();
        await fresh.line.close();
      },
    });
    const { speed } = fresh;
    const heard = options.honourSpeed === true ? honourSpeed({ line, speed }, clock, options.settings) : line;
    options.serve(timed(heard, options));
  };
  /** A link that stays would lead to whoever is given the number next. */
  const forget = (): void => {
    pty = undefined;
    if (link !== undefined) removeLink(link);
  };
  const unplug = async (): Promise<void> => {
    const plugged = pty;
    if (plugged === undefined) return;
    forget();
    await plugged.line.close();
  };
  await plug();
  return {
    get path() {
      return link ?? path;
    },
    unplug,
    async replug() {
      if (pty === undefined) await plug();
    },
    close: unplug,
  };
}

/**
 * A device on a socket; a replug takes the same port.
 * @throws PossumError `USAGE` for an address that cannot be used, `UNAVAILABLE` when the port is taken
 */
export async function tcpPort(at: TcpAddress, options: SimulatedPortOptions): Promise<SimulatedPort> {
  const listen = (address: TcpAddress) =>
    listenLine(address, (line) => options.serve(timed(line, options)), options.clock);
  let listener: Listener | undefined = await listen(at);
  const { address } = listener;
  const unplug = async (): Promise<void> => {
    const plugged = listener;
    listener = undefined;
    await plugged?.close();
  };
  return {
    path: `tcp://${address}`,
    unplug,
    async replug() {
      listener ??= await listen(parseTcpAddress(address));
    },
    close: unplug,
  };
}

function timed(stream: ByteStream, { pace, clock, settings }: SimulatedPortOptions): ByteStream {
  return pace === true ? paced(stream, clock, settings) : stream;
}
