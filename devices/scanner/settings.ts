import type { OneWaySettings } from '../one-way/one-way-device.ts';
import type { LineSettings } from '../transport/line-settings.ts';

/** What most scanners are set to; one on USB (CDC) takes any speed. */
export const SCANNER_LINE: LineSettings = {
  baud: 9600,
  dataBits: 8,
  parity: 'none',
  stopBits: 1,
  flow: 'none',
};

/** How a scanner's output is to be understood. */
export interface ScanFormat {
  /** What ends a code: CR or LF, silence, or whichever comes first. */
  readonly end: 'either' | 'terminator' | 'silence';
  /** Codes begin with an AIM identifier such as `]Q1` (ISO/IEC 15424), which is taken off. */
  readonly aimId: boolean;
}

/** All times are milliseconds of wire time. */
export interface ScannerSettings extends OneWaySettings, ScanFormat {
  /** A code that nobody waits for is kept this long, in business time. */
  readonly keepMs: number;
}

export const SCANNER_DEFAULTS: ScannerSettings = {
  end: 'either',
  aimId: false,
  silenceMs: 50,
  keepMs: 5000,
  reconnectMs: [500, 1000, 2000],
  openMs: 5000,
};
