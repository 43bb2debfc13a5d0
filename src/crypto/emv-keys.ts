import { createHash } from 'node:crypto';
import { concat, fromHex, toHex, xor } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import { tdesEncrypt } from './des.ts';
import { oddParity } from './kcv.ts';
import { retailMac } from './mac.ts';

/** Issuer and card side symmetric cryptography of EMV Book 2, section 8 and annex A1. */

/** How a session key comes from a card's master key. */
export type SessionKeyMethod = 'none' | 'csk' | 'mastercard' | 'pboc';

/** ISO/IEC 9797-1 padding of a cryptogram's input: zeros, or 80 and zeros. */
export type CryptogramPadding = 'iso1' | 'iso2';

/**
 * A card's master key from an issuer master key, annex A1.4.
 * @param imk 16 bytes
 * @param pan digits of the PAN
 * @param psn PAN sequence number, two digits; `00` when the card has none
 * @param option `A`, or `B` for PANs over 16 digits (equal to `A` up to 16)
 * @returns 16 bytes of odd parity
 * @throws PossumError `KEY` or `FORMAT`
 */
export function iccMasterKey(imk: Uint8Array, pan: string, psn: string, option: 'A' | 'B' = 'A'): Uint8Array {
  requireKey(imk);
  if (!/^\d{1,19}$/.test(pan) || !/^\d{2}$/.test(psn)) {
    throw new PossumError('FORMAT', 'a master key is derived from a PAN and two digits of sequence number');
  }
  const number = pan + psn;
  const digits =
    option === 'B' && pan.length > 16 ? decimalisedHash(number) : number.padStart(16, '0').slice(-16);
  const block = fromHex(digits);
  const inverted = block.map((byte) => byte ^ 0xff);
  return oddParity(tdesEncrypt(imk, concat(block, inverted)));
}

/** Sixteen digits of SHA-1 over the packed number: its decimal nibbles first, then its letters as 0 to 5. */
function decimalisedHash(number: string): string {
  const packed = fromHex(number.length % 2 === 0 ? number : `0${number}`);
  const hash = createHash('sha1').update(packed).digest('hex');
  const digits = hash.replace(/[a-f]/g, '');
  const letters = hash.replace(/\d/g, '').replace(/[a-f]/g, (letter) => String(letter.charCodeAt(0) - 97));
  return (digits + letters).slice(0, 16);
}

/**
 * EMV common session key, annex A1.3: the third byte of `diversification` becomes F0 and 0F.
 * @param diversification 8 bytes: ATC and zeros for cryptograms, the application cryptogram for scripts
 */
export function sessionKeyCsk(masterKey: Uint8Array, diversification: Uint8Array): Uint8Array {
  requireKey(masterKey);
  if (diversification.length !== 8) {
    throw new PossumError('FORMAT', `a diversification value has 8 bytes, not ${diversification.length}`);
  }
  const blocks = concat(diversification, diversification);
  blocks[2] = 0xf0;
  blocks[10] = 0x0f;
  return tdesEncrypt(masterKey, blocks);
}

/** EMV common session key from the transaction counter (2 bytes). */
export function sessionKeyAtc(masterKey: Uint8Array, atc: Uint8Array): Uint8Array {
  return sessionKeyCsk(masterKey, withZeros(atc, 8));
}

/** Mastercard proprietary session key: ATC, two zeros and the unpredictable number. */
export function sessionKeyMastercard(
  masterKey: Uint8Array,
  atc: Uint8Array,
  unpredictableNumber: Uint8Array,
): Uint8Array {
  const diversification = withZeros(atc, 8);
  if (unpredictableNumber.length < 4) {
    throw new PossumError('FORMAT', `an unpredictable number has 4 bytes, not ${unpredictableNumber.length}`);
  }
  diversification.set(unpredictableNumber.subarray(0, 4), 4);
  return sessionKeyCsk(masterKey, diversification);
}

/** PBOC (UnionPay) session key: right-justified ATC for the left half, its complement for the right. */
export function sessionKeyPboc(masterKey: Uint8Array, atc: Uint8Array): Uint8Array {
  requireKey(masterKey);
  return tdesEncrypt(masterKey, atcAndComplement(atc));
}

/** Visa secure-messaging session key: the master key combined with the ATC and its complement. */
export function sessionKeyVisaXor(masterKey: Uint8Array, atc: Uint8Array): Uint8Array {
  requireKey(masterKey);
  return xor(masterKey, atcAndComplement(atc));
}

function atcAndComplement(atc: Uint8Array): Uint8Array {
  if (atc.length !== 2) throw new PossumError('FORMAT', `an ATC has 2 bytes, not ${atc.length}`);
  const blocks = new Uint8Array(16);
  blocks.set(atc.subarray(0, 2), 6);
  blocks[14] = (atc[0] as number) ^ 0xff;
  blocks[15] = (atc[1] as number) ^ 0xff;
  return blocks;
}

