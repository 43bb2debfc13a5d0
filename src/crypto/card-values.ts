import { concat, fromHex, toHex, xor } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import { tdesEncrypt } from './des.ts';
import { retailMac } from './mac.ts';

/** Values that an issuer puts on stripe and chip, and PIN values it keeps: decimal digits cut from a TDES block. */

/**
 * Card verification value: CVV and CVC1 on the stripe; CVV2 with service code `000`, iCVV with `999`; dCVV with the
 * card's master key and {@link dcvvPan}; CAVV with its own data in the places of date and service code.
 * @param cvk 16 bytes
 * @param pan 1 to 19 digits
 * @param expiry four digits, in the order that the scheme lays down (YYMM on the stripe)
 * @param serviceCode three digits
 * @returns three digits
 * @throws PossumError `KEY` or `FORMAT`
 */
export function cardVerificationValue(
  cvk: Uint8Array,
  pan: string,
  expiry: string,
  serviceCode: string,
): string {
  requireKey(cvk, 'card verification key');
  requireDigits(pan, 1, 19, 'a PAN');
  requireDigits(expiry, 4, 4, 'an expiry date');
  requireDigits(serviceCode, 3, 3, 'a service code');
  const blocks = fromHex(`${pan}${expiry}${serviceCode}`.padEnd(32, '0'));
  const first = tdesEncrypt(cvk.subarray(0, 8), blocks.subarray(0, 8));
  return decimalDigits(tdesEncrypt(cvk, xor(first, blocks.subarray(8))), 3);
}

/**
 * Cardholder authentication verification value of 3-D Secure: as a CVV, with the unpredictable number for the date and
 * the results for the service code.
 * @param unpredictableNumber four digits
 * @param authenticationResults one digit
 * @param secondFactorResults two digits
 */
export function cardholderAuthenticationValue(
  cvk: Uint8Array,
  pan: string,
  unpredictableNumber: string,
  authenticationResults: string,
  secondFactorResults: string,
): string {
  requireDigits(authenticationResults, 1, 1, 'an authentication result');
  requireDigits(secondFactorResults, 2, 2, 'a second factor result');
  return cardVerificationValue(cvk, pan, unpredictableNumber, authenticationResults + secondFactorResults);
}

/**
 * The PAN of a dynamic CVV: the transaction counter takes the place of its first four digits.
 * @param atcDigits the four lowest decimal digits of the counter
 */
export function dcvvPan(pan: string, atcDigits: string): string {
  requireDigits(pan, 5, 19, 'a PAN');
  requireDigits(atcDigits, 4, 4, 'the ATC of a dCVV');
  return atcDigits + pan.slice(4);
}

/**
 * The initial vector of CVC3: the last two bytes of a MAC over the static track data (EMV Book C-2, 6.8).
 * @param masterKey the card's master key for CVC3, 16 bytes
 */
export function cvc3InitialVector(masterKey: Uint8Array, staticTrackData: Uint8Array): Uint8Array {
  requireKey(masterKey, 'CVC3 key');
  return retailMac(masterKey, staticTrackData, { padding: 2 }).slice(6);
}

/**
 * CVC3 of contactless magnetic stripe mode, as five digits; cards and tracks carry the last ones.
 * @param initialVector two bytes
 * @param unpredictableNumber four bytes
 * @param atc two bytes; zeros when the card does not put it into the track
 */
export function cvc3(
  masterKey: Uint8Array,
  initialVector: Uint8Array,
  unpredictableNumber: Uint8Array,
  atc: Uint8Array,
): string {
  requireKey(masterKey, 'CVC3 key');
  if (initialVector.length !== 2 || unpredictableNumber.length !== 4 || atc.length !== 2) {
    throw new PossumError(
      'FORMAT',
      'CVC3 takes an initial vector of 2 bytes, 4 unpredictable ones and the ATC',
    );
  }
  const block = tdesEncrypt(masterKey, concat(initialVector, unpredictableNumber, atc));
  return String(((block[6] as number) << 8) | (block[7] as number)).padStart(5, '0');
}

/**
 * PIN verification value of Visa.
 * @param pvk 16 bytes
 * @param keyIndex one digit
 * @param pin four digits or more; the first four count
 * @param pan at least 12 digits
 * @returns four digits
 */
