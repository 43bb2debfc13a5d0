import { cancelled } from '../../src/platform/clock.ts';
import type {
  ByteStream,
  CardInterface,
  CardReader,
  Presentation,
  StripeTracks,
} from '../../src/ports/index.ts';
import { Kept } from '../one-way/kept.ts';
import { OneWayDevice, type OneWayServices, type Opened } from '../one-way/one-way-device.ts';
import { Waiting } from '../one-way/waiting.ts';
import { Dialogue } from './dialogue.ts';
import { type Swipe, SwipeReader } from './frames.ts';
import type { SecureSwipe } from './secure-swipe.ts';
import { MAGSTRIPE_DEFAULTS, type MagstripeSettings } from './settings.ts';
import type { TrackCodec } from './track-codec.ts';

export interface MagstripeServices extends OneWayServices {
  readonly codec: TrackCodec;
  readonly settings?: Partial<MagstripeSettings>;
  /** Opens encrypted output; without it, and where it gives nothing, such a swipe reads empty. */
  readonly reveal?: (swipe: SecureSwipe) => StripeTracks | undefined;
  /** Told of every swipe, noise included, before the tracks reach a wait. */
  readonly onSwipe?: (swipe: Swipe) => void;
}

/** A reader of magnetic stripes that sends each swipe by itself. */
export interface MagstripeReader extends CardReader {
  readonly isOnline: boolean;
  /**
   * Opens the line; from then on it is opened again when it was lost. Only an ID TECH reader can be asked who it is.
   * @param deadlineMs a reading of the wire's clock
   * @throws PossumError `CANCELLED` when `signal` is aborted, `STATE` when it is open already or was closed
   */
  open(signal: AbortSignal, deadlineMs: number): Promise<Opened>;
  close(): Promise<void>;
}

export function createMagstripeReader(services: MagstripeServices): MagstripeReader {
  return new Reader(services);
}

class Reader implements MagstripeReader {
  readonly interfaces: readonly CardInterface[] = ['stripe'];
  readonly #services: MagstripeServices;
  readonly #device: OneWayDevice;
  readonly #frames: SwipeReader;
  readonly #kept: Kept<StripeTracks>;
  readonly #waiting: Waiting;
  readonly #answerMs: number;
  #dialogue: Dialogue | undefined;

  constructor(services: MagstripeServices) {
    const settings = { ...MAGSTRIPE_DEFAULTS, ...services.settings };
    this.#services = services;
    this.#answerMs = settings.answerMs;
    this.#frames = new SwipeReader(settings, services.codec);
    this.#kept = new Kept(services.clock, settings.keepMs);
    this.#waiting = new Waiting(services.clock, 'the reader');
    this.#device = new OneWayDevice('magstripe', services, settings, {
      onBytes: (bytes) => this.#hear(bytes),
      onSilence: () => this.#take(this.#frames.silence()),
      onLost: () => this.#lost(),
      ...(settings.dialogue === 'idtech' ? { greet: (stream, signal) => this.#greet(stream, signal) } : {}),
    });
  }

  get isOnline(): boolean {
    return this.#device.isOnline;
  }

  open(signal: AbortSignal, deadlineMs: number): Promise<Opened> {
    return this.#device.open(signal, deadlineMs);
  }

  close(): Promise<void> {
    return this.#device.close();
  }

  awaitPresentation(
    wanted: readonly CardInterface[],
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<Presentation> {
    const look = () => (wanted.includes('stripe') ? this.#presented() : undefined);
    return this.#waiting.until(look, { kind: 'timeout' }, signal, deadlineMs);
  }

  /** A swiped card is in the hand again. */
  async awaitRemoval(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) throw cancelled();
    return true;
  }

  async #greet(stream: ByteStream, signal: AbortSignal): Promise<string | undefined> {
    const dialogue = new Dialogue(this.#device.wire, this.#answerMs);
    this.#dialogue = dialogue;
    this.#frames.reset();
    try {
      return await dialogue.greet(stream, signal);
    } finally {
      this.#dialogue = undefined;
    }
  }

  #hear(bytes: Uint8Array): void {
    if (this.#dialogue === undefined) this.#take(this.#frames.push(bytes));
    else this.#dialogue.push(bytes);
  }

  #presented(): Presentation | undefined {
    if (!this.#device.isOnline) return { kind: 'offline', reason: this.#device.reason };
    const tracks = this.#kept.take();
    return tracks && { kind: 'stripe', tracks };
  }

  #take(swipes: readonly Swipe[]): void {
    for (const swipe of swipes) {
      this.#device.tell(swipe.kind === 'noise' ? 'noise' : 'card swiped', describeSwipe(swipe));
      this.#services.onSwipe?.(swipe);
      if (swipe.kind === 'noise') continue;
      this.#kept.put(this.#tracksOf(swipe));
    }
    if (swipes.length > 0) this.#waiting.changed();
  }

  #tracksOf(swipe: Exclude<Swipe, { readonly kind: 'noise' }>): StripeTracks {
    if (swipe.kind === 'read' || swipe.kind === 'partial') return swipe.tracks;
    return (swipe.kind === 'secure' ? this.#services.reveal?.(swipe) : undefined) ?? {};
  }

  #lost(): void {
    this.#frames.reset();
    this.#kept.forget();
    this.#waiting.changed();
  }
}

/** What a swipe was, without a character of its tracks. */
export function describeSwipe(swipe: Swipe): string {
  switch (swipe.kind) {
    case 'read':
    case 'partial':
    case 'garbled': {
      const tracks = swipe.kind === 'garbled' ? [] : Object.keys(swipe.tracks).map((name) => name.slice(-1));
      const defects = swipe.kind === 'read' ? [] : swipe.defects.map(({ track, code }) => `${track} ${code}`);
      return [`tracks read: ${tracks.join(' ') || 'none'}`, ...defects].join(', ');
    }
    case 'secure':
      return 'encrypted';
    case 'broken':
      return `encrypted, ${swipe.why}`;
    case 'noise':
      return `${swipe.bytes} bytes`;
  }
}
