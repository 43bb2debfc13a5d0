import { concat } from '../../src/platform/bytes.ts';
import { type CcidMessage, dataLength, decodeMessage, encodeMessage, HEADER_LENGTH } from './messages.ts';

/** The envelope of serial CCID readers of the GemPC Twin family round each message. Pure: no time, no stream. */

const SYNC = 0x03;
const CONTROL_ACK = 0x06;
const CONTROL_NAK = 0x15;
const MOVEMENT = 0x50;
const PRESENT = 0x03;
const ABSENT = 0x02;
/** A reader that waits for a T=0 card says so by single bytes from here on. */
const TIME_REQUEST = 0x80;

/** The reader could not read a command; the host sends it again. */
export const NAK = Uint8Array.of(SYNC, CONTROL_NAK, SYNC ^ CONTROL_NAK);

export type Frame =
  /** A command, its echo, or an answer. */
  | { readonly kind: 'message'; readonly message: CcidMessage; readonly bytes: Uint8Array }
  | { readonly kind: 'nak' }
  | { readonly kind: 'movement'; readonly present: boolean }
  | { readonly kind: 'time-request'; readonly value: number }
  /** Its length fitted and its check byte did not. */
  | { readonly kind: 'corrupt' };

/** `03 06 message LRC`. */
export function encodeFrame(message: CcidMessage): Uint8Array {
  const body = concat(Uint8Array.of(SYNC, CONTROL_ACK), encodeMessage(message));
  return concat(body, Uint8Array.of(lrc(body)));
}

/** The reader's note that a card came or went. */
export function movementNotice(present: boolean): Uint8Array {
  return Uint8Array.of(MOVEMENT, present ? PRESENT : ABSENT);
}

type Found = { readonly frame: Frame; readonly length: number } | 'more' | undefined;

/**
 * Finds frames in any bytes. However the bytes are split, the frames are the same; what is no frame is passed over,
 * and at most one frame is kept.
 */
export class FrameReader {
  #rest: Uint8Array = new Uint8Array(0);

  /** True while the beginning of a frame waits for its end. */
  get isInside(): boolean {
    return this.#rest.length > 0;
  }

  push(chunk: Uint8Array): Frame[] {
    const bytes = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk);
    const frames: Frame[] = [];
    let at = 0;
    while (at < bytes.length) {
      const found = frameAt(bytes.subarray(at));
      if (found === 'more') break;
      if (found !== undefined) frames.push(found.frame);
      at += found?.length ?? 1;
    }
    this.#rest = bytes.slice(at);
    return frames;
  }

  /** Forgets the beginning of a frame. */
  reset(): void {
    this.#rest = new Uint8Array(0);
  }
}

function frameAt(bytes: Uint8Array): Found {
  const [first, second, third] = bytes as unknown as [number, number | undefined, number | undefined];
  if (first >= TIME_REQUEST) return { frame: { kind: 'time-request', value: first }, length: 1 };
  if (first !== SYNC && first !== MOVEMENT) return undefined;
  if (second === undefined) return 'more';
  if (first === MOVEMENT) {
    const known = second === PRESENT || second === ABSENT;
    return known ? { frame: { kind: 'movement', present: second === PRESENT }, length: 2 } : undefined;
  }
  if (second === CONTROL_ACK) return messageAt(bytes);
  if (second !== CONTROL_NAK) return undefined;
  if (third === undefined) return 'more';
  return third === (SYNC ^ CONTROL_NAK) ? { frame: { kind: 'nak' }, length: 3 } : undefined;
}

function messageAt(bytes: Uint8Array): Found {
  const message = bytes.subarray(2);
  // Header bytes that cannot be give a false start away early.
  if (message.length >= 5 && dataLength(message) === undefined) return undefined;
  const end = 2 + HEADER_LENGTH + (dataLength(message) ?? 0);
  if (message.length < HEADER_LENGTH || bytes.length <= end) return 'more';
  const whole = bytes.slice(0, end + 1);
  const decoded = lrc(whole) === 0 ? decodeMessage(whole.subarray(2, end)) : undefined;
  // A frame whose check is wrong is passed over whole: what looks like a frame inside it is data.
  if (decoded === undefined) return { frame: { kind: 'corrupt' }, length: whole.length };
  return { frame: { kind: 'message', message: decoded, bytes: whole }, length: whole.length };
}

function lrc(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum ^ byte, 0);
}
