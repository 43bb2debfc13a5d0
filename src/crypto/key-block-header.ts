import { PossumError } from '../platform/errors.ts';

/** The header of a key block: TR-31:2018 and ANSI X9.143:2021, section 6, with its optional blocks. */

export type KeyBlockVersion = 'A' | 'B' | 'C' | 'D' | 'E';

/** The fields of the header that say what the key is. */
export interface KeyBlockHeader {
  readonly versionId: KeyBlockVersion;
  /** Two characters, e.g. `P0`; two digits are proprietary. */
  readonly keyUsage: string;
  /** `A` AES, `D` DES, `E` elliptic curve, `H` HMAC, `R` RSA, `S` DSA, `T` TDES; a digit is proprietary. */
  readonly algorithm: string;
  /** `B` both ways, `C` MAC both ways, `D`, `E`, `G`, `N` any, `S`, `T`, `V`, `X` derivation, `Y`; or a digit. */
  readonly modeOfUse: string;
  /** Two characters; `00` for none, `c` first for a component. */
  readonly keyVersionNumber: string;
  /** `E` under any KEK of the standard, `N` not, `S` sensitive: also under other KEKs. */
  readonly exportability: string;
  /** `0` by default: storage and exchange; `1` storage, `2` exchange. */
  readonly keyContext?: string;
}

/** One optional block: a name of two characters and printable text. */
export type OptionalBlock = readonly [id: string, data: string];

export interface ParsedHeader {
  readonly header: KeyBlockHeader;
  readonly optionalBlocks: readonly OptionalBlock[];
  /** Characters of the whole key block, as the header tells. */
  readonly blockLength: number;
  /** Header and optional blocks as they stand in the key block. */
  readonly text: string;
}

/** Cipher block and MAC in bytes, by version. */
export const KEY_BLOCK_SIZES: Readonly<
  Record<KeyBlockVersion, { readonly block: number; readonly mac: number }>
> = {
  A: { block: 8, mac: 4 },
  B: { block: 8, mac: 8 },
  C: { block: 8, mac: 4 },
  D: { block: 16, mac: 16 },
  E: { block: 16, mac: 16 },
};

const FIXED_LENGTH = 16;
const MAX_LENGTH = 9999;
/** X9.143 table 2; two digits are left to implementations. */
const USAGE = /^(?:B[0-3]|C0|D[0-3]|E[0-7]|I0|K[0-4]|M[0-8]|P[01]|S[0-2]|V[0-5]|\d\d)$/;
const ALGORITHM = /^[ADEHRST0-9]$/;
const MODE = /^[BCDEGNSTVXY0-9]$/;
const VERSION_NUMBER = /^[0-9A-Za-z]{2}$/;
const EXPORTABILITY = /^[ENS]$/;
const CONTEXT = /^[012]$/;
const OPTIONAL_ID = /^[0-9A-Za-z]{2}$/;
const PRINTABLE = /^[\x20-\x7e]*$/;
const PADDING_ID = 'PB';

/**
 * Reads header and optional blocks in front of a key block, or alone. Each field is checked; the work is bounded by
 * the length of `text`, whatever counts and lengths it claims.
 * @throws PossumError `FORMAT` naming the field
 */
export function parseKeyBlockHeader(text: string): ParsedHeader {
  if (text.length < FIXED_LENGTH) throw fault('is shorter than its header of 16 characters');
  if (text.length > MAX_LENGTH) throw fault('is longer than 9999 characters');
  const versionId = text.charAt(0);
  if (!Object.hasOwn(KEY_BLOCK_SIZES, versionId)) throw fault('has an unknown version');
  const length = text.slice(1, 5);
  if (!/^\d{4}$/.test(length)) throw fault('has no decimal length');
  if (text.charAt(15) !== '0') throw fault('has a reserved character that is not 0');
  const header: KeyBlockHeader = {
    versionId: versionId as KeyBlockVersion,
    keyUsage: text.slice(5, 7),
    algorithm: text.charAt(7),
    modeOfUse: text.charAt(8),
    keyVersionNumber: text.slice(9, 11),
    exportability: text.charAt(11),
    ...(text.charAt(14) === '0' ? {} : { keyContext: text.charAt(14) }),
  };
  checkKeyBlockHeader(header);
  const count = text.slice(12, 14);
  if (!/^\d\d$/.test(count)) throw fault('has no decimal number of optional blocks');
  const { blocks, end } = parseOptionalBlocks(text, Number(count));
  if ((end - FIXED_LENGTH) % KEY_BLOCK_SIZES[header.versionId].block !== 0) {
    throw fault('has optional blocks that do not fill whole cipher blocks');
  }
  return { header, optionalBlocks: blocks, blockLength: Number(length), text: text.slice(0, end) };
}

/**
 * Writes header and optional blocks, padded by a `PB` block where the cipher needs it.
 * @param bodyLength characters of the enciphered key and the MAC
 * @throws PossumError `FORMAT` naming the field
 */
