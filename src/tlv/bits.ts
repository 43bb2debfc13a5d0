import {
  ADDITIONAL_CAPABILITIES,
  AIP,
  AUC,
  type BitField,
  CTQ,
  TERMINAL_CAPABILITIES,
  TSI,
  TTQ,
  TVR,
} from './bits.table.ts';

/** A set bit of a bit field, in words. */
export interface SetBit {
  /** 1 is the first byte. */
  readonly byte: number;
  /** 8 is the highest bit. */
  readonly bit: number;
  readonly meaning: string;
}

const FIELDS: ReadonlyMap<number, BitField> = new Map([
  [0x95, TVR],
  [0x9b, TSI],
  [0x82, AIP],
  [0x9f07, AUC],
  [0x9f33, TERMINAL_CAPABILITIES],
  [0x9f40, ADDITIONAL_CAPABILITIES],
  [0x9f66, TTQ],
  [0x9f6c, CTQ],
  // Action codes select bits of the TVR.
  [0x9f0d, TVR],
  [0x9f0e, TVR],
  [0x9f0f, TVR],
]);

/** The set bits of a bit-coded object, or `undefined` when the tag is none. Reserved bits say `RFU`. */
export function describeBits(tag: number, value: Uint8Array): readonly SetBit[] | undefined {
  const field = FIELDS.get(tag);
  if (field === undefined) return undefined;
  const found: SetBit[] = [];
  value.forEach((byte, i) => {
    for (let bit = 8; bit >= 1; bit--) {
      const mask = 1 << (bit - 1);
      if ((byte & mask) === 0) continue;
      const meaning = field[i]?.find(([named]) => named === mask)?.[1] ?? 'RFU';
      found.push({ byte: i + 1, bit, meaning });
    }
  });
  return found;
}

const CRYPTOGRAMS = ['AAC', 'TC', 'ARQC', 'RFU'] as const;
export type CryptogramType = (typeof CRYPTOGRAMS)[number];

const CID_REASONS = [
  'no information given',
  'service not allowed',
  'PIN Try Limit exceeded',
  'issuer authentication failed',
] as const;

/** Cryptogram Information Data, 9F27 (Book 3, table 15). */
export interface Cid {
  readonly type: CryptogramType;
  readonly advice: boolean;
  readonly reason: string;
}

export function describeCid(cid: number): Cid {
  return {
    type: CRYPTOGRAMS[cid >> 6] ?? 'RFU',
    advice: (cid & 0x08) !== 0,
    reason: CID_REASONS[cid & 0x07] ?? 'RFU',
  };
}

const TERMINAL_OPERATORS = ['', 'financial institution', 'merchant', 'cardholder'] as const;
const TERMINAL_MODES = [
  '',
  'attended, online only',
  'attended, offline with online capability',
  'attended, offline only',
  'unattended, online only',
  'unattended, offline with online capability',
  'unattended, offline only',
] as const;

/** Terminal type, 9F35 (Book 4, annex A1), in words. */
export function describeTerminalType(value: number): string {
  const operator = TERMINAL_OPERATORS[value >> 4];
  const mode = TERMINAL_MODES[value & 0x0f];
  return operator && mode ? `${mode}, operated by ${operator}` : 'RFU';
}
