/** What hands did to a simulated printer. */
export interface Condition {
  readonly isOut: boolean;
  readonly isNear: boolean;
  readonly isOpen: boolean;
  readonly isJammed: boolean;
}

export const isOffline = ({ isOut, isOpen, isJammed }: Condition) => isOut || isOpen || isJammed;

/** The answer to DLE EOT; `undefined` for a query that there is not. */
export function realTimeAnswer(query: number, condition: Condition): Uint8Array | undefined {
  const { isOut, isNear, isOpen, isJammed } = condition;
  const bits = [
    isOffline(condition) ? 0x08 : 0,
    (isOpen ? 0x04 : 0) | (isOut ? 0x20 : 0) | (isJammed ? 0x40 : 0),
    isJammed ? 0x08 : 0,
    (isNear || isOut ? 0x0c : 0) | (isOut ? 0x60 : 0),
  ][query - 1];
  return bits === undefined ? undefined : Uint8Array.of(0x12 | bits);
}

/** The answer to GS r 1, and the third byte of an automatic status. */
export function paperBits({ isOut, isNear }: Condition): number {
  return (isNear || isOut ? 0x03 : 0) | (isOut ? 0x0c : 0);
}

/** What is sent unasked after GS a. */
export function automaticBlock(condition: Condition): Uint8Array {
  const first = 0x10 | (isOffline(condition) ? 0x08 : 0) | (condition.isOpen ? 0x20 : 0);
  return Uint8Array.of(first, condition.isJammed ? 0x08 : 0, paperBits(condition), 0x0f);
}
