import { fromHex, latin1, toHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import type { Random } from '../platform/random.ts';
import { secretConcat, secretCopy } from '../platform/secret-memory.ts';
import { bindKey, requireKbpk, unbindKey } from './key-block-binding.ts';
import {
  buildKeyBlockHeader,
  checkKeyBlockHeader,
  KEY_BLOCK_SIZES,
  type KeyBlockHeader,
  type OptionalBlock,
  type ParsedHeader,
  parseKeyBlockHeader,
} from './key-block-header.ts';

/** Key blocks: TR-31:2018 and ANSI X9.143:2021. */

export interface UnwrappedKey {
  readonly header: KeyBlockHeader;
  readonly optionalBlocks: readonly OptionalBlock[];
  /** The caller wipes it. */
  readonly key: Uint8Array;
  /** What stood behind the key, to hide its length. */
  readonly padding: Uint8Array;
}

/** What a key is padded to, so that the length of the block does not tell a strong key from a weak one. */
const HIDDEN_LENGTH: Readonly<Record<string, number>> = { T: 24, D: 24, A: 32, H: 32 };

/**
 * Opens a key block.
 * @param kbpk 16 or 24 bytes (TDES) for versions A, B, C; 16, 24 or 32 bytes (AES) for D and E
 * @throws PossumError `FORMAT` when the block is malformed, `KEY` when the KBPK has the wrong length, the MAC is not
 *   the block's, or what was enciphered is no key of the named algorithm
 */
export function unwrapKeyBlock(kbpk: Uint8Array, keyBlock: string): UnwrappedKey {
  const parsed = parseKeyBlockHeader(keyBlock);
  const { versionId } = parsed.header;
  requireKbpk(versionId, kbpk);
  const { enciphered, mac } = splitBody(parsed, keyBlock);
  const clear = unbindKey(versionId, kbpk, latin1(parsed.text), enciphered, mac);
  try {
    return {
      header: parsed.header,
      optionalBlocks: parsed.optionalBlocks,
      ...splitKey(parsed.header, clear),
    };
  } finally {
    clear.fill(0);
  }
}

/**
 * Closes a key block behind a header that is complete, its length field included.
 * @param padding takes the place of random bytes; with length and key it fills whole cipher blocks
 * @throws PossumError `FORMAT` when header, key and padding do not fit together, `KEY` on a wrong KBPK or key length
 */
export function wrapWithHeader(
  kbpk: Uint8Array,
  headerText: string,
  key: Uint8Array,
  padding: Uint8Array,
): string {
  const parsed = parseKeyBlockHeader(headerText);
  const { header } = parsed;
  if (parsed.text !== headerText) throw new PossumError('FORMAT', 'more than a header is given');
  requireKbpk(header.versionId, kbpk);
  requireKeyLength(header, 8 * key.length);
  const { block, mac } = KEY_BLOCK_SIZES[header.versionId];
  const bits = 8 * key.length;
  const clear = secretConcat(Uint8Array.of(bits >> 8, bits), key, padding);
  if (header.versionId !== 'E' && clear.length % block !== 0) {
    throw new PossumError('FORMAT', `key and padding do not fill whole blocks of ${block} bytes`);
  }
  if (parsed.blockLength !== headerText.length + 2 * (clear.length + mac)) {
    throw new PossumError('FORMAT', 'the length in the header is not that of the key block');
  }
  const body = bindKey(header.versionId, kbpk, latin1(headerText), clear);
  clear.fill(0);
  return headerText + toHex(body);
}

/**
 * Makes a key block: header with its length and padding blocks, and random padding that hides the key's length.
 * @throws PossumError as {@link wrapWithHeader}
 */
export function wrapKeyBlock(
  kbpk: Uint8Array,
  content: {
    readonly header: KeyBlockHeader;
    readonly optionalBlocks?: readonly OptionalBlock[];
    readonly key: Uint8Array;
  },
  random: Random,
): string {
  const { header, optionalBlocks = [], key } = content;
  checkKeyBlockHeader(header);
  const sizes = KEY_BLOCK_SIZES[header.versionId];
  const hidden = 2 + Math.max(key.length, HIDDEN_LENGTH[header.algorithm] ?? 0);
  const length = Math.ceil(hidden / sizes.block) * sizes.block;
  const text = buildKeyBlockHeader(header, optionalBlocks, 2 * (length + sizes.mac));
  return wrapWithHeader(kbpk, text, key, random.bytes(length - 2 - key.length));
}

function splitBody(
  { header, blockLength, text }: ParsedHeader,
  keyBlock: string,
): { enciphered: Uint8Array; mac: Uint8Array } {
  const { block, mac } = KEY_BLOCK_SIZES[header.versionId];
  if (blockLength !== keyBlock.length) {
    throw new PossumError(
      'FORMAT',
      `the key block has ${keyBlock.length} characters and says ${blockLength}`,
    );
  }
  const body = keyBlock.slice(text.length);
  // Lower case would be another spelling of the same block, and no MAC would tell.
  if (body.length % 2 !== 0 || !/^[0-9A-F]*$/.test(body)) {
    throw new PossumError('FORMAT', 'the key block has no upper-case hex behind its header');
  }
  const bytes = fromHex(body);
  const length = bytes.length - mac;
  if (length < (header.versionId === 'E' ? 3 : block) || (header.versionId !== 'E' && length % block !== 0)) {
    throw new PossumError('FORMAT', 'the key block holds no whole number of cipher blocks');
  }
  return { enciphered: bytes.subarray(0, length), mac: bytes.subarray(length) };
}

/** Takes the key out of the clear data: its length in bits, the key, padding. */
function splitKey(header: KeyBlockHeader, clear: Uint8Array): { key: Uint8Array; padding: Uint8Array } {
  const bits = ((clear[0] as number) << 8) | (clear[1] as number);
  const end = 2 + bits / 8;
  if (bits % 8 !== 0 || end > clear.length) {
    throw new PossumError('KEY', 'the key block holds a key of an impossible length');
  }
  requireKeyLength(header, bits);
  return { key: secretCopy(clear.subarray(2, end)), padding: clear.slice(end) };
}

function requireKeyLength({ algorithm, keyUsage }: KeyBlockHeader, bits: number): void {
  const fits =
    bits > 0 &&
    bits <= 0xffff &&
    // Initial vectors and tables travel under the name of the algorithm that they serve.
    (keyUsage === 'I0' || keyUsage === 'D2' || !Object.hasOwn(KEY_BITS, algorithm)
      ? true
      : (KEY_BITS[algorithm] as readonly number[]).includes(bits));
  if (!fits) throw new PossumError('KEY', `algorithm ${algorithm} has no key of ${bits} bits`);
}

/** Some makers carry longer secrets as TDES keys. */
const KEY_BITS: Readonly<Record<string, readonly number[]>> = {
  A: [128, 192, 256],
  D: [64],
  T: [64, 128, 192, 256],
};
