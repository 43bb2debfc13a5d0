import {
  type CryptogramPadding,
  type SessionKeyMethod,
  sessionKeyCsk,
  sessionKeyPboc,
  sessionKeyVisaXor,
} from '../../../src/crypto/emv-keys.ts';
import { concat } from '../../../src/platform/bytes.ts';
import type { CryptogramName } from '../schema.ts';
import { type CardVerification, mchipResults, visaResults } from './card-verification.ts';

/** How one scheme makes cryptograms, reads the issuer's answer and protects scripts. */
export interface CryptogramScheme {
  readonly sessionKey: SessionKeyMethod;
  readonly padding: CryptogramPadding;
  /** 1: tag 91 is ARPC (8) and response code (2); 2: ARPC (4), card status update (4), proprietary data. */
  readonly arpcMethod: 1 | 2;
  readonly arpcKey: 'master' | 'session';
  /** Issuer application data, tag 9F10. */
  issuerApplicationData(results: CardVerification): Uint8Array;
  /** The part of 9F10 that goes into the cryptogram. */
  cryptogramPart(issuerApplicationData: Uint8Array): Uint8Array;
  /** Session key of script MAC and script encipherment. */
  scriptKey(masterKey: Uint8Array, atc: Uint8Array, cryptogram: Uint8Array): Uint8Array;
}

/** Key derivation index: which generation of issuer keys. */
const KEY_INDEX = 0x01;

const byCryptogram: CryptogramScheme['scriptKey'] = (key, _atc, cryptogram) => sessionKeyCsk(key, cryptogram);

function visa(cvn: number) {
  return (results: CardVerification) => concat(Uint8Array.of(0x06, KEY_INDEX, cvn), visaResults(results));
}

/** Eighteen bytes: key index, version, results (6), dynamic number (2), counters (8). */
function mchip(cvn: number) {
  return (results: CardVerification) => {
    const data = new Uint8Array(18);
    data[0] = KEY_INDEX;
    data[1] = cvn;
    data.set(mchipResults(results), 2);
    data[17] = 0xff;
    return data;
  };
}

export const SCHEMES: Readonly<Record<CryptogramName, CryptogramScheme>> = {
  'visa-cvn10': {
    sessionKey: 'none',
    padding: 'iso1',
    arpcMethod: 1,
    arpcKey: 'master',
    issuerApplicationData: visa(0x0a),
    cryptogramPart: (data) => data.subarray(3, 7),
    scriptKey: (key, atc) => sessionKeyVisaXor(key, atc),
  },
  'visa-cvn18': {
    sessionKey: 'csk',
    padding: 'iso2',
    arpcMethod: 2,
    arpcKey: 'session',
    issuerApplicationData: visa(0x12),
    cryptogramPart: (data) => data,
    scriptKey: byCryptogram,
  },
  'mchip-cvn16': {
    sessionKey: 'mastercard',
    padding: 'iso2',
    arpcMethod: 1,
    arpcKey: 'master',
    issuerApplicationData: mchip(0x10),
    cryptogramPart: (data) => data.subarray(2, 8),
    scriptKey: byCryptogram,
  },
  'mchip-cvn20': {
    sessionKey: 'csk',
    padding: 'iso2',
    arpcMethod: 1,
    arpcKey: 'session',
    issuerApplicationData: mchip(0x14),
    cryptogramPart: (data) => data.subarray(2, 8),
    scriptKey: byCryptogram,
  },
  'unionpay-cvn01': {
    sessionKey: 'pboc',
    padding: 'iso2',
    arpcMethod: 1,
    arpcKey: 'session',
    issuerApplicationData: (results) =>
      concat(Uint8Array.of(0x07, KEY_INDEX, 0x01), visaResults(results), Uint8Array.of(0x01)),
    cryptogramPart: (data) => data.subarray(3, 7),
    scriptKey: (key, atc) => sessionKeyPboc(key, atc),
  },
};

/** Terminal data in the order in which all five versions take them, with their lengths. */
const TERMINAL_INPUT: readonly (readonly [tag: number, length: number])[] = [
  [0x9f02, 6],
  [0x9f03, 6],
  [0x9f1a, 2],
  [0x95, 5],
  [0x5f2a, 2],
  [0x9a, 3],
  [0x9c, 1],
  [0x9f37, 4],
];

const TERMINAL_INPUT_LENGTH = 29;

/**
 * What a cryptogram is computed over: terminal data, AIP, ATC and the scheme's part of 9F10. Objects that the
 * terminal did not send count as zeros.
 */
export function cryptogramInput(
  scheme: CryptogramScheme,
  terminal: (tag: number) => Uint8Array | undefined,
  card: { readonly aip: Uint8Array; readonly atc: Uint8Array; readonly issuerApplicationData: Uint8Array },
): Uint8Array {
  const part = scheme.cryptogramPart(card.issuerApplicationData);
  const input = new Uint8Array(TERMINAL_INPUT_LENGTH + 4 + part.length);
  let at = 0;
  for (const [tag, length] of TERMINAL_INPUT) {
    const value = terminal(tag);
    if (value !== undefined) input.set(value.length > length ? value.subarray(0, length) : value, at);
    at += length;
  }
  input.set(card.aip.subarray(0, 2), at);
  input.set(card.atc.subarray(0, 2), at + 2);
  input.set(part, at + 4);
  return input;
}
