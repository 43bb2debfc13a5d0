import { toHex } from '../platform/bytes.ts';

/** Which scheme an application and an account number belong to, where both say it beyond doubt. */

/** By the registered application provider: the first five bytes of an AID. */
const BY_RID: Readonly<Record<string, string>> = {
  A000000003: 'Visa',
  A000000004: 'Mastercard',
  A000000025: 'American Express',
  A000000065: 'JCB',
  A000000333: 'UnionPay',
};

/** Ranges of ISO/IEC 7812 by their first digits; what several schemes share is not listed. */
const BY_DIGITS: readonly (readonly [RegExp, string])[] = [
  [/^4/, 'Visa'],
  [/^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, 'Mastercard'],
  [/^3[47]/, 'American Express'],
  [/^35(2[89]|[3-8])/, 'JCB'],
  [/^62/, 'UnionPay'],
];

/**
 * How application and account number contradict each other, `undefined` when they do not or one of them is of no
 * known scheme.
 */
export function brandMismatch(dfName: Uint8Array, pan: string): string | undefined {
  const application = BY_RID[toHex(dfName.subarray(0, 5))];
  const account = BY_DIGITS.find(([range]) => range.test(pan))?.[1];
  if (application === undefined || account === undefined || application === account) return undefined;
  return `brand mismatch: a ${application} application with a ${account} account`;
}
