import { fromLatin1 } from '../../src/platform/bytes.ts';

/** The encrypted output of ID TECH readers: `STX lenL lenH data xor sum ETX`. */

const STX = 0x02;
const ETX = 0x03;
/** Three tracks of 112 bytes in clear and in cipher, hashes, serial number and KSN stay far below. */
export const LONGEST_DATA = 1023;
const FRAME_EXTRA = 6;
const KSN_BYTES = 10;
const HASH_BYTES = 20;
const SESSION_BYTES = 8;
const SERIAL_BYTES = 10;

/** What a reader with a key sends for one swipe. */
export interface SecureSwipe {
  readonly kind: 'secure';
  readonly structure: 'original' | 'enhanced';
  /** 0 ISO, 1 AAMVA, 3 other, 4 raw. */
  readonly encodeType: number;
  /** Tracks 1 to 3: whether the reader could decode them. */
  readonly decoded: readonly [boolean, boolean, boolean];
  /** Characters of each track before encryption. */
  readonly lengths: readonly [number, number, number];
  /** Tracks 1 to 3 in clear or masked, with sentinels; enhanced structure only. */
  readonly masked: readonly (string | undefined)[];
  /** Tracks 1 to 3 padded to the cipher's block; one for all of them in the original structure. */
  readonly encrypted: readonly (Uint8Array | undefined)[];
  readonly hashes: readonly (Uint8Array | undefined)[];
  readonly ksn?: Uint8Array;
}

export type SecureFrame =
  | { readonly kind: 'frame'; readonly data: Uint8Array; readonly length: number }
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'corrupt'; readonly why: 'check' | 'end' };

/** Where a frame of encrypted output begins, or -1: no track has a length's high byte as second character. */
export function secureStart(bytes: Uint8Array): number {
  return bytes.findIndex((byte, at) => {
    const high = bytes[at + 2];
    return byte === STX && high !== undefined && high <= LONGEST_DATA >> 8;
  });
}

/** @param bytes begin with a frame, see {@link secureStart} */
export function readSecureFrame(bytes: Uint8Array): SecureFrame {
  const dataLength = (bytes[1] ?? 0) | ((bytes[2] ?? 0) << 8);
  const length = dataLength + FRAME_EXTRA;
  if (bytes.length < length) return { kind: 'incomplete' };
  if (bytes[length - 1] !== ETX) return { kind: 'corrupt', why: 'end' };
  const data = bytes.slice(3, 3 + dataLength);
  const [xor, sum] = checksOf(data);
  const fits = bytes[length - 3] === xor && bytes[length - 2] === sum;
  return fits ? { kind: 'frame', data, length } : { kind: 'corrupt', why: 'check' };
}

/** @throws RangeError when `data` is longer than a frame can be */
export function encodeSecureFrame(data: Uint8Array): Uint8Array {
  if (data.length > LONGEST_DATA) throw new RangeError(`${data.length} bytes do not fit in a frame`);
  return Uint8Array.of(STX, data.length & 0xff, data.length >> 8, ...data, ...checksOf(data), ETX);
}

function checksOf(data: Uint8Array): [xor: number, sum: number] {
  let xor = 0;
  let sum = 0;
  for (const byte of data) {
    xor ^= byte;
    sum = (sum + byte) & 0xff;
  }
  return [xor, sum];
}

/**
 * Splits the data of a frame. Neither the cipher's block nor whether a serial number is sent stands in it: the
 * combination whose length fits is taken, TDES without serial number first.
 * @returns `undefined` when nothing fits
 */
export function parseSecureData(data: Uint8Array): SecureSwipe | undefined {
  const [type, status, one, two, three] = data;
  if (type === undefined || status === undefined) return undefined;
  if (one === undefined || two === undefined || three === undefined) return undefined;
  const head = {
    kind: 'secure' as const,
    encodeType: type & 0x7f,
    decoded: [bit(status, 0), bit(status, 1), bit(status, 2)] as const,
    lengths: [one, two, three] as const,
  };
  if ((type & 0x80) === 0) return original(data.subarray(5), head);
  for (const serial of [0, SERIAL_BYTES])
    for (const block of [8, 16]) {
      const swipe = enhanced(data, head, block, serial);
      if (swipe !== undefined) return swipe;
    }
  return undefined;
}

type Head = Pick<SecureSwipe, 'kind' | 'encodeType' | 'decoded' | 'lengths'>;

/** How the manuals divide what stands between lengths and KSN is not certain, so it is left whole. */
function original(rest: Uint8Array, head: Head): SecureSwipe | undefined {
  if (rest.length < KSN_BYTES) return undefined;
  const at = rest.length - KSN_BYTES;
  return {
    ...head,
    structure: 'original',
    masked: [],
    encrypted: [rest.slice(0, at)],
    hashes: [],
    ksn: rest.slice(at),
  };
}

function enhanced(data: Uint8Array, head: Head, block: number, serial: number): SecureSwipe | undefined {
  const [clearSent, sent] = [data[5], data[6]];
  if (clearSent === undefined || sent === undefined) return undefined;
  let at = 7;
  const take = (length: number): Uint8Array => {
    at += length;
    return data.slice(at - length, at);
  };
  const each = <T>(flags: number, first: number, make: (length: number) => T) =>
    head.lengths.map((length, i) => (bit(flags, first + i) ? make(length) : undefined));
  const masked = each(clearSent, 0, (length) => fromLatin1(take(length)));
  const encrypted = each(sent, 0, (length) => take(Math.ceil(length / block) * block));
  if (bit(sent, 6)) take(SESSION_BYTES);
  const hashes = each(sent, 3, () => take(HASH_BYTES));
  take(serial);
  const ksn = bit(sent, 7) ? take(KSN_BYTES) : undefined;
  if (at !== data.length) return undefined;
  return {
    ...head,
    structure: 'enhanced',
    masked,
    encrypted,
    hashes,
    ...(ksn === undefined ? {} : { ksn }),
  };
}

function bit(value: number, index: number): boolean {
  return ((value >> index) & 1) === 1;
}
