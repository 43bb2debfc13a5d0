import { concat } from '../../src/platform/bytes.ts';

/** Frames of the PN532 on its high-speed UART (UM0701-02, section 6.2.1). Pure: no time, no stream. */

export const HOST_TO_CHIP = 0xd4;
export const CHIP_TO_HOST = 0xd5;

/** Bytes that LEN may count: TFI and what follows. */
const MAX_LENGTH = 265;
const MAX_NORMAL_LENGTH = 255;
/** The longest command or answer, its code included. */
export const MAX_PAYLOAD = MAX_LENGTH - 1;

export const ACK = Uint8Array.of(0x00, 0x00, 0xff, 0x00, 0xff, 0x00);
export const NACK = Uint8Array.of(0x00, 0x00, 0xff, 0xff, 0x00, 0x00);
/** The chip's answer to a command that it does not know or whose length is wrong. */
export const SYNTAX_ERROR = Uint8Array.of(0x00, 0x00, 0xff, 0x01, 0xff, 0x7f, 0x81, 0x00);
/** Two bytes that wake the chip, and time for its oscillator. */
export const WAKE_UP = Uint8Array.of(0x55, 0x55, ...new Uint8Array(14));

export type Frame =
  | { readonly kind: 'ack' | 'nack' | 'syntax-error' }
  /** `payload` holds the command or answer code and its data. */
  | { readonly kind: 'data'; readonly tfi: number; readonly payload: Uint8Array }
  /** Its length fitted and its sum did not: the receiver may have it sent again. */
  | { readonly kind: 'corrupt' };

/**
 * A normal frame, or an extended one when it is longer than 255 bytes.
 * @param payload command or answer code and data, 1 to {@link MAX_PAYLOAD} bytes
 * @throws RangeError when it is longer, or empty
 */
export function encodeFrame(tfi: number, payload: Uint8Array): Uint8Array {
  const length = payload.length + 1;
  if (length > MAX_LENGTH || payload.length === 0)
    throw new RangeError(`${payload.length} bytes do not fit in a PN532 frame`);
  const [high, low] = [length >> 8, length & 0xff];
  const head =
    length <= MAX_NORMAL_LENGTH
      ? [0x00, 0x00, 0xff, low, -low & 0xff, tfi]
      : [0x00, 0x00, 0xff, 0xff, 0xff, high, low, -(high + low) & 0xff, tfi];
  const sum = payload.reduce((total, byte) => total + byte, tfi);
  return concat(Uint8Array.from(head), payload, Uint8Array.of(-sum & 0xff, 0x00));
}

/** What begins at a start code: a frame and where it ends, `more` bytes to come, or nothing. */
type Found = { readonly frame: Frame; readonly end: number } | 'more' | undefined;

/**
 * Finds frames in any bytes. However the bytes are split, the frames are the same; what is no frame is passed over,
 * and at most one frame is kept.
 */
export class FrameReader {
  readonly #needsPostamble: boolean;
  #rest: Uint8Array = new Uint8Array(0);

  /**
   * @param needsPostamble every frame ends by 00. Without that a frame that lost a 00 on its way takes the sum for
   * data and the postamble for the sum, and fits; and an ACK with a byte that came twice is a NACK. The chip sends a
   * postamble; hosts need not.
   */
  constructor(needsPostamble = false) {
    this.#needsPostamble = needsPostamble;
  }

  /** True while the beginning of a frame waits for its end. */
  get isInside(): boolean {
    return this.#rest.length > 1;
  }

  push(chunk: Uint8Array): Frame[] {
    const bytes = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk);
    const frames: Frame[] = [];
    let at = 0;
    for (;;) {
      at = startCode(bytes, at);
      const found = frameAt(bytes, at, this.#needsPostamble);
      if (found === 'more') break;
      if (found !== undefined) frames.push(found.frame);
      at = found?.end ?? at + 1;
    }
    this.#rest = bytes.slice(at);
    return frames;
  }

  /** Forgets the beginning of a frame. */
  reset(): void {
    this.#rest = new Uint8Array(0);
  }
}

/** Where the next `00 FF` begins, or could begin at the end of the bytes. */
function startCode(bytes: Uint8Array, from: number): number {
  for (let i = from; i < bytes.length; i++) {
    if (bytes[i] === 0x00 && (i + 1 === bytes.length || bytes[i + 1] === 0xff)) return i;
  }
  return bytes.length;
}

function frameAt(bytes: Uint8Array, at: number, needsPostamble: boolean): Found {
  const [, , first, second, high, low, lengthSum] = bytes.subarray(at, at + 7);
  if (first === undefined || second === undefined) return 'more';
  if (first + second === 0xff && (first === 0x00 || second === 0x00)) {
    if (!needsPostamble || high === 0x00)
      return { frame: { kind: first === 0x00 ? 'ack' : 'nack' }, end: at + 4 };
    return high === undefined ? 'more' : undefined;
  }
  if (first !== 0xff || second !== 0xff)
    return ((first + second) & 0xff) === 0 ? bodyAt(bytes, at + 4, first, needsPostamble) : undefined;
  if (high === undefined || low === undefined || lengthSum === undefined) return 'more';
  return ((high + low + lengthSum) & 0xff) === 0
    ? bodyAt(bytes, at + 7, high * 256 + low, needsPostamble)
    : undefined;
}

function bodyAt(bytes: Uint8Array, at: number, length: number, needsPostamble: boolean): Found {
  if (length === 0 || length > MAX_LENGTH) return undefined;
  // A frame whose sum is wrong is passed over whole: what looks like a frame inside it is data.
  const end = at + length + 1;
  if (end + (needsPostamble ? 1 : 0) > bytes.length) return 'more';
  const body = bytes.slice(at, at + length);
  const sum = bytes.subarray(at, end).reduce((total, byte) => total + byte, 0) & 0xff;
  if (sum !== 0 || (needsPostamble && bytes[end] !== 0)) return { frame: { kind: 'corrupt' }, end };
  const tfi = body[0] as number;
  if (length === 1) return { frame: { kind: tfi === 0x7f ? 'syntax-error' : 'corrupt' }, end };
  return { frame: { kind: 'data', tfi, payload: body.subarray(1) }, end };
}
