import type { Clock } from '../../src/platform/clock.ts';
import { Inbox } from './inbox.ts';
import { type Line, lineClosed, type ModemInputs, type ModemOutputs } from './line.ts';
import { type LineSettings, wireTimeMs } from './line-settings.ts';
import { asReceived } from './uart.ts';

export interface LinePairOptions {
  /** Settings of the first end and of the second. */
  readonly settings: readonly [LineSettings, LineSettings];
  /** Bytes take the time that they take on a wire; else they arrive at once. */
  readonly paced?: boolean;
}

/** One end's outputs, and what it received. */
interface End {
  readonly inbox: Inbox;
  settings: LineSettings;
  outputs: ModemOutputs;
  /** When the last byte that this end sent is at the other. */
  busyUntilMs: number;
  closed: boolean;
}

/**
 * A null-modem cable in memory. Unlike `memoryPair` it carries line settings: what an end sends arrives as a receiver
 * with other settings would read it. RTS is the other end's CTS, DTR its DSR and DCD.
 */
export function linePair(clock: Clock, options: LinePairOptions): [Line, Line] {
  const [left, right] = options.settings.map(makeEnd) as [End, End];
  const paced = options.paced === true;
  return [lineOf(left, right, clock, paced, 'left end'), lineOf(right, left, clock, paced, 'right end')];
}

function makeEnd(settings: LineSettings): End {
  return {
    inbox: new Inbox(),
    settings,
    outputs: { dtr: true, rts: true },
    busyUntilMs: 0,
    closed: false,
  };
}

function lineOf(own: End, peer: End, clock: Clock, paced: boolean, name: string): Line {
  /** Calls `event` when `count` bytes have passed after all that was sent before. */
  const afterWire = (count: number, event: () => void): number => {
    if (!paced) {
      event();
      return clock.now();
    }
    own.busyUntilMs = Math.max(own.busyUntilMs, clock.now()) + wireTimeMs(own.settings, count);
    clock.after(own.busyUntilMs - clock.now(), event);
    return own.busyUntilMs;
  };
  return {
    where: name,
    clock,
    get settings() {
      return own.settings;
    },
    async write(bytes) {
      if (own.closed || own.inbox.ended) throw lineClosed(name);
      const sent = bytes.slice();
      const { settings } = own;
      afterWire(sent.length, () => peer.inbox.push(asReceived(sent, settings, peer.settings)));
    },
    read: (signal) => own.inbox.read(signal),
    async close() {
      if (own.closed) return;
      own.closed = true;
      own.inbox.discard();
      afterWire(0, () => peer.inbox.end());
    },
    async setBaud(baud) {
      if (own.closed || own.inbox.ended) throw lineClosed(name);
      own.settings = { ...own.settings, baud };
      return true;
    },
    async setModem(outputs) {
      own.outputs = outputs;
      return { kind: 'set' };
    },
    async modem() {
      return { kind: 'lines', ...inputsFrom(peer) };
    },
  };
}

function inputsFrom({ outputs, closed }: End): ModemInputs {
  return { cts: outputs.rts && !closed, dsr: outputs.dtr && !closed, dcd: outputs.dtr && !closed };
}
