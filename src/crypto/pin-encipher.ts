import { concat } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import { aesDecrypt, aesEncrypt } from './aes.ts';
import { tdesDecrypt, tdesEncrypt } from './des.ts';
import {
  type DecodedPinBlock,
  decodePinBlock,
  encodePinBlock,
  type PinBlockFormat,
  type PinBlockInput,
  panField4,
} from './pin-block.ts';
import { rsaEncipher } from './rsa.ts';

/** PIN blocks under their keys: TDES for formats 0 to 3, AES with the PAN bound in for format 4. */

/** What {@link encipherPinBlock} takes: as for the clear block, but format 4 cannot do without the PAN. */
export type EncipheredPinInput =
  | Exclude<PinBlockInput, { format: 4 }>
  | { readonly format: 4; readonly pin: Uint8Array; readonly pan: string; readonly fill: Uint8Array };

/**
 * The enciphered PIN block: 8 bytes, format 4 has 16.
 * @param key TDES key of 8, 16 or 24 bytes; for format 4 AES key of 16, 24 or 32 bytes
 * @throws PossumError `KEY` on another key length, `FORMAT` as {@link encodePinBlock}
 */
export function encipherPinBlock(key: Uint8Array, input: EncipheredPinInput): Uint8Array {
  const clear = encodePinBlock(input);
  if (input.format !== 4) {
    const enciphered = tdesEncrypt(key, clear);
    clear.fill(0);
    return enciphered;
  }
  const mixed = mixPan(aesEncrypt(key, clear), input.pan);
  clear.fill(0);
  return aesEncrypt(key, mixed);
}

/**
 * The PIN in an enciphered block, or why there is none: a wrong key or PAN looks like a wrong block.
 * @param request.pan needed by formats 0, 3 and 4
 * @throws PossumError `KEY` on a wrong key length
 */
export function decipherPinBlock(
  key: Uint8Array,
  request: { readonly format: PinBlockFormat; readonly block: Uint8Array; readonly pan?: string },
): DecodedPinBlock {
  const clear = clearBlock(key, request);
  if (clear === undefined) return { kind: 'invalid', reason: 'BLOCK_LENGTH' };
  if (clear === 'PAN_LENGTH') return { kind: 'invalid', reason: clear };
  const decoded = decodePinBlock({ ...request, block: clear });
  clear.fill(0);
  return decoded;
}

function clearBlock(
  key: Uint8Array,
  { format, block, pan = '' }: { format: PinBlockFormat; block: Uint8Array; pan?: string },
): Uint8Array | 'PAN_LENGTH' | undefined {
  if (block.length !== (format === 4 ? 16 : 8)) return undefined;
  if (format !== 4) return tdesDecrypt(key, block);
  if (!/^\d{1,19}$/.test(pan)) return 'PAN_LENGTH';
  return aesDecrypt(key, mixPan(aesDecrypt(key, block), pan));
}

/** Under which key, in which format and for which PAN a block stands. */
export interface PinBlockSide {
  readonly format: PinBlockFormat;
  readonly key: Uint8Array;
  readonly pan?: string;
}

/**
 * Brings an enciphered PIN block into another format under another key.
 * @param target.fill as {@link encodePinBlock} wants it for the format
 * @returns the new block, or why the old one holds no PIN
 * @throws PossumError `KEY` on a wrong key length, `FORMAT` on a wrong PAN or fill of the target
 */
export function translatePinBlock(
  block: Uint8Array,
  source: PinBlockSide,
  target: PinBlockSide & { readonly fill?: Uint8Array },
): { readonly kind: 'block'; readonly block: Uint8Array } | Extract<DecodedPinBlock, { kind: 'invalid' }> {
  const decoded = decipherPinBlock(source.key, { ...source, block });
  if (decoded.kind === 'invalid') return decoded;
  try {
    return { kind: 'block', block: encipherPinBlock(target.key, inputOf(decoded.pin, target)) };
  } finally {
    decoded.pin.fill(0);
  }
}

function inputOf(pin: Uint8Array, target: PinBlockSide & { readonly fill?: Uint8Array }): EncipheredPinInput {
  const { format, pan = '', fill = new Uint8Array(0) } = target;
  return format === 2 ? { format, pin } : format === 1 ? { format, pin, fill } : { format, pin, pan, fill };
}

/**
 * The clear data of an enciphered offline PIN (EMV Book 2, section 7.2, table 25): 7F, PIN block, the card's
 * unpredictable number, random padding up to the length of the key.
 * @param block clear block of format 2
 * @param unpredictableNumber 8 bytes of GET CHALLENGE
 */
export function offlinePinData(
  block: Uint8Array,
  unpredictableNumber: Uint8Array,
  padding: Uint8Array,
): Uint8Array {
  if (block.length !== 8 || unpredictableNumber.length !== 8) {
    throw new PossumError('FORMAT', 'PIN block and unpredictable number of an offline PIN have 8 bytes each');
  }
  return concat(Uint8Array.of(0x7f), block, unpredictableNumber, padding);
}

/**
 * An offline PIN under the card's key (EMV Book 2, section 7.2).
 * @throws PossumError `FORMAT` when the padding does not fill the key, `KEY` when the key is none
 */
export function encipherOfflinePin(
  card: { readonly modulus: Uint8Array; readonly exponent: Uint8Array },
  block: Uint8Array,
  unpredictableNumber: Uint8Array,
  padding: Uint8Array,
): Uint8Array {
  const data = offlinePinData(block, unpredictableNumber, padding);
  if (data.length !== card.modulus.length) {
    throw new PossumError('FORMAT', `padding makes ${data.length} bytes, the key has ${card.modulus.length}`);
  }
  const enciphered = rsaEncipher(card.modulus, card.exponent, data);
  data.fill(0);
  if (enciphered === undefined) throw new PossumError('KEY', 'the card has no RSA public key for PINs');
  return enciphered;
}

/** The exclusive or with the PAN field, in place. */
function mixPan(block: Uint8Array, pan: string): Uint8Array {
  const field = panField4(pan);
  if (block.length !== field.length) throw new PossumError('INTERNAL', 'a PIN field of the wrong length');
  for (let i = 0; i < field.length; i++) block[i] = (block[i] as number) ^ (field[i] as number);
  return block;
}
