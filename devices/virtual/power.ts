import type { ByteStream, CardChannel, CardReader, Dialler, Printer } from '../../src/ports/index.ts';

/** Where the power of a terminal can fail: before a statement, a socket read or write, an APDU, a print. */
export type PowerPoint = 'sql' | 'dial' | 'write' | 'read' | 'apdu' | 'print';

/** Thrown by everything that a terminal without power tries to do. Not an error of anybody. */
export class PowerCut extends Error {
  constructor() {
    super('the power is off');
    this.name = 'PowerCut';
  }
}

/**
 * The mains of an emulated terminal. Everything that leaves the processor passes through it; after {@link cut}
 * nothing of that terminal reaches the outside any more.
 */
export interface PowerSupply {
  /** Counts a point. @throws PowerCut when the power is off, or goes off here */
  point(kind: PowerPoint): void;
  /** Points so far. */
  readonly points: number;
  readonly isOn: boolean;
  cut(): void;
  reader(reader: CardReader): CardReader;
  printer(printer: Printer): Printer;
  dialler(dialler: Dialler): Dialler;
}

/** @param onPoint called with each point's kind and number, from 1; it may {@link PowerSupply.cut} or kill */
export function powerSupply(
  onPoint: (kind: PowerPoint, number: number, supply: PowerSupply) => void = () => {},
): PowerSupply {
  let on = true;
  let points = 0;
  const streams = new Set<ByteStream>();
  const supply: PowerSupply = {
    get points() {
      return points;
    },
    get isOn() {
      return on;
    },
    point(kind) {
      if (on) onPoint(kind, ++points, supply);
      if (!on) throw new PowerCut();
    },
    cut() {
      on = false;
      for (const stream of streams) void stream.close();
      streams.clear();
    },
    reader: (reader) => poweredReader(reader, supply),
    printer: (printer) => ({
      columns: printer.columns,
      print: async (lines, signal, deadlineMs) => {
        supply.point('print');
        return printer.print(lines, signal, deadlineMs);
      },
    }),
    dialler: (dialler) => ({
      address: dialler.address,
      dial: async (signal, deadlineMs) => {
        supply.point('dial');
        const dialled = await dialler.dial(signal, deadlineMs);
        if (dialled.kind === 'refused') return dialled;
        streams.add(dialled.stream);
        return { kind: 'connected', stream: poweredStream(dialled.stream, supply, streams) };
      },
    }),
  };
  return supply;
}

function poweredStream(stream: ByteStream, supply: PowerSupply, streams: Set<ByteStream>): ByteStream {
  return {
    async write(bytes) {
      supply.point('write');
      await stream.write(bytes);
    },
    async read(signal) {
      supply.point('read');
      const bytes = await stream.read(signal);
      supply.point('read');
      return bytes;
    },
    async close() {
      streams.delete(stream);
      await stream.close();
    },
  };
}

function poweredReader(reader: CardReader, supply: PowerSupply): CardReader {
  return {
    interfaces: reader.interfaces,
    awaitRemoval: (signal, deadlineMs) => reader.awaitRemoval(signal, deadlineMs),
    async awaitPresentation(wanted, signal, deadlineMs) {
      const presentation = await reader.awaitPresentation(wanted, signal, deadlineMs);
      if (presentation.kind !== 'card') return presentation;
      return { kind: 'card', channel: poweredChannel(presentation.channel, supply) };
    },
  };
}

function poweredChannel(channel: CardChannel, supply: PowerSupply): CardChannel {
  return {
    interface: channel.interface,
    answerToReset: channel.answerToReset,
    async transmit(command, signal) {
      supply.point('apdu');
      const exchange = await channel.transmit(command, signal);
      supply.point('apdu');
      return exchange;
    },
    release: () => channel.release(),
  };
}
