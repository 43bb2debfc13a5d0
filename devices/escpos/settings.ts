import type { CodePageName } from './code-pages.ts';
import type { QrCorrection } from './frames.ts';

/** What differs from printer to printer. All times are wire time in milliseconds. */
export interface EscposSettings {
  /** Characters of the normal font in a line; a Chinese one takes two. */
  readonly columns: number;
  readonly codePage: CodePageName;
  /**
   * `auto` switches Chinese mode on for characters that the code page lacks; `always` prefers it, and switches it off
   * first for printers that start in it; `never` leaves such characters out.
   */
  readonly chinese: 'auto' | 'always' | 'never';
  readonly cut: 'partial' | 'full' | 'none';
  /** Dots fed beyond the knife. */
  readonly cutFeed: number;
  /** False for a line that only carries bytes to the printer: its status is unknown then. */
  readonly answers: boolean;
  /** The modem line with which the printer says that it is busy; `auto`: DSR, once it was seen on. */
  readonly busy: 'auto' | 'dsr' | 'cts' | 'none';
  /** The printer can be told to forget what it has not printed, so that a slip that failed does not come out later. */
  readonly clears: boolean;
  /** The contact of the drawer: 0 is pin 2, 1 is pin 5. */
  readonly drawerPin: 0 | 1;
  readonly drawerOnMs: number;
  readonly drawerOffMs: number;
  /** Dots along a square of a QR code. */
  readonly qrModule: number;
  readonly qrCorrection: QrCorrection;
  /** Bytes between two looks at flow control; a printer says stop while it has room for as many. */
  readonly chunkBytes: number;
  /** For a status answer. */
  readonly answerMs: number;
  /** Waits for the end of a slip, or for room, before the printer is asked what is wrong. */
  readonly statusMs: number;
  /** From the last byte of a slip until it is printed. */
  readonly jobMs: number;
  /** Between two looks at a printer that is busy. */
  readonly pollMs: number;
  /** The line counts as silent after this. */
  readonly quietMs: number;
  /** Between two questions whether the device is still there, while it is idle. */
  readonly heartbeatMs: number;
  /** Before each attempt to open the line again; the last one repeats. */
  readonly reconnectMs: readonly number[];
  /** Time for opening the line again and the first answers. */
  readonly openMs: number;
  /** Repeats of a status query. */
  readonly repeats: number;
}

export const ESCPOS_DEFAULTS: EscposSettings = {
  columns: 42,
  codePage: '437',
  chinese: 'auto',
  cut: 'partial',
  cutFeed: 0,
  answers: true,
  busy: 'auto',
  clears: true,
  drawerPin: 0,
  drawerOnMs: 100,
  drawerOffMs: 100,
  qrModule: 6,
  qrCorrection: 'M',
  chunkBytes: 128,
  answerMs: 500,
  statusMs: 1000,
  jobMs: 10_000,
  pollMs: 20,
  quietMs: 50,
  heartbeatMs: 2000,
  reconnectMs: [500, 1000, 2000, 5000, 10_000],
  openMs: 5000,
  repeats: 2,
};
