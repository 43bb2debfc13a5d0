/** What may differ from board to board, or is uncertain in the manuals. All times are wire time in milliseconds. */
export interface Pn532Settings {
  /** For the chip's ACK: the manual says 15, USB adapters add their own. */
  readonly ackMs: number;
  /** For the answer to a command that does not touch a card. */
  readonly answerMs: number;
  /** For InListPassiveTarget. */
  readonly listMs: number;
  /** For the answer to a piece of an APDU, waiting-time extensions included. */
  readonly exchangeMs: number;
  /** No card may ask for more than this. */
  readonly exchangeLimitMs: number;
  /** The line counts as silent after this. */
  readonly quietMs: number;
  /** A line that is still not silent after this is lost. */
  readonly noiseMs: number;
  /** Between two rounds of polling. */
  readonly pauseMs: number;
  /** How long the field is off for a reset. */
  readonly fieldOffMs: number;
  /** What cards are given to wake up in a field that came on again (EMV Contactless Book D asks for 5.1). */
  readonly fieldOnMs: number;
  /** Looks that must all find nothing before a card counts as removed, each after a reset of the field. */
  readonly emptyRounds: number;
  /** Between two questions whether the device is still there, while it is idle. */
  readonly heartbeatMs: number;
  /** Before each attempt to open the line again; the last one repeats. */
  readonly reconnectMs: readonly number[];
  /** Time for opening the line and the whole initialisation. */
  readonly openMs: number;
  /** Tries of the chip to activate a card, from 0. */
  readonly maxRetries: number;
  /** Repeats of a block on the air; absent: the chip's own default. */
  readonly maxRtyCom: number | undefined;
  /** Cards of type B to look for at once. */
  readonly maxTargetsB: 1 | 2;
  /** The device ends its frames with 00, and one without is damaged. */
  readonly postamble: boolean;
  /** Repeats of a query, and of NACK for an answer whose sum is wrong. */
  readonly repeats: number;
}

export const PN532_DEFAULTS: Pn532Settings = {
  ackMs: 100,
  answerMs: 500,
  listMs: 1000,
  exchangeMs: 5000,
  exchangeLimitMs: 60_000,
  quietMs: 50,
  noiseMs: 10_000,
  pauseMs: 30,
  fieldOffMs: 10,
  fieldOnMs: 6,
  emptyRounds: 3,
  heartbeatMs: 2000,
  reconnectMs: [500, 1000, 2000],
  openMs: 5000,
  maxRetries: 2,
  maxRtyCom: undefined,
  maxTargetsB: 2,
  postamble: true,
  repeats: 2,
};
