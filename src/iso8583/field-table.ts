import { PossumError } from '../platform/errors.ts';
import type { FieldSpec, MessageSpec } from './spec.ts';

/** How a field's value stands in the message. */
export const KIND = { none: 0, packedDigits: 1, text: 2, bytes: 3, packedTrack: 4 } as const;

/** Bits of {@link CHARACTER_CLASS}. */
const DIGIT = 1;
const LETTER = 2;
const SPACE = 4;
const SPECIAL = 8;
const ANY = 16;
const TRACK = 32;
const SIGN = 64;

/** For each character code, the classes that it belongs to. */
export const CHARACTER_CLASS: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  let bits = ANY;
  if (character >= '0' && character <= '9') bits |= DIGIT | TRACK;
  else if (/[A-Za-z]/.test(character)) bits |= LETTER;
  else if (code === 0x20) bits |= SPACE;
  else if (code > 0x20 && code < 0x7f) bits |= SPECIAL;
  if (character === '=' || character === 'D') bits |= TRACK;
  if (character === 'C' || character === 'D') bits |= SIGN;
  return bits;
});

const CHARSET: Record<FieldSpec['format'], number> = {
  n: DIGIT,
  xn: DIGIT,
  a: LETTER,
  an: LETTER | DIGIT,
  anp: LETTER | DIGIT | SPACE,
  ans: LETTER | DIGIT | SPACE | SPECIAL,
  z: TRACK,
  b: ANY,
};

/**
 * The spec of a message as flat columns indexed by field number: the codec's inner loops read small integers only.
 */
export interface FieldTable {
  readonly highest: number;
  readonly kind: Uint8Array;
  /** Fixed length, 0 for a variable field. */
  readonly fixed: Uint16Array;
  readonly min: Uint16Array;
  readonly max: Uint16Array;
  /** Bytes of the length prefix; 0 for a fixed field. */
  readonly prefixBytes: Uint8Array;
  /** 1 when the prefix is packed digits, 0 when it is characters. */
  readonly prefixPacked: Uint8Array;
  /** 1 when an odd number of packed digits is filled on the left. */
  readonly padLeft: Uint8Array;
  /** Character classes that may occur. */
  readonly charset: Uint8Array;
  /** Classes of the first character, where they differ. */
  readonly firstCharset: Uint8Array;
}

/** @throws PossumError `CONFIG` when the spec contradicts itself */
export function compileFieldTable(spec: MessageSpec): FieldTable {
  const highest = spec.bitmap.bits;
  const size = highest + 1;
  const table: FieldTable = {
    highest,
    kind: new Uint8Array(size),
    fixed: new Uint16Array(size),
    min: new Uint16Array(size),
    max: new Uint16Array(size),
    prefixBytes: new Uint8Array(size),
    prefixPacked: new Uint8Array(size),
    padLeft: new Uint8Array(size),
    charset: new Uint8Array(size),
    firstCharset: new Uint8Array(size),
  };
  for (const [key, field] of Object.entries(spec.fields)) {
    const number = Number(key);
    if (number > highest) {
      throw new PossumError('CONFIG', `field ${number} is beyond a bitmap of ${highest} bits`, {
        where: `message.fields.${number}`,
      });
    }
    fillRow(table, number, field, field.digits ?? spec.digits, spec.digits);
  }
  return table;
}

function fillRow(
  table: FieldTable,
  number: number,
  field: FieldSpec,
  digits: 'bcd' | 'ascii',
  prefixDigits: 'bcd' | 'ascii',
): void {
  const packed = digits === 'bcd';
  table.kind[number] =
    field.format === 'b'
      ? KIND.bytes
      : packed && field.format === 'n'
        ? KIND.packedDigits
        : packed && field.format === 'z'
          ? KIND.packedTrack
          : KIND.text;
  table.fixed[number] = field.length ?? 0;
  table.min[number] = field.length ?? field.min ?? 1;
  table.max[number] = field.length ?? field.max ?? 0;
  const prefix = field.prefix ?? 0;
  table.prefixPacked[number] = prefixDigits === 'bcd' ? 1 : 0;
  table.prefixBytes[number] = prefixDigits === 'bcd' ? (prefix + 1) >> 1 : prefix;
  const pad = field.pad ?? (field.length !== undefined ? 'left' : 'right');
  table.padLeft[number] = pad === 'left' ? 1 : 0;
  const charset = field.charset === 'any' ? ANY : CHARSET[field.format];
  table.charset[number] = charset;
  table.firstCharset[number] = field.format === 'xn' ? SIGN : charset;
}
