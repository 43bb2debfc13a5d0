/**
 * Memory for keys, PINs and clear PIN blocks. V8 keeps arrays of up to 64 bytes on its own heap, where the collector
 * moves them and leaves their content behind: wiping such an array wipes its last copy only. What is made here lies
 * outside and stays where it is. It comes in pieces of larger blocks, which costs no more than an array on the heap.
 */

const BLOCK = 4096;
/** Pieces start at whole words. */
const ALIGNMENT = 8;

let block = new ArrayBuffer(BLOCK);
let used = 0;

/** Zeros, to be filled and wiped by the caller. */
export function secretBytes(length: number): Uint8Array {
  if (length > BLOCK / 2) return new Uint8Array(new ArrayBuffer(length));
  const at = take(length);
  return new Uint8Array(block, at, length);
}

/** Zeros in 32-bit words. */
export function secretWords(length: number): Int32Array {
  if (4 * length > BLOCK / 2) return new Int32Array(new ArrayBuffer(4 * length));
  const at = take(4 * length);
  return new Int32Array(block, at, length);
}

/** A copy that the caller wipes; the original is left as it is. */
export function secretCopy(bytes: Uint8Array): Uint8Array {
  const copy = secretBytes(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Secret parts one after the other; the originals are left as they are. */
export function secretConcat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = secretBytes(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Each place is given out once: a block goes when all of its pieces are gone. */
function take(length: number): number {
  const size = (length + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
  if (used + size > BLOCK) {
    block = new ArrayBuffer(BLOCK);
    used = 0;
  }
  const at = used;
  used += size;
  return at;
}