export function pinVerificationValue(pvk: Uint8Array, keyIndex: string, pin: string, pan: string): string {
  requireKey(pvk, 'PIN verification key');
  requireDigits(keyIndex, 1, 1, 'a PIN verification key index');
  requireDigits(pin, 4, 12, 'a PIN');
  requireDigits(pan, 12, 19, 'a PAN');
  const block = fromHex(`${pan.slice(-12, -1)}${keyIndex}${pin.slice(0, 4)}`);
  return decimalDigits(tdesEncrypt(pvk, block), 4);
}

/** Which digits of the PAN an IBM 3624 PIN comes from, and how hex digits become decimal. */
export interface Ibm3624Rules {
  /** Sixteen digits. */
  readonly decimalizationTable: string;
  readonly pan: string;
  /** First digit of the PAN that counts, from 0. */
  readonly validationDataOffset: number;
  readonly validationDataLength: number;
  /** One hex digit that fills the validation data up to 16. */
  readonly padDigit: string;
}

/**
 * The PIN that an IBM 3624 offset stands for; an offset of zeros gives the natural PIN.
 * @param pvk 8, 16 or 24 bytes
 * @param offset 4 to 12 digits, as many as the PIN
 * @throws PossumError `KEY` or `FORMAT`
 */
export function ibm3624Pin(pvk: Uint8Array, rules: Ibm3624Rules, offset: string): string {
  requireDigits(offset, 4, 12, 'an offset');
  return addDigits(naturalDigits(pvk, rules), offset, 1);
}

/**
 * The offset that turns the natural PIN into `pin`.
 * @param pin 4 to 12 digits
 * @throws PossumError `KEY` or `FORMAT`
 */
export function ibm3624Offset(pvk: Uint8Array, rules: Ibm3624Rules, pin: string): string {
  requireDigits(pin, 4, 12, 'a PIN');
  return addDigits(naturalDigits(pvk, rules), pin, -1);
}

function naturalDigits(pvk: Uint8Array, rules: Ibm3624Rules): string {
  const { decimalizationTable, pan, validationDataOffset: from, validationDataLength: length } = rules;
  requireDigits(decimalizationTable, 16, 16, 'a decimalization table');
  requireDigits(pan, 1, 19, 'a PAN');
  if (!/^[0-9A-Fa-f]$/.test(rules.padDigit)) throw new PossumError('FORMAT', 'a pad digit is one hex digit');
  const inside = Number.isInteger(from) && Number.isInteger(length) && from >= 0 && length >= 1;
  if (!inside || length > 16 || from + length > pan.length) {
    throw new PossumError('FORMAT', 'the validation data are not 1 to 16 digits of the PAN');
  }
  const data = pan.slice(from, from + length).padEnd(16, rules.padDigit);
  const enciphered = toHex(tdesEncrypt(pvk, fromHex(data)));
  return enciphered.replace(/./g, (digit) => decimalizationTable.charAt(Number.parseInt(digit, 16)));
}

/** `other` plus or minus the first digits of `natural`, each place for itself. */
function addDigits(natural: string, other: string, sign: 1 | -1): string {
  return other.replace(/\d/g, (digit, at: number) => {
    return String((Number(digit) + sign * Number(natural.charAt(at)) + 10) % 10);
  });
}

/** The first decimal digits of a block in hex; then its letters, less ten. */
function decimalDigits(block: Uint8Array, count: number): string {
  const hex = toHex(block);
  const letters = hex.replace(/\d/g, '').replace(/./g, (letter) => String(letter.charCodeAt(0) - 65));
  return (hex.replace(/\D/g, '') + letters).slice(0, count);
}

function requireDigits(text: string, least: number, most: number, what: string): void {
  if (text.length < least || text.length > most || !/^\d+$/.test(text)) {
    const count = least === most ? `${least}` : `${least} to ${most}`;
    throw new PossumError('FORMAT', `${what} has ${count} digits`);
  }
}

function requireKey(key: Uint8Array, what: string): void {
  if (key.length !== 16) throw new PossumError('KEY', `a ${what} has 16 bytes, not ${key.length}`);
}
