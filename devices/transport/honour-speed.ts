import type { Clock } from '../../src/platform/clock.ts';
import type { ByteStream } from '../../src/ports/stream.ts';
import type { LineSettings } from './line-settings.ts';
import type { Pty } from './pty.ts';
import { asReceived } from './uart.ts';

/** The other end is asked for its speed again after this much silence. */
const SILENCE_MS = 200;

/**
 * A device on a pseudo-terminal that hears and speaks nonsense while the program at the other end has set another
 * speed than its own. Parity and stop bits are not looked at: a pseudo-terminal keeps none.
 * @param own the device's settings, asked for each piece
 */
export function honourSpeed(
  pty: Pick<Pty, 'line' | 'speed'>,
  clock: Clock,
  own: () => LineSettings,
): ByteStream {
  const { line } = pty;
  let theirs: number | undefined;
  let lastMs = Number.NEGATIVE_INFINITY;
  const other = async (): Promise<LineSettings> => {
    if (clock.now() - lastMs >= SILENCE_MS) theirs = await pty.speed();
    lastMs = clock.now();
    return { ...own(), baud: theirs ?? own().baud };
  };
  // One after the other, so that asking for the speed changes no order.
  let writes: Promise<void> = Promise.resolve();
  return {
    write(bytes) {
      const piece = bytes.slice();
      const written = writes.then(async () => line.write(asReceived(piece, own(), await other())));
      writes = written.catch(() => {});
      return written;
    },
    async read(signal) {
      for (;;) {
        const bytes = await line.read(signal);
        if (bytes === undefined) return undefined;
        const heard = asReceived(bytes, await other(), own());
        if (heard.length > 0) return heard;
      }
    },
    close: () => line.close(),
  };
}
