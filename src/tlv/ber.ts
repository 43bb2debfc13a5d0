/** BER-TLV as EMV uses it (Book 3, Annex B): definite lengths, tags of one to four bytes. */

/** One data object. `children` is there when the tag says constructed and the value was parsed. */
export interface Tlv {
  /** The tag bytes as one number: `0x9f26`. */
  readonly tag: number;
  readonly value: Uint8Array;
  readonly children?: readonly Tlv[];
}

export type TlvErrorCode =
  | 'TAG_UNFINISHED'
  | 'TAG_TOO_LONG'
  | 'LENGTH_MISSING'
  | 'LENGTH_INDEFINITE'
  | 'LENGTH_TOO_LONG'
  | 'VALUE_TRUNCATED'
  | 'TOO_DEEP';

export interface TlvError {
  readonly code: TlvErrorCode;
  /** Where in the input the offending tag or length begins. */
  readonly offset: number;
  readonly message: string;
}

export type TlvResult =
  | { readonly ok: true; readonly items: readonly Tlv[] }
  | { readonly ok: false; readonly error: TlvError };

export interface TlvOptions {
  /** Levels of nesting that are accepted; 8 when absent. */
  readonly maxDepth?: number;
}

/** Header of a data object: where its value lies, relative to the input. */
interface Header {
  readonly tag: number;
  readonly constructed: boolean;
  readonly start: number;
  readonly end: number;
}

const MAX_DEPTH = 8;

/**
 * Splits `bytes` into data objects, strictly: an object never reaches beyond its parent. Bytes `00` before,
 * between and after objects are skipped (Book 3, Annex B1). Values are views of the input, not copies.
 */
export function parseTlv(bytes: Uint8Array, options: TlvOptions = {}): TlvResult {
  return parseRange(bytes, 0, bytes.length, options.maxDepth ?? MAX_DEPTH);
}

function parseRange(bytes: Uint8Array, from: number, to: number, depthLeft: number): TlvResult {
  const items: Tlv[] = [];
  let at = from;
  while (at < to) {
    if (bytes[at] === 0) {
      at++;
      continue;
    }
    const header = readHeader(bytes, at, to);
    if ('code' in header) return { ok: false, error: header };
    const value = bytes.subarray(header.start, header.end);
    if (header.constructed) {
      if (depthLeft === 0) return { ok: false, error: fail('TOO_DEEP', at, 'nested too deeply') };
      const inner = parseRange(bytes, header.start, header.end, depthLeft - 1);
      if (!inner.ok) return inner;
      items.push({ tag: header.tag, value, children: inner.items });
    } else {
      items.push({ tag: header.tag, value });
    }
    at = header.end;
  }
  return { ok: true, items };
}

function readHeader(bytes: Uint8Array, from: number, to: number): Header | TlvError {
  const first = bytes[from] as number;
  let tag = first;
  let at = from + 1;
  if ((first & 0x1f) === 0x1f) {
    for (;;) {
      if (at >= to) return fail('TAG_UNFINISHED', from, 'the data ends inside a tag');
      if (at - from === 4) return fail('TAG_TOO_LONG', from, 'a tag of more than four bytes');
      const next = bytes[at++] as number;
      tag = tag * 256 + next;
      if (next < 0x80) break;
    }
  }
  if (at >= to) return fail('LENGTH_MISSING', at, `no length after tag ${tagHex(tag)}`);
  const lengthAt = at;
  let length = bytes[at++] as number;
  if (length === 0x80) return fail('LENGTH_INDEFINITE', lengthAt, `indefinite length of ${tagHex(tag)}`);
  if (length > 0x80) {
    const count = length - 0x80;
    if (count > 4) return fail('LENGTH_TOO_LONG', lengthAt, `${count} length bytes of ${tagHex(tag)}`);
    if (at + count > to) return fail('LENGTH_MISSING', lengthAt, `the length of ${tagHex(tag)} is cut off`);
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[at++] as number);
  }
  if (length > to - at) {
    const text = `${tagHex(tag)} claims ${length} bytes, ${to - at} are left`;
    return fail('VALUE_TRUNCATED', lengthAt, text);
  }
  return { tag, constructed: (first & 0x20) !== 0, start: at, end: at + length };
}

function fail(code: TlvErrorCode, offset: number, message: string): TlvError {
  return { code, offset, message };
}

/**
 * A data object as bytes, with the shortest length field.
 * @param content the value, or objects that are already encoded and form the value of a template
 */
export function encodeTlv(tag: number, content: Uint8Array | readonly Uint8Array[]): Uint8Array {
  const parts = content instanceof Uint8Array ? [content] : content;
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(headerBytes(tag, length) + length);
  let at = putHeader(out, 0, tag, length);
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Primitive data objects one after the other, as a field of a message or the value of a template. */
export function encodeTlvs(objects: readonly (readonly [tag: number, value: Uint8Array])[]): Uint8Array {
  let length = 0;
  for (const [tag, value] of objects) length += headerBytes(tag, value.length) + value.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const [tag, value] of objects) {
    at = putHeader(out, at, tag, value.length);
    out.set(value, at);
    at += value.length;
  }
  return out;
}

function headerBytes(tag: number, length: number): number {
  if (length >= 0x1000000) throw new RangeError(`a data object of ${length} bytes`);
  return byteCount(tag) + (length < 0x80 ? 1 : 1 + byteCount(length));
}

/** Writes tag and length. @returns where the value belongs */
function putHeader(out: Uint8Array, from: number, tag: number, length: number): number {
  const at = putBytes(out, from, tag, byteCount(tag));
  if (length < 0x80) return putBytes(out, at, length, 1);
  const count = byteCount(length);
  return putBytes(out, putBytes(out, at, 0x80 | count, 1), length, count);
}

/** Bytes that a number below 2^32 needs; one for 0. */
function byteCount(value: number): number {
  if (value < 0x100) return 1;
  if (value < 0x10000) return 2;
  return value < 0x1000000 ? 3 : 4;
}

/** Writes `value` big-endian. @returns where the next byte belongs */
function putBytes(out: Uint8Array, at: number, value: number, count: number): number {
  for (let i = 0; i < count; i++) out[at + i] = value >>> (8 * (count - 1 - i));
  return at + count;
}

/** The first object with `tag` at this level. */
export function findTlv(items: readonly Tlv[], tag: number): Tlv | undefined {
  for (const item of items) if (item.tag === tag) return item;
  return undefined;
}

/** The first object with `tag` at any level, outer levels before inner ones on each branch. */
export function findTlvDeep(items: readonly Tlv[], tag: number): Tlv | undefined {
  for (const item of items) {
    if (item.tag === tag) return item;
    const inner = item.children === undefined ? undefined : findTlvDeep(item.children, tag);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** Upper-case hex of a tag: `9F26`. */
export function tagHex(tag: number): string {
  const hex = tag.toString(16).toUpperCase();
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}

/**
 * The number of a tag in hex.
 * @throws RangeError when it is not exactly one BER tag of at most four bytes
 */
export function tagFromHex(hex: string): number {
  const bytes = /^([0-9A-Fa-f]{2}){1,4}$/.test(hex)
    ? hex.match(/../g)?.map((b) => Number.parseInt(b, 16))
    : [];
  const [first = 0, ...rest] = bytes ?? [];
  const isLong = (first & 0x1f) === 0x1f;
  const ends = rest.every((b, i) => b >= 0x80 === i < rest.length - 1);
  if (first === 0 || isLong !== rest.length > 0 || !ends) throw new RangeError(`${hex} is no BER tag`);
  return Number.parseInt(hex, 16);
}
