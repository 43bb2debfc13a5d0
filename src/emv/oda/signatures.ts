import { hashHolds, type OdaResult, odaFailure, type PublicKey, recoverSigned } from './certificates.ts';

/** Signatures over static and dynamic data (EMV Book 2, sections 5.4, 6.5 and 6.6). */

/**
 * Verifies Signed Static Application Data, tag 93 (Book 2, section 5.4 and table 7).
 * @returns the data authentication code, two bytes
 */
export function verifySsad(
  issuer: PublicKey,
  ssad: Uint8Array,
  staticData: Uint8Array,
  format = 0x03,
): OdaResult<{ readonly dataAuthenticationCode: Uint8Array }> {
  const recovered = recoverSigned(issuer, ssad, format, 'signed static application data');
  if (!recovered.ok) return recovered;
  const data = recovered.value;
  if (data[2] !== 1) return odaFailure('ALGORITHM', `hash algorithm ${data[2]}`);
  if (!hashHolds(data, [staticData])) {
    return odaFailure('HASH', 'the signed static application data does not match the records');
  }
  return { ok: true, value: { dataAuthenticationCode: data.slice(3, 5) } };
}

/**
 * Verifies Signed Dynamic Application Data, tag 9F4B (Book 2, section 6.5.2 and table 17).
 * @param terminalData what the terminal contributed: DDOL values, or the unpredictable number for CDA
 * @returns ICC Dynamic Data
 */
export function verifySdad(
  icc: PublicKey,
  sdad: Uint8Array,
  terminalData: Uint8Array,
  format = 0x05,
): OdaResult<Uint8Array> {
  const recovered = recoverSigned(icc, sdad, format, 'signed dynamic application data');
  if (!recovered.ok) return recovered;
  const data = recovered.value;
  if (data[2] !== 1) return odaFailure('ALGORITHM', `hash algorithm ${data[2]}`);
  if (!hashHolds(data, [terminalData])) {
    return odaFailure('HASH', 'the dynamic signature does not cover what the terminal sent');
  }
  const length = data[3] as number;
  if (length < 1 || length > data.length - 25) {
    return odaFailure('DYNAMIC_DATA', `ICC dynamic data claims ${length} bytes`);
  }
  return { ok: true, value: data.slice(4, 4 + length) };
}

/** The ICC dynamic number: its length and itself lead ICC Dynamic Data (section 6.5.1, table 16). */
export function iccDynamicNumber(dynamicData: Uint8Array): OdaResult<Uint8Array> {
  const length = dynamicData[0] ?? 0;
  if (length < 2 || length > 8 || length + 1 > dynamicData.length) {
    return odaFailure('DYNAMIC_DATA', `an ICC dynamic number of ${length} bytes`);
  }
  return { ok: true, value: dynamicData.slice(1, 1 + length) };
}

/** What CDA signs besides the dynamic number (section 6.6.1, table 19). */
export interface CdaDynamicData {
  readonly iccDynamicNumber: Uint8Array;
  readonly cid: number;
  readonly cryptogram: Uint8Array;
  readonly transactionDataHash: Uint8Array;
}

export function readCdaDynamicData(dynamicData: Uint8Array): OdaResult<CdaDynamicData> {
  const number = iccDynamicNumber(dynamicData);
  if (!number.ok) return number;
  const rest = dynamicData.subarray(1 + number.value.length);
  if (rest.length < 29) return odaFailure('DYNAMIC_DATA', `${rest.length} bytes where CDA signs 29`);
  return {
    ok: true,
    value: {
      iccDynamicNumber: number.value,
      cid: rest[0] as number,
      cryptogram: rest.slice(1, 9),
      transactionDataHash: rest.slice(9, 29),
    },
  };
}
