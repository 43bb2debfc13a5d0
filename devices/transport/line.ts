import type { Clock } from '../../src/platform/clock.ts';
import { PossumError } from '../../src/platform/errors.ts';
import type { ByteStream } from '../../src/ports/stream.ts';
import type { LineSettings } from './line-settings.ts';

/** Modem lines that a host drives. */
export interface ModemOutputs {
  readonly dtr: boolean;
  readonly rts: boolean;
}

/** Modem lines that a device drives. */
export interface ModemInputs {
  readonly cts: boolean;
  readonly dsr: boolean;
  readonly dcd: boolean;
}

/** Sockets, files and pseudo-terminals have no such wires; that is no fault. */
export type LinesUnavailable = { readonly kind: 'lines unavailable'; readonly reason: string };

/** A byte stream to a device, with what a serial port has besides bytes. */
export interface Line extends ByteStream {
  /** The path or address, for messages. */
  readonly where: string;
  /** Wire time: what the deadlines of this line are readings of. */
  readonly clock: Clock;
  /** The settings in force; a stream without settings keeps what it is told. */
  readonly settings: LineSettings;
  /**
   * Changes the speed of our end; bytes that are not read yet may be lost.
   * @returns false when the port does not have that speed
   * @throws PossumError `UNAVAILABLE` when the line is closed
   */
  setBaud(baud: number): Promise<boolean>;
  setModem(outputs: ModemOutputs): Promise<{ readonly kind: 'set' } | LinesUnavailable>;
  modem(): Promise<({ readonly kind: 'lines' } & ModemInputs) | LinesUnavailable>;
}

/** Why a line could not be opened; callers test `why`, people read the rest. */
export interface OpenFailure {
  readonly kind: 'failed';
  readonly why:
    | 'missing'
    | 'forbidden'
    | 'busy'
    | 'not a port'
    | 'settings'
    | 'refused'
    | 'timeout'
    | 'no driver'
    | 'other';
  readonly where: string;
  readonly message: string;
  /** What to do about it, as a sentence. */
  readonly remedy: string;
}

export type OpenedLine = { readonly kind: 'open'; readonly line: Line } | OpenFailure;

/** A stream without settings or modem lines, in the shape of a line. */
export function asLine(stream: ByteStream, where: string, clock: Clock, settings: LineSettings): Line {
  const unavailable: LinesUnavailable = {
    kind: 'lines unavailable',
    reason: `${where} carries bytes only`,
  };
  let current = settings;
  return {
    where,
    clock,
    get settings() {
      return current;
    },
    write: (bytes) => stream.write(bytes),
    read: (signal) => stream.read(signal),
    close: () => stream.close(),
    async setBaud(baud) {
      current = { ...current, baud };
      return true;
    },
    setModem: async () => unavailable,
    modem: async () => unavailable,
  };
}

/** `line`, with its bytes going through `stream`, which lies over it: a recorder, a pacer, a fault injector. */
export function through(line: Line, stream: ByteStream): Line {
  return {
    where: line.where,
    clock: line.clock,
    get settings() {
      return line.settings;
    },
    write: (bytes) => stream.write(bytes),
    read: (signal) => stream.read(signal),
    close: () => stream.close(),
    setBaud: (baud) => line.setBaud(baud),
    setModem: (outputs) => line.setModem(outputs),
    modem: () => line.modem(),
  };
}

/** The exception of a call on a line that is closed or lost. */
export function lineClosed(where: string, cause?: unknown): PossumError {
  return new PossumError('UNAVAILABLE', 'the line is closed', { where, cause });
}
