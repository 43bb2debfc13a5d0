import { PossumError } from '../platform/errors.ts';
import { CHARACTER_CLASS, type FieldTable, KIND } from './field-table.ts';
import type { IsoMessage } from './message.ts';
import type { MessageSpec } from './spec.ts';

const HEX = '0123456789ABCDEF';
const SEPARATOR_NIBBLE = 0x0d;

/**
 * Makes the packing function of a spec. Messages are written into one buffer that is kept, and copied out.
 * @returns a function that throws PossumError `FORMAT` naming the field when a value does not fit its spec
 */
export function createPacker(spec: MessageSpec, table: FieldTable): (message: IsoMessage) => Uint8Array {
  const out = new Uint8Array(longestMessage(table));
  const packedMti = spec.digits === 'bcd';
  const hexBitmap = spec.bitmap.encoding === 'hex';
  const alwaysSecondary = spec.bitmap.bits === 128 && spec.bitmap.secondary === 'always';
  const { highest, kind, fixed, min, max, prefixBytes, prefixPacked, padLeft, charset, firstCharset } = table;
  const bits = new Uint8Array(16);

  const misfit = (field: number, what: string): never => {
    const name = spec.fields[field]?.name;
    throw new PossumError('FORMAT', `field ${field}${name === undefined ? '' : ` (${name})`}: ${what}`, {
      where: `fields.${field}`,
    });
  };

  const writeMti = (mti: string): number => {
    if (!/^\d{4}$/.test(mti)) {
      throw new PossumError('FORMAT', 'a message type has four digits', { where: 'mti' });
    }
    for (let i = 0; i < 4; i++) {
      const code = mti.charCodeAt(i);
      if (!packedMti) out[i] = code;
      else if ((i & 1) === 0) out[i >> 1] = (code - 48) << 4;
      else out[i >> 1] = (out[i >> 1] as number) | (code - 48);
    }
    return packedMti ? 2 : 4;
  };

  const writePrefix = (at: number, field: number, length: number): number => {
    const bytes = prefixBytes[field] as number;
    const packed = prefixPacked[field] === 1;
    let rest = length;
    for (let i = at + bytes - 1; i >= at; i--) {
      if (packed) {
        const low = rest % 10;
        rest = (rest - low) / 10;
        const high = rest % 10;
        rest = (rest - high) / 10;
        out[i] = (high << 4) | low;
      } else {
        const digit = rest % 10;
        rest = (rest - digit) / 10;
        out[i] = 48 + digit;
      }
    }
    return at + bytes;
  };

  const checkLength = (field: number, length: number): void => {
    if (length < (min[field] as number) || length > (max[field] as number)) {
      const wanted =
        fixed[field] !== 0 ? `${fixed[field]} are wanted` : `${min[field]} to ${max[field]} are allowed`;
      misfit(field, `${length} ${kind[field] === KIND.bytes ? 'bytes' : 'characters'}, ${wanted}`);
    }
  };

  const nibbleAt = (field: number, value: string, i: number, track: boolean): number => {
    const code = value.charCodeAt(i);
    const digit = code - 48;
    if (digit >= 0 && digit <= 9) return digit;
    if (track && (code === 0x3d || code === 0x44)) return SEPARATOR_NIBBLE;
    return misfit(field, `character ${i + 1} is no ${track ? 'track character' : 'digit'}`);
  };

  const writePacked = (at: number, field: number, value: string, track: boolean): number => {
    const length = value.length;
    let i = 0;
    let to = at;
    if ((length & 1) === 1 && padLeft[field] === 1) out[to++] = nibbleAt(field, value, i++, track);
    for (; i + 1 < length; i += 2) {
      const high = value.charCodeAt(i) - 48;
      const low = value.charCodeAt(i + 1) - 48;
      if (high >= 0 && high <= 9 && low >= 0 && low <= 9) out[to++] = (high << 4) | low;
      else out[to++] = (nibbleAt(field, value, i, track) << 4) | nibbleAt(field, value, i + 1, track);
    }
    if (i < length) out[to++] = nibbleAt(field, value, i, track) << 4;
    return to;
  };

  const writeText = (at: number, field: number, value: string): number => {
    const allowed = charset[field] as number;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      const classes = i === 0 ? (firstCharset[field] as number) : allowed;
      if (code > 255 || ((CHARACTER_CLASS[code] as number) & classes) === 0) {
        misfit(field, `character ${i + 1} is not allowed`);
      }
      out[at + i] = code;
    }
    return at + value.length;
  };

  const writeField = (at: number, field: number, value: string | Uint8Array): number => {
    const fieldKind = kind[field];
    if (fieldKind === KIND.none) misfit(field, 'the host profile does not know it');
    checkLength(field, value.length);
    const start = prefixBytes[field] === 0 ? at : writePrefix(at, field, value.length);
    if (typeof value !== 'string') {
      if (fieldKind !== KIND.bytes) misfit(field, 'is text, not bytes');
      out.set(value, start);
      return start + value.length;
    }
    if (fieldKind === KIND.text) return writeText(start, field, value);
    if (fieldKind === KIND.bytes) misfit(field, 'is bytes, not text');
    return writePacked(start, field, value, fieldKind === KIND.packedTrack);
  };

  const writeBitmap = (at: number, bytes: number): void => {
    for (let i = 0; i < bytes; i++) {
      const octet = bits[i] as number;
      if (hexBitmap) {
        out[at + 2 * i] = HEX.charCodeAt(octet >> 4);
        out[at + 2 * i + 1] = HEX.charCodeAt(octet & 15);
      } else out[at + i] = octet;
    }
  };

  return ({ mti, fields }) => {
    for (let field = fields.length - 1; field > highest; field--) {
      if (fields[field] !== undefined) misfit(field, `the bitmap ends at field ${highest}`);
    }
    if (fields[0] !== undefined) misfit(0, 'the message type is no field');
    if (fields[1] !== undefined) misfit(1, 'the bitmap is made here');
    bits.fill(0);
    const bitmapAt = writeMti(mti);
    let secondary = alwaysSecondary;
    for (let field = 65; !secondary && field <= highest; field++) secondary = fields[field] !== undefined;
    if (secondary) bits[0] = 0x80;
    const bitmapBytes = secondary ? 16 : 8;
    let at = bitmapAt + (hexBitmap ? 2 * bitmapBytes : bitmapBytes);
    const last = Math.min(fields.length - 1, highest);
    for (let field = 2; field <= last; field++) {
      const value = fields[field];
      if (value === undefined) continue;
      const octet = (field - 1) >> 3;
      bits[octet] = (bits[octet] as number) | (0x80 >> ((field - 1) & 7));
      at = writeField(at, field, value);
    }
    writeBitmap(bitmapAt, bitmapBytes);
    const packed = out.slice(0, at);
    // Card data does not stay behind in the buffer.
    out.fill(0, 0, at);
    return packed;
  };
}

/** Upper bound in bytes: every field at its longest. */
function longestMessage(table: FieldTable): number {
  let length = 4 + 32;
  for (let field = 2; field <= table.highest; field++) {
    length += (table.prefixBytes[field] as number) + (table.max[field] as number);
  }
  return length;
}
