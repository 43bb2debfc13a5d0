import {
  createMagstripeReader,
  type MagstripeReader,
  type MagstripeServices,
} from '../../../devices/magstripe/driver.ts';
import type { Swipe } from '../../../devices/magstripe/frames.ts';
import {
  createMagstripeSimulator,
  type MagstripeSimulator,
  type MagstripeSimulatorOptions,
} from '../../../devices/magstripe/simulator.ts';
import { simulatorDialler } from '../../../devices/transport/simulator-dialler.ts';
import * as codec from '../../../src/emv/magstripe/tracks.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';
import type { ByteStream, Presentation } from '../../../src/ports/index.ts';

/** A published test card; the check characters of its tracks are `[` and `7`. */
export const TRACK_1 = 'B4012345678909^TEST/CARD^30122011000000000000000';
export const TRACK_2 = '4012345678909=30122011000000000';
export const TRACK_3 = '014012345678909=724724000000000000300300000000000000000=';
export const CARD = { tracks: { track1: TRACK_1, track2: TRACK_2 } };

export interface Bench {
  readonly clock: VirtualClock;
  readonly simulator: MagstripeSimulator;
  readonly reader: MagstripeReader;
  readonly swipes: Swipe[];
}

export interface BenchOptions {
  readonly simulator?: Partial<MagstripeSimulatorOptions>;
  readonly reader?: Partial<MagstripeServices>;
  readonly alter?: (stream: ByteStream, clock: VirtualClock) => ByteStream;
}

/** Driver and simulator on a line in memory; the line is open. */
export async function opened(options: BenchOptions = {}): Promise<Bench> {
  const { alter = (stream) => stream } = options;
  const clock = new VirtualClock(0);
  const simulator = createMagstripeSimulator({ clock, codec, ...options.simulator });
  const dialler = simulatorDialler(simulator, clock, (stream) => alter(stream, clock));
  const swipes: Swipe[] = [];
  const onSwipe = (swipe: Swipe) => swipes.push(swipe);
  const reader = createMagstripeReader({ clock, codec, dialler, onSwipe, ...options.reader });
  const result = await clock.run(reader.open(NEVER, 5000));
  if (result.kind === 'failed') throw new Error(result.reason);
  return { clock, simulator, reader, swipes };
}

/** What a wait ends with. */
export const presented = ({ clock, reader }: Bench, waitMs = 60_000): Promise<Presentation> =>
  clock.run(reader.awaitPresentation(['stripe'], NEVER, clock.now() + waitMs));
