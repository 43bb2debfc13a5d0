import type { Agreement } from '../iso7816/activation.ts';

/** Protocol data of SetParameters and its answer (USB-IF CCID 1.1, section 6.1.7). */
export type ProtocolParameters =
  | {
      readonly protocol: 0;
      readonly ta1: number;
      readonly inverse: boolean;
      readonly guardTime: number;
      readonly waitingInteger: number;
      readonly clockStop: number;
    }
  | {
      readonly protocol: 1;
      readonly ta1: number;
      readonly inverse: boolean;
      readonly crc: boolean;
      readonly guardTime: number;
      /** Block waiting integer in the high, character waiting integer in the low half, as in TB3. */
      readonly waitingIntegers: number;
      readonly clockStop: number;
      readonly fieldSize: number;
      readonly nad: number;
    };

/** `FiDi TCCKS GT WI CLK` or `FiDi TCCKS GT BWI/CWI CLK IFSC NAD`. */
export function encodeParameters(given: ProtocolParameters): Uint8Array {
  const inverse = given.inverse ? 2 : 0;
  if (given.protocol === 0)
    return Uint8Array.of(given.ta1, inverse, given.guardTime, given.waitingInteger, given.clockStop);
  const checks = 0x10 | inverse | (given.crc ? 1 : 0);
  const { ta1, guardTime, waitingIntegers, clockStop, fieldSize, nad } = given;
  return Uint8Array.of(ta1, checks, guardTime, waitingIntegers, clockStop, fieldSize, nad);
}

/** @returns `undefined` when the length does not suit the protocol */
export function decodeParameters(protocol: number, data: Uint8Array): ProtocolParameters | undefined {
  const [ta1 = 0, checks = 0, guardTime = 0, waiting = 0, clockStop = 0, fieldSize = 0, nad = 0] = data;
  const inverse = (checks & 2) !== 0;
  if (protocol === 0 && data.length === 5)
    return { protocol: 0, ta1, inverse, guardTime, waitingInteger: waiting, clockStop };
  if (protocol !== 1 || data.length !== 7) return undefined;
  const crc = (checks & 1) !== 0;
  return { protocol: 1, ta1, inverse, crc, guardTime, waitingIntegers: waiting, clockStop, fieldSize, nad };
}

/** What the reader must be told after card and terminal agreed. */
export function parametersFor({ protocol, ta1, card }: Agreement, inverse: boolean): ProtocolParameters {
  const shared = { ta1, inverse, guardTime: card.extraGuardTime, clockStop: 0 };
  if (protocol === 0) return { ...shared, protocol, waitingInteger: card.t0.waitingInteger };
  return {
    ...shared,
    protocol,
    crc: card.t1.check !== 'lrc',
    waitingIntegers: (card.t1.blockWaitingInteger << 4) | card.t1.characterWaitingInteger,
    fieldSize: card.t1.cardFieldSize,
    nad: 0,
  };
}
