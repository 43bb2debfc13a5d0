import { concat, xor } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import { tdesCbcEncrypt, tdesEncrypt } from './des.ts';
import { encodePinBlock } from './pin-block.ts';

/** Secure messaging of issuer scripts (EMV Book 2, section 9), and the PIN CHANGE command. */

/**
 * How data are filled up and enciphered: `emv` always appends 80 (Book 2, 9.3.1.1), `mastercard` only to data that are
 * no whole blocks; both by CBC. `visa` puts the length in front, and works block by block.
 */
export type ScriptPadding = 'emv' | 'mastercard' | 'visa';

/**
 * Enciphers the data of a script command.
 * @param session the session key of confidentiality, 16 bytes
 * @param data at most 239 bytes, so that with MAC the command holds them
 * @throws PossumError `KEY` or `FORMAT`
 */
export function scriptEncipher(session: Uint8Array, data: Uint8Array, padding: ScriptPadding): Uint8Array {
  if (session.length !== 16) throw new PossumError('KEY', `an EMV key has 16 bytes, not ${session.length}`);
  if (data.length === 0 || data.length > 239) {
    throw new PossumError('FORMAT', `a script command cannot encipher ${data.length} bytes`);
  }
  if (padding === 'visa') return tdesEncrypt(session, filled(concat(Uint8Array.of(data.length), data)));
  const whole = padding === 'mastercard' && data.length % 8 === 0;
  return tdesCbcEncrypt(session, whole ? data : padded(data));
}

/** With 80 and zeros behind, in any case. */
function padded(data: Uint8Array): Uint8Array {
  const blocks = new Uint8Array(data.length + 8 - (data.length % 8));
  blocks.set(data);
  blocks[data.length] = 0x80;
  return blocks;
}

/** With 80 and zeros behind, unless the blocks are whole. */
function filled(data: Uint8Array): Uint8Array {
  return data.length % 8 === 0 ? data : padded(data);
}

/**
 * The new PIN in a PIN CHANGE command: an ISO format 2 block.
 * @param pin digit values
 */
export function pinChangeBlock(pin: Uint8Array): Uint8Array {
  return encodePinBlock({ format: 2, pin });
}

/**
 * The new PIN as Visa cards take it: length, digits and fill F, combined with half of the card's master key, and with
 * the current PIN when the card asks for it (Visa ICC specification, annex C).
 * @param masterKeyAc the card's master key for cryptograms, 16 bytes
 * @param pin digit values
 * @param currentPin digit values
 */
export function visaPinChangeBlock(
  masterKeyAc: Uint8Array,
  pin: Uint8Array,
  currentPin?: Uint8Array,
): Uint8Array {
  if (masterKeyAc.length !== 16) {
    throw new PossumError('KEY', `an EMV key has 16 bytes, not ${masterKeyAc.length}`);
  }
  const block = encodePinBlock({ format: 2, pin });
  // The format nibble of ISO format 2 is the one difference.
  block[0] = pin.length;
  const mask = new Uint8Array(8);
  mask.set(masterKeyAc.subarray(4, 8), 4);
  const bound = xor(block, mask);
  if (currentPin === undefined) return bound;
  return xor(bound, currentDigits(currentPin));
}

/** The digits of the current PIN, left-justified, with zeros behind. */
function currentDigits(pin: Uint8Array): Uint8Array {
  if (pin.length < 4 || pin.length > 12 || pin.some((digit) => digit > 9)) {
    throw new PossumError('FORMAT', 'a PIN has 4 to 12 digits');
  }
  const digits = new Uint8Array(8);
  for (let i = 0; i < pin.length; i++) {
    digits[i >> 1] = (digits[i >> 1] as number) | ((pin[i] as number) << (i % 2 === 0 ? 4 : 0));
  }
  return digits;
}
