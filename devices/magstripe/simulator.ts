import { concat, latin1 } from '../../src/platform/bytes.ts';
import type { ByteStream, StripeTracks } from '../../src/ports/index.ts';
import type { EmulatedCard } from '../cards/card.ts';
import { Talker, type TalkerOptions } from '../one-way/talker.ts';
import {
  ACKNOWLEDGED,
  encodeSettings,
  FUNCTION,
  parseCommand,
  REFUSED,
  type ReaderSettings,
} from './commands.ts';
import { encodeSecureFrame } from './secure-swipe.ts';
import type { TrackCodec } from './track-codec.ts';

/** What the simulated reader can do wrong, for a number of swipes each. */
export type MagstripeFault =
  | 'bad-lrc' // the check character of each track is wrong, if one is sent
  | 'unreadable' // each track is replaced by the error mark
  | 'absent' // track 2 is left out
  | 'nak' // it refuses a command
  | 'cut' // the swipe ends in the middle of its last track
  | 'noise'; // garbage comes before the first track

export interface MagstripeSimulatorOptions extends Omit<TalkerOptions, 'onHeard'> {
  readonly codec: TrackCodec;
  /** Default: idtech. `secure` sends what {@link seal} gives, in a frame of encrypted output. */
  readonly format?: 'idtech' | 'uic' | 'mag-tek' | 'secure';
  /** Answers configuration commands as ID TECH readers do; else it hears nothing. */
  readonly dialogue?: boolean;
  /** Its settings; by default it reads, at 9600. */
  readonly values?: ReaderSettings;
  /** The check character is sent. */
  readonly lrc?: boolean;
  /** The data of a frame of encrypted output. */
  readonly seal?: (tracks: StripeTracks) => Uint8Array;
}

export interface MagstripeSimulatorState {
  readonly plugged: boolean;
  readonly swipes: number;
}

/** A reader of magnetic stripes on the other end of any byte stream, and the hand that swipes. */
export interface MagstripeSimulator {
  /** Speaks on a stream until it ends, or the cable is pulled. One stream at a time. */
  serve(stream: ByteStream): Promise<void>;
  /** A card without stripe is not noticed. */
  swipe(card: Pick<EmulatedCard, 'tracks'>): void;
  fault(kind: MagstripeFault, count?: number): void;
  unplug(): Promise<void>;
  replug(): void;
  state(): MagstripeSimulatorState;
  quit(): Promise<void>;
}

export function createMagstripeSimulator(options: MagstripeSimulatorOptions): MagstripeSimulator {
  return new Simulator(options);
}

const NOISE = latin1('\xff\x00\x7f\xfe');
const OFF = 0x30;
const DEFAULT_VALUES: ReaderSettings = new Map([
  [FUNCTION.reading, latin1('1')],
  [FUNCTION.baud, latin1('5')],
]);
const STARTS = { 1: '%', 2: ';', 3: ';' } as const;

class Simulator implements MagstripeSimulator {
  readonly #options: MagstripeSimulatorOptions;
  readonly #talker: Talker;
  readonly #faults = new Map<MagstripeFault, number>();
  readonly #values: Map<number, Uint8Array>;
  #swipes = 0;

  constructor(options: MagstripeSimulatorOptions) {
    this.#options = options;
    this.#values = new Map(options.values ?? DEFAULT_VALUES);
    const onHeard = (command: Uint8Array) => this.#answer(command);
    this.#talker = new Talker(options.dialogue === true ? { ...options, onHeard } : options);
  }

  serve(stream: ByteStream): Promise<void> {
    return this.#talker.serve(stream);
  }

  swipe(card: Pick<EmulatedCard, 'tracks'>): void {
    if (card.tracks === undefined || !this.#isReading) return;
    this.#swipes++;
    const { seal, format } = this.#options;
    const sealed = format === 'secure' ? seal?.(card.tracks) : undefined;
    const bytes = sealed === undefined ? this.#plain(card.tracks) : encodeSecureFrame(sealed);
    const sent = this.#takes('cut') ? bytes.subarray(0, bytes.length - 10) : bytes;
    this.#talker.say(this.#takes('noise') ? concat(NOISE, sent) : sent);
  }

  fault(kind: MagstripeFault, count = 1): void {
    this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
  }

  unplug(): Promise<void> {
    return this.#talker.unplug();
  }

  replug(): void {
    this.#talker.replug();
  }

  state(): MagstripeSimulatorState {
    return { plugged: this.#talker.plugged, swipes: this.#swipes };
  }

  quit(): Promise<void> {
    return this.unplug();
  }

  #answer(bytes: Uint8Array): void {
    const command = parseCommand(bytes);
    if (command.kind === 'invalid' || this.#takes('nak')) {
      this.#talker.say(REFUSED);
      return;
    }
    if (command.kind === 'set') this.#values.set(command.func, command.data);
    const { func } = command;
    const asked = [...this.#values].filter(([key]) => func === FUNCTION.all || func === key);
    this.#talker.say(command.kind === 'set' ? ACKNOWLEDGED : encodeSettings(new Map(asked)));
  }

  get #isReading(): boolean {
    return this.#values.get(FUNCTION.reading)?.[0] !== OFF;
  }

  #plain(tracks: StripeTracks): Uint8Array {
    const unreadable = this.#takes('unreadable');
    const badLrc = this.#takes('bad-lrc');
    const absent = this.#takes('absent');
    const sent: string[] = [];
    for (const [track, body] of [
      [1, tracks.track1],
      [2, absent ? undefined : tracks.track2],
      [3, tracks.track3],
    ] as const) {
      if (body === undefined) continue;
      const whole = `${STARTS[track]}${unreadable ? 'E' : body}?`;
      const lrc = this.#options.lrc === true ? this.#options.codec.trackLrc(track, whole) : '';
      sent.push(whole + (badLrc ? wrong(lrc) : lrc));
    }
    return latin1(framed(sent, this.#options.format ?? 'idtech'));
  }

  #takes(kind: MagstripeFault): boolean {
    const left = this.#faults.get(kind) ?? 0;
    if (left > 0) this.#faults.set(kind, left - 1);
    return left > 0;
  }
}

function framed(tracks: readonly string[], format: MagstripeSimulatorOptions['format']): string {
  switch (format) {
    case 'uic':
      return tracks.map((track, i) => `\x02${track}${i === tracks.length - 1 ? '\x03' : '\x10'}`).join('');
    case 'mag-tek':
      return `\x02${tracks.map((track) => `\x1b${track}\r`).join('')}\x03`;
    default:
      return tracks.map((track) => `${track}\r`).join('');
  }
}

/** Another character of the track's set. */
function wrong(lrc: string): string {
  return lrc === '' ? '' : String.fromCharCode(lrc.charCodeAt(0) ^ 1);
}
