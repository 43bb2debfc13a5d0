import { createHash } from 'node:crypto';
import { concat, fromHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import { type RsaPrivateKey, rsaPrivate } from './rsa.ts';

/**
 * The signing side of offline data authentication (EMV Book 2, sections 5 and 6): what a certification
 * authority, an issuer and a card put under RSA. The verifying side lives with the kernels.
 */

/** Whoever can apply the raw private operation. */
export interface Signer {
  /** Bytes of the modulus. */
  readonly length: number;
  sign(block: Uint8Array): Uint8Array;
}

export function rsaSigner(key: RsaPrivateKey): Signer {
  return { length: key.modulus.length, sign: (block) => rsaPrivate(key, block) };
}

/** A certificate and what of the public key did not fit into it. */
export interface Certificate {
  readonly certificate: Uint8Array;
  /** Empty when the whole modulus is inside. */
  readonly remainder: Uint8Array;
}

/** The public key that a certificate is about. */
export interface CertifiedKey {
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
  /** MMYY. */
  readonly expiry: string;
  /** Three bytes. */
  readonly serial: Uint8Array;
}

const HEADER = 0x6a;
const TRAILER = 0xbc;
const PAD = 0xbb;
const SHA1_LENGTH = 20;
const ISSUER_OVERHEAD = 36;
const ICC_OVERHEAD = 42;
const STATIC_OVERHEAD = 26;
const DYNAMIC_OVERHEAD = 25;

/**
 * Issuer public key certificate (tag 90) and remainder (tag 92); Book 2, table 5.
 * @param issuerIdentifier leftmost 3 to 8 digits of the PAN
 */
export function issuerCertificate(ca: Signer, issuerIdentifier: string, key: CertifiedKey): Certificate {
  if (!/^\d{3,8}$/.test(issuerIdentifier)) {
    throw new PossumError('FORMAT', 'an issuer identifier has 3 to 8 digits');
  }
  const room = ca.length - ISSUER_OVERHEAD;
  const { inside, remainder } = split(key.modulus, room);
  const body = concat(Uint8Array.of(0x02), fromHex(issuerIdentifier.padEnd(8, 'F')), keyHeader(key), inside);
  return { certificate: seal(ca, body, concat(remainder, key.exponent)), remainder };
}

/**
 * ICC public key certificate (tag 9F46) and remainder (tag 9F48); Book 2, table 6.
 * @param staticData records marked as signed, then the AIP when tag 9F4A names it
 */
export function iccCertificate(
  issuer: Signer,
  pan: string,
  key: CertifiedKey,
  staticData: Uint8Array,
): Certificate {
  if (!/^\d{8,19}$/.test(pan)) throw new PossumError('FORMAT', 'a PAN has 8 to 19 digits');
  const room = issuer.length - ICC_OVERHEAD;
  const { inside, remainder } = split(key.modulus, room);
  const body = concat(Uint8Array.of(0x04), fromHex(pan.padEnd(20, 'F')), keyHeader(key), inside);
  return { certificate: seal(issuer, body, concat(remainder, key.exponent, staticData)), remainder };
}

/**
 * Signed static application data (tag 93); Book 2, table 3.
 * @param dataAuthenticationCode two bytes
 * @param format 03; contactless cards that go online say 93
 */
export function signStaticData(
  issuer: Signer,
  dataAuthenticationCode: Uint8Array,
  staticData: Uint8Array,
  format = 0x03,
): Uint8Array {
  const padding = new Uint8Array(issuer.length - STATIC_OVERHEAD).fill(PAD);
  const body = concat(Uint8Array.of(format, 0x01), dataAuthenticationCode, padding);
  return seal(issuer, body, staticData);
}

/**
 * Signed dynamic application data (tag 9F4B) for DDA, CDA and fDDA; Book 2, tables 15 and 18.
 * @param dynamicData the ICC dynamic data; for CDA with CID, cryptogram and transaction data hash
 * @param terminalData DDOL data, the unpredictable number (CDA), or the input of fDDA
 * @param format 05; contactless cards that go online say 95
 * @throws PossumError `FORMAT` when the key is too short for the dynamic data
 */
export function signDynamicData(
  icc: Signer,
  dynamicData: Uint8Array,
  terminalData: Uint8Array,
  format = 0x05,
): Uint8Array {
  const room = icc.length - DYNAMIC_OVERHEAD - dynamicData.length;
  if (room < 0) throw new PossumError('FORMAT', 'the ICC key is too short for the dynamic data');
  const body = new Uint8Array(3 + dynamicData.length + room).fill(PAD);
  body[0] = format;
  body[1] = 0x01;
  body[2] = dynamicData.length;
  body.set(dynamicData, 3);
  return seal(icc, body, terminalData);
}

/** ICC dynamic data of DDA: the dynamic number behind its length. */
export function ddaDynamicData(dynamicNumber: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(dynamicNumber.length), dynamicNumber);
}

/**
 * ICC dynamic data of CDA (Book 2, table 19).
 * @param hashInput PDOL data, CDOL1 data, CDOL2 data for the second cryptogram, response objects without 9F4B
 */
export function cdaDynamicData(
  dynamicNumber: Uint8Array,
  cid: number,
  cryptogram: Uint8Array,
  hashInput: Uint8Array,
): Uint8Array {
  return concat(ddaDynamicData(dynamicNumber), Uint8Array.of(cid), cryptogram, sha1(hashInput));
}

/** Check sum of a CA public key: SHA-1 of RID, index, modulus and exponent (Book 2, table 11). */
export function caKeyChecksum(
  rid: Uint8Array,
  index: number,
  modulus: Uint8Array,
  exponent: Uint8Array,
): Uint8Array {
  return sha1(rid, Uint8Array.of(index), modulus, exponent);
}

function sha1(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

function split(modulus: Uint8Array, room: number): { inside: Uint8Array; remainder: Uint8Array } {
  const inside = new Uint8Array(room).fill(PAD);
  inside.set(modulus.subarray(0, room));
  return { inside, remainder: Uint8Array.from(modulus.subarray(room)) };
}

function keyHeader(key: CertifiedKey): Uint8Array {
  if (!/^\d{4}$/.test(key.expiry) || key.serial.length !== 3) {
    throw new PossumError('FORMAT', 'a certificate has an expiry date MMYY and a serial number of 3 bytes');
  }
  return concat(
    fromHex(key.expiry),
    key.serial,
    Uint8Array.of(0x01, 0x01, key.modulus.length, key.exponent.length),
  );
}

/** Header, body, hash over body and appended data, trailer: under the private key. */
function seal(signer: Signer, body: Uint8Array, appended: Uint8Array): Uint8Array {
  const block = new Uint8Array(body.length + SHA1_LENGTH + 2);
  if (block.length !== signer.length) throw new PossumError('INTERNAL', 'a signed block of the wrong length');
  block[0] = HEADER;
  block.set(body, 1);
  block.set(sha1(body, appended), 1 + body.length);
  block[block.length - 1] = TRAILER;
  return signer.sign(block);
}
