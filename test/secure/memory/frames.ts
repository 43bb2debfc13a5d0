/**
 * The streams between a terminal in a process of its own and the test around it, which plays card and PIN pad: frames
 * of one letter, two bytes of length and the content.
 */
export type FrameKind =
  /** To the terminal: trade, a key, an answer of the card, something to leak. */
  | 'trade'
  | 'key'
  | 'answer'
  | 'leak'
  /** From the terminal: ready, PIN pad open, stars on the pad, a command for the card, the end of a sale. */
  | 'ready'
  | 'prompt'
  | 'stars'
  | 'command'
  | 'ended';

const KINDS: readonly FrameKind[] = [
  'trade',
  'key',
  'answer',
  'leak',
  'ready',
  'prompt',
  'stars',
  'command',
  'ended',
];
const HEADER = 3;

/** A frame in memory that does not move; who wrote it wipes it. */
export function frame(kind: FrameKind, content: Uint8Array = new Uint8Array(0)): Uint8Array {
  const whole = new Uint8Array(new ArrayBuffer(HEADER + content.length));
  whole[0] = KINDS.indexOf(kind);
  whole[1] = content.length >> 8;
  whole[2] = content.length;
  whole.set(content, HEADER);
  return whole;
}

/** Cuts a stream into frames. @returns takes what arrived */
export function frameReader(
  onFrame: (kind: FrameKind, content: Uint8Array) => void,
): (chunk: Uint8Array) => void {
  let rest = new Uint8Array(0);
  return (chunk) => {
    const bytes = new Uint8Array(new ArrayBuffer(rest.length + chunk.length));
    bytes.set(rest);
    bytes.set(chunk, rest.length);
    let at = 0;
    while (bytes.length - at >= HEADER) {
      const end = at + HEADER + (((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number));
      if (end > bytes.length) break;
      onFrame(KINDS[bytes[at] as number] as FrameKind, bytes.subarray(at + HEADER, end));
      at = end;
    }
    rest = bytes.slice(at);
  };
}
