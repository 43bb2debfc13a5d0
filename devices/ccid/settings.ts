/** What may differ from reader to reader, or is uncertain in the manuals. All times are wire time in milliseconds. */
export interface CcidSettings {
  /** For the answer to a command that does not wait for a card. */
  readonly answerMs: number;
  /** Room for line and reader beside the card's own time. */
  readonly marginMs: number;
  /** A reader that asks for time gets no more than this for one command. */
  readonly extensionLimitMs: number;
  /** The line counts as silent after this. */
  readonly quietMs: number;
  /** Between two questions whether a card is there. */
  readonly pollMs: number;
  /** Between two questions whether the device is still there, while it is idle. */
  readonly heartbeatMs: number;
  /** Before each attempt to open the line again; the last one repeats. */
  readonly reconnectMs: readonly number[];
  /** Repeats of a query, and of anything that the device refused with NAK. */
  readonly repeats: number;
  /** Voltages to try in turn, as IccPowerOn codes them: 0 automatic, 1 5 V, 2 3 V, 3 1.8 V. */
  readonly voltages: readonly number[];
  /** Resets of a card at each voltage: the first is cold, the others are warm. */
  readonly resets: number;
  /** The reader's clock for the card, in Hz. */
  readonly clockHz: number;
  /** Factors (TA1) that protocol selection may ask for; EMV terminals stay at the default speed. */
  readonly speeds: readonly number[];
  /** The protocol to choose where a card offers both. */
  readonly protocol: 0 | 1 | undefined;
  /** Refuses cards whose answer to reset breaks the rules of EMV Level 1; else that is only told. */
  readonly emvAtr: boolean;
  /** T=1 error recovery as EMV has it. */
  readonly emvRecovery: boolean;
}

export const CCID_DEFAULTS: CcidSettings = {
  answerMs: 3000,
  marginMs: 500,
  extensionLimitMs: 60_000,
  quietMs: 50,
  pollMs: 400,
  heartbeatMs: 2000,
  reconnectMs: [500, 1000, 2000],
  repeats: 2,
  voltages: [1, 2, 3],
  resets: 2,
  clockHz: 4_000_000,
  speeds: [],
  protocol: undefined,
  emvAtr: false,
  emvRecovery: false,
};
