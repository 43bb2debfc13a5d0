import { concat } from '../../platform/bytes.ts';
import type { DataStore } from '../data-store.ts';
import type { EmvConfig } from '../parameters.ts';
import type { SignedRecords } from '../records.ts';
import { TAG } from '../tags.ts';
import { type CaKey, caKeyDefect } from './ca-keys.ts';
import {
  checkIcc,
  checkIssuer,
  type IccCertificate,
  type IssuerCertificate,
  recoverIccKey,
  recoverIssuerKey,
} from './certificates.ts';

/** From the objects of a card to its keys (Book 2, sections 5.2, 5.3, 6.2 to 6.4). */

export type ChainResult<T> =
  | { readonly ok: true; readonly value: T }
  /** `missing`: an object that the card should have given is not there (Book 3, section 7.5). */
  | { readonly ok: false; readonly missing: boolean; readonly reason: string };

export interface ChainInput {
  readonly data: DataStore;
  readonly config: EmvConfig;
  /** DF name of the application; its first five bytes are the RID. */
  readonly dfName: Uint8Array;
  readonly pan: string;
  readonly dateYymmdd: string;
}

const NONE = new Uint8Array(0);

function broken(reason: string, missing = false): { ok: false; missing: boolean; reason: string } {
  return { ok: false, missing, reason };
}

/** The issuer's public key, from the cache of the configuration where it was verified before. */
export function issuerKeyOf(input: ChainInput): ChainResult<IssuerCertificate> {
  const { data, config } = input;
  const index = data.get(TAG.caKeyIndex);
  const certificate = data.get(TAG.issuerCertificate);
  const exponent = data.get(TAG.issuerExponent);
  if (index === undefined || certificate === undefined || exponent === undefined) {
    return broken('CA key index, issuer certificate or issuer exponent is missing', true);
  }
  const ca = findCaKey(config, input.dfName, index[0] as number);
  if (ca === undefined) return broken(`the terminal has no CA key ${index[0]} of this scheme`);
  const defect = caKeyDefect(ca, input.dateYymmdd);
  if (defect !== undefined) return broken(`the CA key cannot be used: ${defect}`);
  const remainder = data.get(TAG.issuerRemainder) ?? NONE;
  const inputs = [ca.rid, index, ca.modulus, certificate, remainder, exponent];
  let issuer = config.issuerKeys.find(inputs);
  if (issuer === undefined) {
    const recovered = recoverIssuerKey(ca, { certificate, remainder, exponent });
    if (!recovered.ok) return broken(recovered.reason);
    issuer = recovered.value;
    config.issuerKeys.keep(inputs, issuer);
  }
  const checked = checkIssuer(issuer, input.pan, input.dateYymmdd);
  return checked.ok ? checked : broken(checked.reason);
}

function findCaKey(config: EmvConfig, dfName: Uint8Array, index: number): CaKey | undefined {
  return config.caKeys.find((key) => key.index === index && key.rid.every((byte, i) => byte === dfName[i]));
}

/** The card's own public key. */
export function iccKeyOf(
  input: ChainInput,
  issuer: IssuerCertificate,
  staticData: Uint8Array,
): ChainResult<IccCertificate> {
  const { iccCertificate, iccExponent, iccRemainder } = TAG;
  return certifiedKeyOf(input, issuer, staticData, [iccCertificate, iccExponent, iccRemainder]);
}

/**
 * The key under which the card takes PINs: one of its own, whose certificate covers no static data, or else the key
 * of data authentication (Book 2, section 7.1).
 * @param staticData what the card's other certificate covers
 */
export function pinKeyOf(
  input: ChainInput,
  staticData: ChainResult<Uint8Array>,
): ChainResult<IccCertificate> {
  const issuer = issuerKeyOf(input);
  if (!issuer.ok) return issuer;
  if (input.data.has(TAG.pinKeyCertificate)) {
    const { pinKeyCertificate, pinKeyExponent, pinKeyRemainder } = TAG;
    return certifiedKeyOf(input, issuer.value, NONE, [pinKeyCertificate, pinKeyExponent, pinKeyRemainder]);
  }
  return staticData.ok ? iccKeyOf(input, issuer.value, staticData.value) : staticData;
}

function certifiedKeyOf(
  input: ChainInput,
  issuer: IssuerCertificate,
  staticData: Uint8Array,
  [certificateTag, exponentTag, remainderTag]: readonly [number, number, number],
): ChainResult<IccCertificate> {
  const { data } = input;
  const certificate = data.get(certificateTag);
  const exponent = data.get(exponentTag);
  if (certificate === undefined || exponent === undefined) {
    return broken('ICC certificate or ICC exponent is missing', true);
  }
  const remainder = data.get(remainderTag) ?? NONE;
  const icc = recoverIccKey(issuer, { certificate, remainder, exponent }, staticData);
  if (!icc.ok) return broken(icc.reason);
  const checked = checkIcc(icc.value, input.pan, input.dateYymmdd);
  return checked.ok ? checked : broken(checked.reason);
}

/**
 * Static data to be authenticated: the signed records, then the AIP when the Static Data Authentication Tag List
 * names it; the list may name nothing else (Book 3, section 10.3).
 */
export function staticData(data: DataStore, signed: SignedRecords): ChainResult<Uint8Array> {
  if (!signed.wellFormed) return broken('a signed record is no template 70');
  const list = data.get(TAG.sdaTagList);
  if (list === undefined) return { ok: true, value: concat(...signed.parts) };
  if (list.length !== 1 || list[0] !== TAG.aip) return broken('9F4A names other objects than the AIP');
  return { ok: true, value: concat(...signed.parts, data.get(TAG.aip) ?? NONE) };
}
