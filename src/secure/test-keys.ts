import type { KeyBlockVersion } from '../crypto/key-block-header.ts';
import { fromHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import { isPublishedKey } from './published-keys.ts';

/**
 * A test tool takes no key that may be a real one: what it takes comes under one of the published key block
 * protection keys below, was made by it, or is itself a published test value. Everything in here is public.
 */

/** Where a key came from, as listings show it. */
export type KeyOrigin =
  | 'published'
  | 'generated'
  | 'block'
  | 'components'
  | 'under-master'
  | 'marked-by-flag';

/** The sample KBPKs of TR-31:2018 annex A.7 and ANSI X9.143:2021 clause 8; the first one closes blocks. */
const TDES_KBPKS = [
  'DD7515F2BFC17F85CE48F3CA25CB21F6',
  '89E88CF7931444F334BD7547FC3F380C',
  '1D22BF32387C600AD97F9B97A51311AC',
  'B8ED59E0A279A295E9F5ED7944FD06B9',
];
const AES_KBPKS = ['88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6'];

/** The published KBPKs that may have closed a block of this version; the first one closes those made here. */
export function testKbpks(version: KeyBlockVersion): readonly Uint8Array[] {
  return (version === 'D' || version === 'E' ? AES_KBPKS : TDES_KBPKS).map(fromHex);
}

/** BDKs of X9.24-1:2009 annex A.4 and X9.24-3:2017 annex B: initial keys that follow from them are published, too. */
const PUBLISHED_BDKS = {
  tdes: ['0123456789ABCDEFFEDCBA9876543210'],
  aes: [
    'FEDCBA9876543210F1F1F1F1F1F1F1F1',
    'FEDCBA9876543210F1F1F1F1F1F1F1F1FEDCBA9876543210',
    'FEDCBA9876543210F1F1F1F1F1F1F1F1FEDCBA9876543210F1F1F1F1F1F1F1F1',
  ],
};

export function publishedBdks(scheme: 'tdes' | 'aes'): readonly Uint8Array[] {
  return PUBLISHED_BDKS[scheme].map(fromHex);
}

/**
 * What a listing says of a key that came neither under the test KBPK nor from here.
 * @param marked the operator said for this run that the keys are test keys
 * @throws PossumError `KEY` for a key that nobody published, unless it is marked
 */
export function originOfForeign(key: Uint8Array, marked: boolean, what: string): KeyOrigin {
  if (isPublishedKey(key)) return 'published';
  if (marked) return 'marked-by-flag';
  throw new PossumError('KEY', `${what} is not known as a test key`, {
    where: 'secure module',
    remedy:
      'Possum takes keys in blocks under its public test KBPK, keys that it generated, and published test values. ' +
      'If it is a test key all the same, add --i-know-these-are-test-keys: every record will show it.',
  });
}