/** The shape of the tree of EMV2000 session keys. */
export interface SessionKeyTree {
  /** Levels below the master key, 1 to 16. */
  readonly height: number;
  /** Children of each key, 2 to 16. */
  readonly branchFactor: number;
  /** 16 bytes that stand above the master key. */
  readonly iv: Uint8Array;
}

/**
 * EMV2000 session key (EMV 4.1 Book 2, annex A1.3.1): down a tree of keys to the leaf that the ATC numbers, combined
 * with the leaf's grandparent.
 * @returns 16 bytes of odd parity
 * @throws PossumError `KEY` on a wrong key, `FORMAT` when the tree has no leaf for the ATC
 */
export function sessionKeyTree(masterKey: Uint8Array, atc: Uint8Array, tree: SessionKeyTree): Uint8Array {
  requireKey(masterKey);
  const { height, branchFactor, iv } = tree;
  const sound = Number.isInteger(height) && Number.isInteger(branchFactor) && iv.length === 16;
  if (!sound || height < 1 || height > 16 || branchFactor < 2 || branchFactor > 16 || atc.length !== 2) {
    throw new PossumError(
      'FORMAT',
      'a session key tree has 1 to 16 levels, 2 to 16 branches and an IV of 16 bytes',
    );
  }
  const leaf = ((atc[0] as number) << 8) | (atc[1] as number);
  if (leaf >= branchFactor ** height)
    throw new PossumError('FORMAT', 'the tree has no session key for this ATC');
  let grandparent = iv;
  let parent = iv;
  let key = masterKey;
  for (let level = 1; level <= height; level++) {
    const branch = Math.floor(leaf / branchFactor ** (height - level)) % branchFactor;
    grandparent = parent;
    const blocks = Uint8Array.from(parent);
    parent = key;
    blocks[7] = (blocks[7] as number) ^ branch;
    blocks[15] = (blocks[15] as number) ^ branch ^ 0xf0;
    key = tdesEncrypt(key, blocks);
  }
  return oddParity(xor(key, grandparent));
}

/** The session key of one transaction by any of the methods. */
export function sessionKey(
  method: SessionKeyMethod,
  masterKey: Uint8Array,
  atc: Uint8Array,
  unpredictableNumber: Uint8Array,
): Uint8Array {
  switch (method) {
    case 'none':
      return masterKey;
    case 'csk':
      return sessionKeyAtc(masterKey, atc);
    case 'mastercard':
      return sessionKeyMastercard(masterKey, atc, unpredictableNumber);
    case 'pboc':
      return sessionKeyPboc(masterKey, atc);
  }
}

/**
 * TC, ARQC or AAC over the data that the scheme lays down (section 8.1.2): a retail MAC.
 * @returns 8 bytes
 */
export function applicationCryptogram(
  session: Uint8Array,
  data: Uint8Array,
  padding: CryptogramPadding,
): Uint8Array {
  return retailMac(session, data, { padding: padding === 'iso1' ? 1 : 2 });
}

/**
 * Issuer's answer by method 1 (section 8.2.1): the response code goes into the ARQC, TDES over both.
 * @param arc authorisation response code, 2 bytes
 * @returns 8 bytes; tag 91 is these and the response code
 */
export function arpcMethod1(key: Uint8Array, arqc: Uint8Array, arc: Uint8Array): Uint8Array {
  requireKey(key);
  requireCryptogram(arqc);
  return tdesEncrypt(key, xor(arqc, withZeros(arc, 8)));
}

/**
 * Issuer's answer by method 2 (section 8.2.2): a MAC over ARQC, card status update and proprietary data.
 * @param csu 4 bytes
 * @param proprietary 0 to 8 bytes
 * @returns 4 bytes; tag 91 is these, the status update and the proprietary data
 */
export function arpcMethod2(
  key: Uint8Array,
  arqc: Uint8Array,
  csu: Uint8Array,
  proprietary: Uint8Array = new Uint8Array(0),
): Uint8Array {
  requireCryptogram(arqc);
  if (csu.length !== 4 || proprietary.length > 8) {
    throw new PossumError('FORMAT', 'a card status update has 4 bytes, proprietary data at most 8');
  }
  return retailMac(key, concat(arqc, csu, proprietary), { padding: 2 }).slice(0, 4);
}

/** MAC of an issuer script command (section 9.2.1), 8 bytes; cards accept its first 4 to 8. */
export function scriptMac(session: Uint8Array, data: Uint8Array): Uint8Array {
  return retailMac(session, data, { padding: 2 });
}

function withZeros(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== 2) throw new PossumError('FORMAT', `two bytes expected, got ${toHex(bytes)}`);
  const padded = new Uint8Array(length);
  padded.set(bytes);
  return padded;
}

function requireCryptogram(arqc: Uint8Array): void {
  if (arqc.length !== 8) throw new PossumError('FORMAT', `a cryptogram has 8 bytes, not ${arqc.length}`);
}

function requireKey(key: Uint8Array): void {
  if (key.length !== 16) throw new PossumError('KEY', `an EMV key has 16 bytes, not ${key.length}`);
}
