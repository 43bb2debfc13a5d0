import { concat } from '../../src/platform/bytes.ts';

/** CCID messages (USB-IF CCID 1.1, chapter 6): a header of ten bytes, and data. Pure: no time, no stream. */

export const HEADER_LENGTH = 10;
/** The longest data that a GemPC Twin takes or gives. */
export const MAX_DATA = 261;

/** Messages of the host. */
export const COMMAND = {
  setParameters: 0x61,
  powerOn: 0x62,
  powerOff: 0x63,
  slotStatus: 0x65,
  secure: 0x69,
  t0Apdu: 0x6a,
  escape: 0x6b,
  getParameters: 0x6c,
  resetParameters: 0x6d,
  clock: 0x6e,
  transfer: 0x6f,
  abort: 0x72,
} as const;

/** Messages of the reader. */
export const ANSWER = { data: 0x80, slotStatus: 0x81, parameters: 0x82, escape: 0x83 } as const;

export interface CcidMessage {
  readonly type: number;
  readonly slot: number;
  readonly sequence: number;
  /** Bytes 7 to 9: of a command its parameters, of an answer status, error and what the type says. */
  readonly specific: readonly [number, number, number];
  readonly data: Uint8Array;
}

export interface SlotStatus {
  readonly card: 'active' | 'inactive' | 'absent' | 'reserved';
  readonly command: 'done' | 'failed' | 'time extension' | 'reserved';
  /** Of a failed command: why; of a time extension: the multiple of the block waiting time. */
  readonly error: number;
}

const CARDS = ['active', 'inactive', 'absent', 'reserved'] as const;
const COMMANDS = ['done', 'failed', 'time extension', 'reserved'] as const;
const NOTHING = new Uint8Array(0);

/** Why a command failed. Values from 01 to 7F name the byte of the command that is wrong. */
export const CCID_ERRORS: Readonly<Record<number, string>> = {
  0: 'command not supported',
  224: 'slot busy',
  242: 'busy with its own sequence',
  243: 'protocol deactivated',
  244: 'procedure byte in conflict',
  245: 'class not supported',
  246: 'protocol not supported',
  247: 'bad check character in the answer to reset',
  248: 'bad first character of the answer to reset',
  251: 'hardware error',
  252: 'overrun',
  253: 'parity error',
  254: 'card mute',
  255: 'aborted',
  // Of the maker.
  162: 'short circuit',
  163: 'answer to reset too long',
  176: 'refused in EMV mode',
  187: 'refused in EMV mode',
  189: 'T=1 error',
  190: 'bad length of the APDU',
};

export const CCID_ERROR = { mute: 0xfe, parity: 0xfd, protocol: 0xf6, t1: 0xbd } as const;

/** @throws RangeError when the data are longer than {@link MAX_DATA} */
export function encodeMessage({ type, slot, sequence, specific, data }: CcidMessage): Uint8Array {
  if (data.length > MAX_DATA) throw new RangeError(`${data.length} bytes do not fit in a message`);
  const header = [type, data.length & 255, data.length >> 8, 0, 0, slot, sequence, ...specific];
  return concat(Uint8Array.from(header), data);
}

/** One message, which nothing may follow; `undefined` when its length does not fit. */
export function decodeMessage(bytes: Uint8Array): CcidMessage | undefined {
  const length = dataLength(bytes);
  if (length === undefined || bytes.length !== HEADER_LENGTH + length) return undefined;
  const [type, , , , , slot, sequence, a, b, c] = bytes as unknown as number[];
  return {
    type: type as number,
    slot: slot as number,
    sequence: sequence as number,
    specific: [a as number, b as number, c as number],
    data: bytes.slice(HEADER_LENGTH),
  };
}

/** Length of the data of the message that begins with `bytes`; `undefined` when it is too long, or not known yet. */
export function dataLength(bytes: Uint8Array): number | undefined {
  const [, low, high, third, fourth] = bytes;
  if (low === undefined || high === undefined || third !== 0 || fourth !== 0) return undefined;
  const length = high * 256 + low;
  return length <= MAX_DATA ? length : undefined;
}

/** A command of the host. */
export function command(
  type: number,
  sequence: number,
  data: Uint8Array = NOTHING,
  specific: CcidMessage['specific'] = [0, 0, 0],
): CcidMessage {
  return { type, slot: 0, sequence: sequence & 255, specific, data };
}

/** The reader's answer to `asked`. */
export function answerTo(
  asked: CcidMessage,
  type: number,
  status: SlotStatus,
  data: Uint8Array = NOTHING,
  last = 0,
): CcidMessage {
  const { slot, sequence } = asked;
  return { type, slot, sequence, specific: [statusByte(status), status.error, last], data };
}

/** What an answer says about card and command. */
export function statusOf({ specific: [status, error] }: CcidMessage): SlotStatus {
  return {
    card: CARDS[status & 3] ?? 'reserved',
    command: COMMANDS[status >> 6] ?? 'reserved',
    error,
  };
}

function statusByte({ card, command: outcome }: SlotStatus): number {
  return CARDS.indexOf(card) | (COMMANDS.indexOf(outcome) << 6);
}

/** Why a command failed, in words. */
export function errorText(error: number): string {
  if (error >= 1 && error <= 0x7f) return `byte ${error} of the command is wrong`;
  return CCID_ERRORS[error] ?? `error ${error.toString(16).padStart(2, '0').toUpperCase()}`;
}
