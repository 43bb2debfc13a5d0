import { bcdDigits, bcdToNumber } from '../platform/bytes.ts';
import { parseTlv } from '../tlv/ber.ts';

/** Field 55 as the issuer reads it. */
export interface ChipData {
  readonly tags: ReadonlyMap<number, Uint8Array>;
  /** Application cryptogram, tag 9F26. */
  readonly cryptogram: Uint8Array;
  /** Tag 9F27. */
  readonly cid: number;
  /** Tag 9F36. */
  readonly atc: number;
  /** Issuer application data, tag 9F10. */
  readonly iad: Uint8Array;
  /** Tag 9F02, minor units. */
  readonly amountMinor: number;
  /** Tag 5F2A, three digits. */
  readonly currency: string;
}

/** Lengths of the objects without which a cryptogram cannot be checked. */
const REQUIRED: readonly (readonly [tag: number, length: number])[] = [
  [0x9f26, 8],
  [0x9f27, 1],
  [0x9f36, 2],
  [0x9f37, 4],
  [0x95, 5],
  [0x9a, 3],
  [0x9c, 1],
  [0x9f02, 6],
  [0x9f03, 6],
  [0x5f2a, 2],
  [0x82, 2],
  [0x9f1a, 2],
];
const IAD = 0x9f10;
const IAD_MAX = 32;

/** @returns `undefined` when it is no TLV, an object comes twice, or one is missing or of a wrong length */
export function readChipData(field55: Uint8Array): ChipData | undefined {
  const parsed = parseTlv(field55);
  if (!parsed.ok) return undefined;
  const tags = new Map<number, Uint8Array>();
  for (const { tag, value } of parsed.items) {
    if (tags.has(tag)) return undefined;
    tags.set(tag, value);
  }
  if (REQUIRED.some(([tag, length]) => tags.get(tag)?.length !== length)) return undefined;
  const iad = tags.get(IAD);
  if (iad === undefined || iad.length < 7 || iad.length > IAD_MAX) return undefined;
  const bytes = (tag: number) => tags.get(tag) as Uint8Array;
  const amountMinor = bcdToNumber(bytes(0x9f02));
  const currency = bcdDigits(bytes(0x5f2a));
  if (amountMinor === undefined || currency === undefined) return undefined;
  const [atcHigh, atcLow] = bytes(0x9f36) as unknown as [number, number];
  return {
    tags,
    cryptogram: bytes(0x9f26),
    cid: bytes(0x9f27)[0] as number,
    atc: atcHigh * 256 + atcLow,
    iad,
    amountMinor,
    currency: currency.slice(1),
  };
}
