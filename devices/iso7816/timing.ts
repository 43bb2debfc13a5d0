import type { CardParameters } from './atr-parameters.ts';
import { adjustmentFactor, conversionFactor } from './speed.ts';

/** How long a terminal waits on a line, in milliseconds. */
export interface LineTiming {
  /** One elementary time unit: one bit. */
  readonly etuMs: number;
  /** T=0: longest silence before a character of the card. */
  readonly workWaitingMs: number;
  /** T=1: longest silence before a block of the card, and the unit of its extensions. */
  readonly blockWaitingMs: number;
  /** T=1: longest silence between two characters of a block. */
  readonly characterWaitingMs: number;
}

/** The clock of a card in most terminals: 9600 bit/s at the default factors. */
export const USUAL_CLOCK_HZ = 3_571_200;

/**
 * Waiting times of ISO/IEC 7816-3:2006, sections 10.2 and 11.4.3, with the tolerance that EMV Book 1 gives a terminal:
 * 480 D etu on the work, 960 D etu on the block and 4 etu on the character waiting time.
 * @param ta1 factors in use, coded as in TA1; reserved codes count as the default factors
 * @param clockHz what the reader drives the card's clock with
 */
export function lineTiming(card: CardParameters, ta1: number, clockHz: number = USUAL_CLOCK_HZ): LineTiming {
  const d = adjustmentFactor(ta1) ?? 1;
  const etuMs = ((conversionFactor(ta1) ?? 372) / d / clockHz) * 1000;
  const { waitingInteger } = card.t0;
  const { blockWaitingInteger, characterWaitingInteger } = card.t1;
  const unitMs = (960 * 372 * 1000) / clockHz;
  return {
    etuMs,
    workWaitingMs: (Math.max(waitingInteger, 1) * 960 + 480) * d * etuMs,
    blockWaitingMs: 2 ** Math.min(blockWaitingInteger, 9) * unitMs + (11 + 960 * d) * etuMs,
    characterWaitingMs: (2 ** characterWaitingInteger + 11 + 4) * etuMs,
  };
}
