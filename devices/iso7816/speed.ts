/** Fi and Di by their codes in TA1 and PPS1; a zero is reserved (ISO/IEC 7816-3:2006, tables 7 and 8). */

const FI = [372, 372, 558, 744, 1116, 1488, 1860, 0, 0, 512, 768, 1024, 1536, 2048, 0, 0] as const;
const DI = [0, 1, 2, 4, 8, 16, 32, 64, 12, 20, 0, 0, 0, 0, 0, 0] as const;

/** TA1 of a card that does not send one: Fi 372, Di 1. */
export const DEFAULT_TA1 = 0x11;

/** Clock rate conversion integer of a TA1; `undefined` where the code is reserved. */
export function conversionFactor(ta1: number): number | undefined {
  return FI[(ta1 >> 4) & 15] || undefined;
}

/** Baud rate adjustment integer of a TA1; `undefined` where the code is reserved. */
export function adjustmentFactor(ta1: number): number | undefined {
  return DI[ta1 & 15] || undefined;
}
