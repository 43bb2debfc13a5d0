import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
} from 'node:crypto';
import { PossumError } from '../platform/errors.ts';

/** A private key with its Chinese-remainder components, all big-endian without leading zeros. */
export interface RsaPrivateKey {
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
  readonly privateExponent: Uint8Array;
  readonly primeP: Uint8Array;
  readonly primeQ: Uint8Array;
  readonly exponentP: Uint8Array;
  readonly exponentQ: Uint8Array;
  readonly coefficient: Uint8Array;
}

/** Imported keys live as long as the value they came from: importing costs more than signing. */
const imported = new WeakMap<RsaPrivateKey, KeyObject>();

/**
 * The raw public operation `data ^ exponent mod modulus` (EMV Book 2, annex B2.1). For the small exponents of
 * EMV a few multiplications of big integers beat the import of a key.
 * @returns as many bytes as `modulus`
 * @throws PossumError `FORMAT` when `data` is not as long as `modulus`, or `modulus` is even or below 3
 */
export function rsaPublic(modulus: Uint8Array, exponent: Uint8Array, data: Uint8Array): Uint8Array {
  if (data.length !== modulus.length) {
    throw new PossumError('FORMAT', `RSA input has ${data.length} bytes, the modulus ${modulus.length}`);
  }
  const n = toBigInt(modulus);
  if (n < 3n || (n & 1n) === 0n) throw new PossumError('FORMAT', 'not an RSA modulus');
  if (exponent.length > 4) {
    throw new PossumError('FORMAT', `an RSA public exponent of ${exponent.length} bytes is not supported`);
  }
  let rest = 0;
  for (const byte of exponent) rest = rest * 256 + byte;
  let base = toBigInt(data) % n;
  if (rest === 3) return toBytes((((base * base) % n) * base) % n, modulus.length);
  let result = 1n;
  while (rest > 0) {
    if (rest % 2 === 1) result = (result * base) % n;
    rest = Math.floor(rest / 2);
    if (rest > 0) base = (base * base) % n;
  }
  return toBytes(result, modulus.length);
}

/**
 * The raw public operation for secrets (EMV Book 2, section 7.2): unlike {@link rsaPublic} it leaves no copy of `data`
 * in big integers and text.
 * @returns as many bytes as `modulus`; `undefined` when the key is none, or `data` is not below it
 */
export function rsaEncipher(
  modulus: Uint8Array,
  exponent: Uint8Array,
  data: Uint8Array,
): Uint8Array | undefined {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  try {
    const key = createPublicKey({ format: 'jwk', key: { kty: 'RSA', n: text(modulus), e: text(exponent) } });
    return new Uint8Array(publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, data));
  } catch {
    return undefined;
  }
}

/**
 * The raw private operation (EMV Book 2, annex B2.1): signs, and deciphers enciphered PINs.
 * @returns as many bytes as the modulus
 * @throws PossumError `FORMAT` when `data` is not as long as the modulus or not below it, `KEY` on a bad key
 */
export function rsaPrivate(key: RsaPrivateKey, data: Uint8Array): Uint8Array {
  if (data.length !== key.modulus.length) {
    throw new PossumError('FORMAT', `RSA input has ${data.length} bytes, the key ${key.modulus.length}`);
  }
  try {
    return new Uint8Array(privateDecrypt({ key: keyObject(key), padding: constants.RSA_NO_PADDING }, data));
  } catch (cause) {
    if (cause instanceof PossumError) throw cause;
    throw new PossumError('FORMAT', 'RSA input is not below the modulus', { cause });
  }
}

function keyObject(key: RsaPrivateKey): KeyObject {
  const known = imported.get(key);
  if (known !== undefined) return known;
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  let object: KeyObject;
  try {
    object = createPrivateKey({
      format: 'jwk',
      key: {
        kty: 'RSA',
        n: text(key.modulus),
        e: text(key.exponent),
        d: text(key.privateExponent),
        p: text(key.primeP),
        q: text(key.primeQ),
        dp: text(key.exponentP),
        dq: text(key.exponentQ),
        qi: text(key.coefficient),
      },
    });
  } catch (cause) {
    throw new PossumError('KEY', 'the RSA components do not form a private key', { cause });
  }
  imported.set(key, object);
  return object;
}

/**
 * Completes a private key from its primes.
 * @throws PossumError `KEY` when the public exponent has no inverse
 */
export function rsaKeyFromPrimes(
  primeP: Uint8Array,
  primeQ: Uint8Array,
  exponent: Uint8Array,
): RsaPrivateKey {
  const p = toBigInt(primeP);
  const q = toBigInt(primeQ);
  const e = toBigInt(exponent);
  const d = inverse(e, (p - 1n) * (q - 1n));
  return {
    modulus: minimal(p * q),
    exponent: Uint8Array.from(exponent),
    privateExponent: minimal(d),
    primeP: Uint8Array.from(primeP),
    primeQ: Uint8Array.from(primeQ),
    exponentP: minimal(d % (p - 1n)),
    exponentQ: minimal(d % (q - 1n)),
    coefficient: minimal(inverse(q, p)),
  };
}

/**
 * A fresh key pair of `bits` bits: for the generation of fixtures only, it is not reproducible.
 * @param exponent 3 or 65537
 */
export function generateRsaKey(bits: number, exponent: number): RsaPrivateKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits, publicExponent: exponent });
  const jwk = privateKey.export({ format: 'jwk' });
  const bytes = (text: string | undefined) => new Uint8Array(Buffer.from(text ?? '', 'base64url'));
  return {
    modulus: bytes(jwk.n),
    exponent: bytes(jwk.e),
    privateExponent: bytes(jwk.d),
    primeP: bytes(jwk.p),
    primeQ: bytes(jwk.q),
    exponentP: bytes(jwk.dp),
    exponentQ: bytes(jwk.dq),
    coefficient: bytes(jwk.qi),
  };
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [r0, r1] = [modulus, value % modulus];
  let [t0, t1] = [0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [t0, t1] = [t1, t0 - quotient * t1];
  }
  if (r0 !== 1n) throw new PossumError('KEY', 'the RSA primes and exponent do not form a key');
  return t0 < 0n ? t0 + modulus : t0;
}

function toBigInt(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`);
}

function toBytes(value: bigint, length: number): Uint8Array {
  return new Uint8Array(Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex'));
}

function minimal(value: bigint): Uint8Array {
  const hex = value.toString(16);
  return new Uint8Array(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'));
}
