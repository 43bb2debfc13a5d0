/** Beginnings of PANs that are published for EMV tests, and the range of Possum's own issuer. */

/** Prefixes that payment schemes and test-card makers publish for tests. */
const PUBLISHED: readonly string[] = ['476173', '541333', '621094', '622588', '622202', '679999'];
const OWN_FIRST = '999000';
const OWN_LAST = '999099';

/** True when a PAN may be shown in full: it belongs to a test card or to our own issuer. */
export function isTestPan(digits: string): boolean {
  const prefix = digits.slice(0, 6);
  if (prefix.length < 6) return false;
  return PUBLISHED.includes(prefix) || (prefix >= OWN_FIRST && prefix <= OWN_LAST);
}
