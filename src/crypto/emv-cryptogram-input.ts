import { concat } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import type { CryptogramPadding } from './emv-keys.ts';

/** What each scheme's application cryptogram is computed over (EMV Book 2, section 8.1.1, and the schemes' own). */

export const CRYPTOGRAM_SCHEMES = [
  'VISA-CVN10',
  'VISA-CVN17',
  'VISA-CVN18',
  'VISA-CVN22',
  'MASTERCARD-CVN16',
  'MASTERCARD-CVN17',
  'MASTERCARD-CVN20',
  'MASTERCARD-CVN21',
  'UNIONPAY',
  'CCD',
] as const;

export type CryptogramInputScheme = (typeof CRYPTOGRAM_SCHEMES)[number];

/** Data objects by tag in upper-case hex; `CVR` stands for card verification results given apart from 9F10. */
export type CryptogramObjects = Readonly<Record<string, Uint8Array>>;

interface Rules {
  readonly tags: readonly string[];
  readonly padding: CryptogramPadding;
  /** Place of the card verification results in 9F10; absent when all of 9F10 is signed. */
  readonly results?: readonly [from: number, to: number];
  /** Place in 9F10 of what is signed behind them. */
  readonly more?: readonly [from: number, to: number];
}

const TEN_OBJECTS = ['9F02', '9F03', '9F1A', '95', '5F2A', '9A', '9C', '9F37', '82', '9F36'] as const;
const FAST_DDA_OBJECTS = ['9F02', '9F37', '9F36'] as const;
const LENGTHS: Readonly<Record<string, number>> = {
  '9F02': 6,
  '9F03': 6,
  '9F1A': 2,
  '95': 5,
  '5F2A': 2,
  '9A': 3,
  '9C': 1,
  '9F37': 4,
  '82': 2,
  '9F36': 2,
};

const WHOLE: Rules = { tags: TEN_OBJECTS, padding: 'iso2' };
const MCHIP: Rules = { tags: TEN_OBJECTS, padding: 'iso2', results: [2, 8] };
const MCHIP_COUNTERS: Rules = { ...MCHIP, more: [10, 18] };

const RULES: Readonly<Record<CryptogramInputScheme, Rules>> = {
  'VISA-CVN10': { tags: TEN_OBJECTS, padding: 'iso1', results: [3, 7] },
  'VISA-CVN17': { tags: FAST_DDA_OBJECTS, padding: 'iso1', results: [4, 5] },
  'VISA-CVN18': WHOLE,
  'VISA-CVN22': WHOLE,
  'MASTERCARD-CVN16': MCHIP,
  'MASTERCARD-CVN17': MCHIP_COUNTERS,
  'MASTERCARD-CVN20': MCHIP,
  'MASTERCARD-CVN21': MCHIP_COUNTERS,
  UNIONPAY: { tags: TEN_OBJECTS, padding: 'iso2', results: [3, 7] },
  CCD: WHOLE,
};

/** Whether `name` is one of {@link CRYPTOGRAM_SCHEMES}. */
export function isCryptogramScheme(name: string): name is CryptogramInputScheme {
  return Object.hasOwn(RULES, name);
}

/** How the input of a scheme is padded. */
export function cryptogramPadding(scheme: CryptogramInputScheme): CryptogramPadding {
  return RULES[scheme].padding;
}

/**
 * The input of a cryptogram, not yet padded.
 * @param objects terminal's and card's data objects; each must have its length
 * @throws PossumError `FORMAT` naming the object that is missing or of the wrong length
 */
export function cryptogramInput(scheme: CryptogramInputScheme, objects: CryptogramObjects): Uint8Array {
  const { tags, results, more } = RULES[scheme];
  const terminal = tags.map((tag) => {
    const value = objectOf(objects, tag);
    if (value === undefined || value.length !== LENGTHS[tag])
      throw new PossumError('FORMAT', `${tag} has ${LENGTHS[tag]} bytes`);
    return value;
  });
  const issuerData = objectOf(objects, '9F10');
  if (results === undefined) {
    if (issuerData === undefined || issuerData.length > 32) throw new PossumError('FORMAT', '9F10 is needed');
    return concat(...terminal, issuerData);
  }
  const given = objectOf(objects, 'CVR');
  if (given?.length === 0) throw new PossumError('FORMAT', 'the card verification results are empty');
  const counters = more === undefined ? [] : [part(issuerData, more)];
  return concat(...terminal, given ?? part(issuerData, results), ...counters);
}

/** Fills the input up to whole blocks (ISO/IEC 9797-1, padding methods 1 and 2). */
export function padCryptogramInput(input: Uint8Array, padding: CryptogramPadding): Uint8Array {
  const length =
    padding === 'iso1' ? Math.max(8, Math.ceil(input.length / 8) * 8) : input.length + 8 - (input.length % 8);
  const padded = new Uint8Array(length);
  padded.set(input);
  if (padding === 'iso2') padded[input.length] = 0x80;
  return padded;
}

function objectOf(objects: CryptogramObjects, tag: string): Uint8Array | undefined {
  return Object.hasOwn(objects, tag) ? objects[tag] : undefined;
}

function part(data: Uint8Array | undefined, [from, to]: readonly [from: number, to: number]): Uint8Array {
  if (data === undefined || data.length < to) {
    throw new PossumError('FORMAT', `9F10 has to hold the ${to} bytes that the cryptogram covers`);
  }
  return data.subarray(from, to);
}
