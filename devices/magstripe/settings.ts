import type { OneWaySettings } from '../one-way/one-way-device.ts';
import type { LineSettings } from '../transport/line-settings.ts';

/** ID TECH MiniMag and SecureMag as delivered. */
export const MAGSTRIPE_LINE: LineSettings = {
  baud: 9600,
  dataBits: 8,
  parity: 'none',
  stopBits: 1,
  flow: 'none',
};

/** How a reader's output is to be understood, where readers differ and the bytes do not tell. */
export interface StripeFormat {
  /** The reader sends track 2, else what begins with `;` is track 3. */
  readonly track2: boolean;
  /**
   * The check character behind the end sentinel: `auto` takes a single character there for one, `required` refuses a
   * track without, `never` takes what is there for a terminator.
   */
  readonly lrc: 'auto' | 'required' | 'never';
  /** An ETX ends the swipe at once. Off by default: some readers are said to send one behind every track. */
  readonly etxEnds: boolean;
}

/** All times are milliseconds of wire time. */
export interface MagstripeSettings extends OneWaySettings, StripeFormat {
  /** A swipe that nobody waits for is kept this long, in business time. */
  readonly keepMs: number;
  /** `idtech`: the reader is asked who it is and set up on every new line; `none`: it is never spoken to. */
  readonly dialogue: 'none' | 'idtech';
  /** For the answer to a command. */
  readonly answerMs: number;
}

export const MAGSTRIPE_DEFAULTS: MagstripeSettings = {
  track2: true,
  lrc: 'auto',
  etxEnds: false,
  silenceMs: 50,
  keepMs: 5000,
  dialogue: 'none',
  answerMs: 500,
  reconnectMs: [500, 1000, 2000],
  openMs: 5000,
};
