import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { rsaPublic } from '../../../src/crypto/rsa.ts';
import { concat, equalBytes, fromHex } from '../../../src/platform/bytes.ts';

/** A plain reading of EMV Book 2 for tests: recovers certificates and signatures, or throws. */

interface PublicKey {
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

type Source = (tag: number) => Uint8Array | undefined;

const caPath = new URL('../../../emv-fixtures/capk/test-ca.yaml', import.meta.url);

export function caKey(rid: string): PublicKey {
  const { keys } = parse(readFileSync(caPath, 'utf8')) as { keys: Record<string, string>[] };
  const key = keys.find((candidate) => candidate.rid === rid);
  return { modulus: fromHex(key?.modulus ?? ''), exponent: fromHex(key?.exponent ?? '') };
}

function recover(key: PublicKey, signature: Uint8Array, format: number, appended: Uint8Array): Uint8Array {
  const block = rsaPublic(key.modulus, key.exponent, signature);
  const body = block.subarray(1, -21);
  const hash = createHash('sha1').update(body).update(appended).digest();
  if (block[0] !== 0x6a || block.at(-1) !== 0xbc || body[0] !== format) throw new Error('not recovered');
  if (!equalBytes(hash, block.subarray(-21, -1))) throw new Error('hash differs');
  return body;
}

const need = (get: Source, tag: number): Uint8Array => {
  const value = get(tag);
  if (value === undefined) throw new Error(`${tag.toString(16)} is missing`);
  return value;
};

/** Modulus from the certificate's part and the remainder. */
function keyFrom(part: Uint8Array, size: number, remainder: Uint8Array, exponent: Uint8Array): PublicKey {
  return { modulus: concat(part.subarray(0, size - remainder.length), remainder), exponent };
}

export function issuerKey(get: Source, rid: string): PublicKey {
  const remainder = get(0x92) ?? new Uint8Array(0);
  const exponent = need(get, 0x9f32);
  const body = recover(caKey(rid), need(get, 0x90), 0x02, concat(remainder, exponent));
  return keyFrom(body.subarray(14), body[12] as number, remainder, exponent);
}

export function iccKey(get: Source, rid: string, staticData: Uint8Array): PublicKey {
  const remainder = get(0x9f48) ?? new Uint8Array(0);
  const exponent = need(get, 0x9f47);
  const appended = concat(remainder, exponent, staticData);
  const body = recover(issuerKey(get, rid), need(get, 0x9f46), 0x04, appended);
  return keyFrom(body.subarray(20), body[18] as number, remainder, exponent);
}

/** Checks SDA. */
export function staticAuthentication(get: Source, rid: string, staticData: Uint8Array): Uint8Array {
  return recover(issuerKey(get, rid), need(get, 0x93), 0x03, staticData).subarray(2, 4);
}

/** ICC dynamic data of a signature over `terminalData`. */
export function dynamicData(key: PublicKey, signature: Uint8Array, terminalData: Uint8Array): Uint8Array {
  const body = recover(key, signature, 0x05, terminalData);
  return body.slice(3, 3 + (body[2] as number));
}
