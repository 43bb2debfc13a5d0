import { concat } from '../../src/platform/bytes.ts';

/** Commands of the PN532 (UM0701-02, chapter 7): codes, the requests that we send, and their answers. */

export const COMMAND = {
  diagnose: 0x00,
  getFirmwareVersion: 0x02,
  getGeneralStatus: 0x04,
  readRegister: 0x06,
  writeRegister: 0x08,
  setSerialBaudRate: 0x10,
  setParameters: 0x12,
  samConfiguration: 0x14,
  powerDown: 0x16,
  rfConfiguration: 0x32,
  inDataExchange: 0x40,
  inCommunicateThru: 0x42,
  inDeselect: 0x44,
  inListPassiveTarget: 0x4a,
  inRelease: 0x52,
  inSelect: 0x54,
  inAutoPoll: 0x60,
} as const;

/** In an InDataExchange target number and in a status byte: more data follow. */
export const MORE = 0x40;
/** The error code in a status byte. */
export const STATUS_ERROR = 0x3f;
/** Data bytes that one InDataExchange carries, either way. */
export const MAX_DATA = 262;

export type CardType = 'A' | 'B';
/** Baud rate and modulation of InListPassiveTarget: 106 kbit/s. */
const BR_TY: Readonly<Record<CardType, number>> = { A: 0x00, B: 0x03 };

export const REQUEST = {
  /** Normal mode, no SAM; time-out and IRQ pin matter to other modes only. */
  samConfiguration: Uint8Array.of(COMMAND.samConfiguration, 0x01, 0x14, 0x01),
  getFirmwareVersion: Uint8Array.of(COMMAND.getFirmwareVersion),
  /** Automatic ATR_RES and RATS. */
  setParameters: Uint8Array.of(COMMAND.setParameters, 0x14),
  releaseAll: Uint8Array.of(COMMAND.inRelease, 0x00),
  field: (on: boolean) => Uint8Array.of(COMMAND.rfConfiguration, 0x01, on ? 0x01 : 0x00),
  /** Tries to activate a passive target; FF would wait for a card for ever. */
  maxRetries: (passiveActivation: number) =>
    Uint8Array.of(COMMAND.rfConfiguration, 0x05, 0x00, 0x01, passiveActivation),
  /** Repeats of a block that a card did not answer. */
  maxRtyCom: (retries: number) => Uint8Array.of(COMMAND.rfConfiguration, 0x04, retries),
  list: (type: CardType, maxTargets: number) =>
    type === 'A'
      ? Uint8Array.of(COMMAND.inListPassiveTarget, maxTargets, BR_TY.A)
      : Uint8Array.of(COMMAND.inListPassiveTarget, maxTargets, BR_TY.B, 0x00),
  exchange: (target: number, data: Uint8Array) => concat(Uint8Array.of(COMMAND.inDataExchange, target), data),
} as const;

/** What tells one chip from another; the same device gives it again after a reconnect. */
export interface Identity {
  /** 32 for a PN532. */
  readonly ic: number;
  readonly version: number;
  readonly revision: number;
  /** Bits: 01 type A, 02 type B, 04 ISO/IEC 18092. */
  readonly support: number;
}

/** @param data what follows the code of the answer; `undefined` when it is not four bytes */
export function parseFirmwareVersion(data: Uint8Array): Identity | undefined {
  const [ic, version, revision, support] = data;
  if (data.length !== 4 || ic === undefined || version === undefined) return undefined;
  return { ic, version, revision: revision as number, support: support as number };
}

export interface Target {
  readonly number: number;
  readonly type: CardType;
  /** ISO/IEC 14443-4: it takes APDUs. */
  readonly takesApdus: boolean;
  /** UID, or the PUPI of a type B card. */
  readonly uid: Uint8Array;
  /** ATS with its length byte, or ATQB without its first byte; empty when the card gave none. */
  readonly answer: Uint8Array;
}

const ISO_14443_4 = 0x20;
const ATQB_LENGTH = 12;

/**
 * Reads the answer to InListPassiveTarget at 106 kbit/s (UM0701-02, section 7.3.5).
 * @returns `undefined` when it is cut, or has bytes to spare
 */
export function parseTargets(type: CardType, data: Uint8Array): readonly Target[] | undefined {
  const count = data[0];
  if (count === undefined || count > 2) return undefined;
  const targets: Target[] = [];
  let rest = data.subarray(1);
  for (let i = 0; i < count; i++) {
    const taken = type === 'A' ? targetA(rest) : targetB(rest);
    if (taken === undefined) return undefined;
    targets.push(taken.target);
    rest = rest.subarray(taken.length);
  }
  return rest.length === 0 ? targets : undefined;
}

type Taken = { readonly target: Target; readonly length: number } | undefined;

function targetA(data: Uint8Array): Taken {
  const [number, , , selRes, uidLength] = data;
  if (number === undefined || selRes === undefined || uidLength === undefined) return undefined;
  const uidEnd = 5 + uidLength;
  if (uidEnd > data.length) return undefined;
  const uid = data.slice(5, uidEnd);
  const takesApdus = (selRes & ISO_14443_4) !== 0;
  const answerLength = takesApdus ? (data[uidEnd] ?? 0) : 0;
  const end = uidEnd + answerLength;
  if (end > data.length) return undefined;
  const answer = data.slice(uidEnd, end);
  return { target: { number, type: 'A', takesApdus: answer.length > 0, uid, answer }, length: end };
}

function targetB(data: Uint8Array): Taken {
  const [number, marker] = data;
  const attribLength = data[1 + ATQB_LENGTH];
  if (number === undefined || marker !== 0x50 || attribLength === undefined) return undefined;
  const end = 2 + ATQB_LENGTH + attribLength;
  if (end > data.length) return undefined;
  const answer = data.slice(2, 1 + ATQB_LENGTH);
  return {
    target: { number, type: 'B', takesApdus: attribLength > 0, uid: answer.slice(0, 4), answer },
    length: end,
  };
}

/** What an error code in a status byte says about the card. */
export type StatusMeaning = 'removed' | 'protocol' | 'lost';

/**
 * Error codes of InDataExchange (UM0701-02, section 7.1). A silent card has left; a code that the chip gives before
 * it sends anything is `protocol`; after all others the card may have executed the command.
 */
export function meaningOfStatus(code: number): StatusMeaning {
  if (REMOVED.has(code)) return 'removed';
  return NOT_SENT.has(code) ? 'protocol' : 'lost';
}

/** Time-out, field not on, RF protocol error, no such target, released, other card, card vanished. */
const REMOVED: ReadonlySet<number> = new Set([0x01, 0x0a, 0x0b, 0x27, 0x29, 0x2a, 0x2b]);
/** Bad parameter, unknown DEP command, not allowed here. */
const NOT_SENT: ReadonlySet<number> = new Set([0x10, 0x12, 0x26]);