export function buildKeyBlockHeader(
  header: KeyBlockHeader,
  optionalBlocks: readonly OptionalBlock[],
  bodyLength: number,
): string {
  checkKeyBlockHeader(header);
  const written = optionalBlocks.map(writeOptionalBlock);
  let length = written.reduce((sum, { length: size }) => sum + size, 0);
  const { block } = KEY_BLOCK_SIZES[header.versionId];
  if (length % block !== 0) {
    if (optionalBlocks.some(([id]) => id === PADDING_ID)) throw fault('has a PB block that does not fit');
    let padding = block - (length % block);
    if (padding < 4) padding += block;
    written.push(writeOptionalBlock([PADDING_ID, '0'.repeat(padding - 4)]));
    length += padding;
  }
  const total = FIXED_LENGTH + length + bodyLength;
  if (written.length > 99) throw fault('has more than 99 optional blocks');
  if (total > MAX_LENGTH) throw fault('is longer than 9999 characters');
  const count = String(written.length).padStart(2, '0');
  const { versionId, keyUsage, algorithm, modeOfUse, keyVersionNumber, exportability } = header;
  const fields = `${keyUsage}${algorithm}${modeOfUse}${keyVersionNumber}${exportability}`;
  const context = header.keyContext ?? '0';
  const text = `${versionId}${String(total).padStart(4, '0')}${fields}${count}${context}0${written.join('')}`;
  // What is written has to be what is read: the order of blocks is checked there.
  return parseKeyBlockHeader(text).text;
}

/** Refuses a header with a field that no key block has. @throws PossumError `FORMAT` naming the field */
export function checkKeyBlockHeader(header: KeyBlockHeader): void {
  if (!Object.hasOwn(KEY_BLOCK_SIZES, header.versionId)) throw fault('has an unknown version');
  if (!USAGE.test(header.keyUsage)) throw fault('has an unknown key usage');
  if (!ALGORITHM.test(header.algorithm)) throw fault('has an unknown algorithm');
  if (!MODE.test(header.modeOfUse)) throw fault('has an unknown mode of use');
  if (!VERSION_NUMBER.test(header.keyVersionNumber)) throw fault('has a wrong key version number');
  if (!EXPORTABILITY.test(header.exportability)) throw fault('has an unknown exportability');
  if (header.keyContext !== undefined && !CONTEXT.test(header.keyContext)) {
    throw fault('has an unknown key context');
  }
}

function parseOptionalBlocks(text: string, count: number): { blocks: OptionalBlock[]; end: number } {
  const blocks: OptionalBlock[] = [];
  let at = FIXED_LENGTH;
  for (let i = 0; i < count; i++) {
    const id = text.slice(at, at + 2);
    if (!OPTIONAL_ID.test(id)) throw fault(`has optional block ${i + 1} of ${count} without a name`);
    const { length, start } = optionalLength(text, at, id);
    const end = at + length;
    if (end > text.length) throw fault(`ends within optional block ${id}`);
    const data = text.slice(start, end);
    if (!PRINTABLE.test(data)) throw fault(`has unprintable characters in optional block ${id}`);
    if (id === PADDING_ID && i < count - 1) throw fault('has a PB block that is not the last one');
    blocks.push([id, data]);
    at = end;
  }
  return { blocks, end: at };
}

/** The length of the optional block at `at`, its name and length field counted, and where its data start. */
function optionalLength(text: string, at: number, id: string): { length: number; start: number } {
  const short = hexNumber(text.slice(at + 2, at + 4), 2);
  if (short === undefined) throw fault(`has no length in optional block ${id}`);
  if (short !== 0) {
    if (short < 4) throw fault(`has a length below 4 in optional block ${id}`);
    return { length: short, start: at + 4 };
  }
  // X9.143 counts the characters of the length (04), some implementations of TR-31:2018 its bytes (02).
  const size = text.slice(at + 4, at + 6);
  const long = size === '04' || size === '02' ? hexNumber(text.slice(at + 6, at + 10), 4) : undefined;
  if (long === undefined || long < 10) throw fault(`has no extended length in optional block ${id}`);
  return { length: long, start: at + 10 };
}

function writeOptionalBlock([id, data]: OptionalBlock): string {
  if (!OPTIONAL_ID.test(id)) throw fault(`cannot hold an optional block named ${JSON.stringify(id)}`);
  if (!PRINTABLE.test(data)) throw fault(`has unprintable characters in optional block ${id}`);
  const short = data.length + 4;
  if (short <= 255) return `${id}${upperHex(short, 2)}${data}`;
  if (data.length + 10 > MAX_LENGTH) throw fault('is longer than 9999 characters');
  return `${id}0004${upperHex(data.length + 10, 4)}${data}`;
}

function hexNumber(text: string, digits: number): number | undefined {
  return text.length === digits && /^[0-9A-F]+$/.test(text) ? Number.parseInt(text, 16) : undefined;
}

function upperHex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

function fault(what: string): PossumError {
  return new PossumError('FORMAT', `the key block ${what}`);
}
