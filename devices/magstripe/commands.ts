/** Configuration of ID TECH readers: `STX S func len data ETX chk` sets, `STX R func ETX chk` reads. */

const STX = 0x02;
const ETX = 0x03;
const ACK = 0x06;
const NAK = 0x15;
const SET = 0x53;
const READ = 0x52;

/** Functions that the driver or its tests use. */
export const FUNCTION = {
  defaults: 0x18,
  /** `1`: sentinels and all of track 2. */
  sentinels: 0x19,
  /** `1`: on. */
  reading: 0x1a,
  all: 0x1f,
  baud: 0x41,
} as const;

/** @param data absent: the command carries neither length nor data */
export function encodeSet(func: number, data?: Uint8Array): Uint8Array {
  return sealed(data === undefined ? [STX, SET, func] : [STX, SET, func, data.length, ...data]);
}

export function encodeRead(func: number): Uint8Array {
  return sealed([STX, READ, func]);
}

/** Values of settings, by function. */
export type ReaderSettings = ReadonlyMap<number, Uint8Array>;

export type Answer =
  | { readonly kind: 'done' }
  | { readonly kind: 'settings'; readonly settings: ReaderSettings }
  | { readonly kind: 'refused' }
  /** More may follow. */
  | { readonly kind: 'incomplete' }
  /** No answer to a command: a swipe, noise, another device. */
  | { readonly kind: 'foreign' };

/**
 * Reads what came since a command was sent.
 * @param expects a set command is answered by ACK, a read command by ACK and a frame of settings
 */
export function parseAnswer(bytes: Uint8Array, expects: 'ack' | 'settings'): Answer {
  if (bytes.length === 0) return { kind: 'incomplete' };
  if (bytes[0] === NAK) return { kind: 'refused' };
  if (bytes[0] !== ACK) return { kind: 'foreign' };
  return expects === 'ack' ? { kind: 'done' } : parseSettings(bytes.subarray(1));
}

function parseSettings(frame: Uint8Array): Answer {
  if (frame.length === 0) return { kind: 'incomplete' };
  if (frame[0] !== STX) return { kind: 'foreign' };
  const settings = new Map<number, Uint8Array>();
  for (let at = 1; at < frame.length; ) {
    if (frame[at] === ETX) {
      const check = frame[at + 1];
      if (check === undefined) return { kind: 'incomplete' };
      return check === xorOf(frame.subarray(0, at + 1))
        ? { kind: 'settings', settings }
        : { kind: 'foreign' };
    }
    const end = at + 2 + (frame[at + 1] ?? 0);
    settings.set(frame[at] as number, frame.slice(at + 2, end));
    at = end;
  }
  return { kind: 'incomplete' };
}

/** What a reader answers to a read command. */
export function encodeSettings(settings: ReaderSettings): Uint8Array {
  const values = [...settings].flatMap(([func, value]) => [func, value.length, ...value]);
  return Uint8Array.of(ACK, ...sealed([STX, ...values]));
}

export type Command =
  | { readonly kind: 'set'; readonly func: number; readonly data: Uint8Array }
  | { readonly kind: 'read'; readonly func: number }
  | { readonly kind: 'invalid' };

/** Reads a command as the reader hears it, which must come in one piece. */
export function parseCommand(bytes: Uint8Array): Command {
  const [stx, verb, func = 0, length = 0] = bytes;
  const end = bytes.length - 2;
  const isFrame = end >= 3 && stx === STX && bytes[end] === ETX;
  if (!isFrame || bytes[end + 1] !== xorOf(bytes.subarray(0, end + 1))) return { kind: 'invalid' };
  if (verb === READ && end === 3) return { kind: 'read', func };
  if (verb !== SET || (end !== 3 && end !== 4 + length)) return { kind: 'invalid' };
  return { kind: 'set', func, data: bytes.slice(4, end) };
}

export const ACKNOWLEDGED: Uint8Array = Uint8Array.of(ACK);
export const REFUSED: Uint8Array = Uint8Array.of(NAK);

function sealed(bytes: readonly number[]): Uint8Array {
  const frame = [...bytes, ETX];
  return Uint8Array.of(...frame, xorOf(frame));
}

/** Over all bytes from STX to ETX. */
function xorOf(bytes: Iterable<number>): number {
  let xor = 0;
  for (const byte of bytes) xor ^= byte;
  return xor;
}
