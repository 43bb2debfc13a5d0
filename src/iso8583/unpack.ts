import { CHARACTER_CLASS, type FieldTable, KIND } from './field-table.ts';
import type { IsoError, IsoErrorCode, IsoMessage, Unpacked } from './message.ts';
import type { MessageSpec } from './spec.ts';

/** Character codes of the nibbles of packed digits and tracks; D separates the parts of a track. */
const NIBBLE_CODE = Uint8Array.from('0123456789???=??', (character) => character.charCodeAt(0));

const isDigit = (nibble: number) => nibble <= 9;
const isTrack = (nibble: number) => nibble <= 9 || nibble === 0x0d;
const bothNibbles = (valid: (nibble: number) => boolean) =>
  Uint8Array.from({ length: 256 }, (_, byte) => (valid(byte >> 4) && valid(byte & 15) ? 1 : 0));
const BOTH_DIGITS = bothNibbles(isDigit);
const BOTH_TRACK = bothNibbles(isTrack);

/**
 * Makes the unpacking function of a spec. It takes any bytes at all and answers with the message or with the
 * first thing that is wrong; the work is linear in the length of the input. Byte fields are views into the input.
 */
export function createUnpacker(spec: MessageSpec, table: FieldTable): (bytes: Uint8Array) => Unpacked {
  const packedMti = spec.digits === 'bcd';
  const hexBitmap = spec.bitmap.encoding === 'hex';
  const mtiBytes = packedMti ? 2 : 4;
  const { highest, kind, fixed, min, max, prefixBytes, prefixPacked, padLeft, charset, firstCharset } = table;
  const bits = new Uint8Array(16);

  // The state of one call; no call is re-entered.
  let input = new Uint8Array(0);
  let at = 0;
  let fault: IsoError | undefined;
  let message: IsoMessage = NO_MESSAGE;

  const fail = (code: IsoErrorCode, field: number, offset: number, message: string): undefined => {
    fault = { code, field, offset, message };
    return undefined;
  };

  const failField = (code: IsoErrorCode, field: number, offset: number, what: string): undefined => {
    const name = spec.fields[field]?.name;
    return fail(code, field, offset, `field ${field}${name === undefined ? '' : ` (${name})`}: ${what}`);
  };

  const truncated = (field: number, missing: number): undefined =>
    failField(
      'truncated',
      field,
      input.length,
      `the data ends ${missing} byte${missing === 1 ? '' : 's'} early`,
    );

  /** The characters of `count` nibbles from `start`; the caller has seen that all are valid. */
  const nibblesToText = (start: number, count: number): string => {
    let text = '';
    let i = start;
    // Four characters per call: one call per character costs three times as much.
    for (const end = start + (count >> 1) - 1; i < end; i += 2) {
      const first = input[i] as number;
      const second = input[i + 1] as number;
      text += String.fromCharCode(
        NIBBLE_CODE[first >> 4] as number,
        NIBBLE_CODE[first & 15] as number,
        NIBBLE_CODE[second >> 4] as number,
        NIBBLE_CODE[second & 15] as number,
      );
    }
    if (i < start + (count >> 1)) {
      const byte = input[i++] as number;
      text += String.fromCharCode(NIBBLE_CODE[byte >> 4] as number, NIBBLE_CODE[byte & 15] as number);
    }
    if ((count & 1) === 1) text += String.fromCharCode(NIBBLE_CODE[(input[i] as number) >> 4] as number);
    return text;
  };

  const readMti = (): string | undefined => {
    if (input.length < mtiBytes) return fail('truncated', 0, input.length, 'the data ends inside the MTI');
    for (let i = 0; i < mtiBytes; i++) {
      const byte = input[i] as number;
      if (packedMti ? BOTH_DIGITS[byte] === 0 : byte < 48 || byte > 57) {
        return fail('mti', 0, i, 'the MTI is not four digits');
      }
    }
    if (packedMti) return nibblesToText(0, 4);
    return String.fromCharCode(...input.subarray(0, 4));
  };

  const hexValue = (code: number): number => {
    if (code >= 48 && code <= 57) return code - 48;
    const lower = code | 32;
    return lower >= 97 && lower <= 102 ? lower - 87 : -1;
  };

  /** Eight bytes of bitmap into `bits` from `index`. */
  const readBits = (index: number): true | undefined => {
    const width = hexBitmap ? 16 : 8;
    if (at + width > input.length)
      return fail('truncated', 1, input.length, 'the data ends inside the bitmap');
    for (let i = 0; i < 8; i++) {
      if (!hexBitmap) {
        bits[index + i] = input[at + i] as number;
        continue;
      }
      const high = hexValue(input[at + 2 * i] as number);
      const low = hexValue(input[at + 2 * i + 1] as number);
      if (high < 0 || low < 0) return fail('bitmap', 1, at + 2 * i, 'the bitmap is not hexadecimal');
      bits[index + i] = (high << 4) | low;
    }
    at += width;
    return true;
  };

  const readBitmap = (): number | undefined => {
    const start = at;
    if (readBits(0) === undefined) return undefined;
    if (((bits[0] as number) & 0x80) === 0) return 64;
    if (highest === 64) return fail('bitmap', 1, start, 'a second bitmap, which the profile does not know');
    if (readBits(8) === undefined) return undefined;
    if (((bits[8] as number) & 0x80) !== 0) return fail('bitmap', 65, start, 'a third bitmap');
    return 128;
  };

  const readPrefix = (field: number): number | undefined => {
    const bytes = prefixBytes[field] as number;
    if (at + bytes > input.length) return truncated(field, at + bytes - input.length);
    const start = at;
    let length = 0;
    for (; at < start + bytes; at++) {
      const byte = input[at] as number;
      if (prefixPacked[field] === 1) {
        const high = byte >> 4;
        const low = byte & 15;
        if (high > 9 || low > 9) return failField('length', field, at, 'the length is no number');
        length = length * 100 + high * 10 + low;
      } else {
        if (byte < 48 || byte > 57) return failField('length', field, at, 'the length is no number');
        length = length * 10 + byte - 48;
      }
    }
    if (length < (min[field] as number) || length > (max[field] as number)) {
      return failField(
        'length',
        field,
        start,
        `length ${length}, ${min[field]} to ${max[field]} are allowed`,
      );
    }
    return length;
  };

  /** Packed digits or track data of `length` nibbles; `valid` says for each byte whether both nibbles may occur. */
  const readPacked = (field: number, length: number, valid: Uint8Array): string | undefined => {
    const start = at;
    const end = start + ((length + 1) >> 1);
    if (end > input.length) return truncated(field, end - input.length);
    for (let i = start; i < end; i++) {
      if (valid[input[i] as number] === 0) return failField('digit', field, i, 'a nibble is no digit');
    }
    at = end;
    if ((length & 1) === 0) return nibblesToText(start, length);
    if (padLeft[field] === 1) {
      const first = input[start] as number;
      if (first > 15) return failField('pad', field, start, 'the filling nibble is not zero');
      return String.fromCharCode(NIBBLE_CODE[first] as number) + nibblesToText(start + 1, length - 1);
    }
    if (((input[end - 1] as number) & 15) !== 0) {
      return failField('pad', field, end - 1, 'the filling nibble is not zero');
    }
    return nibblesToText(start, length);
  };

  const readText = (field: number, length: number): string | undefined => {
    const start = at;
    const end = start + length;
    if (end > input.length) return truncated(field, end - input.length);
    const allowed = charset[field] as number;
    let classes = firstCharset[field] as number;
    for (let i = start; i < end; i++) {
      if (((CHARACTER_CLASS[input[i] as number] as number) & classes) === 0) {
        return failField('charset', field, i, 'a character is not allowed');
      }
      classes = allowed;
    }
    at = end;
    let text = '';
    let i = start;
    for (; i + 4 <= end; i += 4) {
      text += String.fromCharCode(
        input[i] as number,
        input[i + 1] as number,
        input[i + 2] as number,
        input[i + 3] as number,
      );
    }
    for (; i < end; i++) text += String.fromCharCode(input[i] as number);
    return text;
  };

  const readBytes = (field: number, length: number): Uint8Array | undefined => {
    const end = at + length;
    if (end > input.length) return truncated(field, end - input.length);
    const value = input.subarray(at, end);
    at = end;
    return value;
  };

  const readField = (field: number): string | Uint8Array | undefined => {
    const fieldKind = kind[field];
    if (fieldKind === KIND.none) return failField('unknown-field', field, at, 'the profile does not know it');
    const length = prefixBytes[field] === 0 ? (fixed[field] as number) : readPrefix(field);
    if (length === undefined) return undefined;
    if (fieldKind === KIND.text) return readText(field, length);
    if (fieldKind === KIND.packedDigits) return readPacked(field, length, BOTH_DIGITS);
    if (fieldKind === KIND.bytes) return readBytes(field, length);
    return readPacked(field, length, BOTH_TRACK);
  };

  const read = (): Unpacked | undefined => {
    const mti = readMti();
    if (mti === undefined) return undefined;
    message.mti = mti;
    at = mtiBytes;
    const width = readBitmap();
    if (width === undefined) return undefined;
    const fields: (string | Uint8Array | undefined)[] = new Array(width + 1);
    message = { mti, fields };
    for (let field = 2; field <= width; field++) {
      if (((bits[(field - 1) >> 3] as number) & (0x80 >> ((field - 1) & 7))) === 0 || field === 65) continue;
      const value = readField(field);
      if (value === undefined) return undefined;
      fields[field] = value;
    }
    if (at < input.length) {
      const extra = input.length - at;
      return fail('trailing', 0, at, `${extra} byte${extra === 1 ? '' : 's'} after the last field`);
    }
    return { ok: true, message };
  };

  return (bytes) => {
    input = bytes as Uint8Array<ArrayBuffer>;
    at = 0;
    message = { mti: '', fields: [] };
    const result = read() ?? { ok: false, error: fault as IsoError, partial: message };
    input = EMPTY;
    message = NO_MESSAGE;
    return result;
  };
}

const EMPTY = new Uint8Array(0);
const NO_MESSAGE: IsoMessage = { mti: '', fields: [] };
