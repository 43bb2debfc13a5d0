import { createCard, loadCard } from '../../../devices/cards/load.ts';
import type { CardFile } from '../../../devices/cards/schema.ts';
import type { DeviceServices } from '../../../devices/pn532/device.ts';
import { createPn532Reader, type Pn532Reader } from '../../../devices/pn532/driver.ts';
import {
  createPn532Simulator,
  type Pn532Simulator,
  type Pn532SimulatorOptions,
} from '../../../devices/pn532/simulator.ts';
import { simulatorDialler } from '../../../devices/transport/simulator-dialler.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import type { ByteStream, CardChannel, Exchange, Presentation } from '../../../src/ports/index.ts';
import { cardPath } from '../cards/hand.ts';

export const SELECT_PPSE = '00A404000E325041592E5359532E444446303100';

export const card = (name = 'visa-contactless') =>
  createCard(loadCard(cardPath(name)), { random: seededRandom(name) });

/** A recorded card: what it answers to which command. */
export const replay = (exchanges: Readonly<Record<string, string>>, ats = '0A78808102454D554C41') => {
  const file: CardFile = {
    kind: 'replay',
    interface: 'contactless',
    ...(ats === '' ? {} : { ats: fromHex(ats) }),
    exchanges: Object.entries(exchanges).map(([command, response]) => ({
      command,
      response: fromHex(response),
      any: true,
      optional: false,
    })),
    unmatched: fromHex('6D00'),
  };
  return createCard(file, { random: seededRandom('replay') });
};

/** Both ends of a line in memory, on virtual time. */
export interface Bench {
  readonly clock: VirtualClock;
  readonly simulator: Pn532Simulator;
  readonly reader: Pn532Reader;
  /** What the driver wrote so far, in hex, a write an entry. */
  readonly written: string[];
}

export interface BenchOptions {
  readonly simulator?: Partial<Pn532SimulatorOptions>;
  readonly reader?: Partial<DeviceServices>;
  readonly alter?: (stream: ByteStream) => ByteStream;
}

/** A driver that is not opened yet. */
export function bench({
  simulator: chip,
  reader: driver,
  alter = (stream) => stream,
}: BenchOptions = {}): Bench {
  const clock = new VirtualClock(0);
  const simulator = createPn532Simulator({ clock, ...chip });
  const written: string[] = [];
  const observed = (stream: ByteStream): ByteStream => ({
    ...stream,
    write(bytes) {
      written.push(toHex(bytes));
      return stream.write(bytes);
    },
  });
  const dialler = simulatorDialler(simulator, clock, (stream) => observed(alter(stream)));
  return { clock, simulator, written, reader: createPn532Reader({ clock, dialler, ...driver }) };
}

export async function opened(options: BenchOptions = {}): Promise<Bench> {
  const made = bench(options);
  const connected = await made.clock.run(made.reader.open(NEVER, made.clock.now() + 5000));
  if (connected.kind === 'failed') throw new Error(connected.reason);
  return made;
}

/** What a wait of a minute ends with. */
export const presented = ({ clock, reader }: Bench, waitMs = 60_000): Promise<Presentation> =>
  clock.run(reader.awaitPresentation(['contactless'], NEVER, clock.now() + waitMs));

export async function channelOf(made: Bench): Promise<CardChannel> {
  const presentation = await presented(made);
  if (presentation.kind !== 'card') throw new Error(presentation.kind);
  return presentation.channel;
}

/** One exchange, as hex or as the name of its fault. */
export async function send({ clock }: Bench, channel: CardChannel, command: string): Promise<string> {
  return told(await clock.run(channel.transmit(fromHex(command), NEVER)));
}

export const told = (exchange: Exchange): string =>
  exchange.kind === 'response' ? toHex(exchange.response) : exchange.fault;
