import type { KeyBlockVersion } from '../crypto/key-block-header.ts';
import { equalBytes, fromHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';

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

/** Values of standards and of manuals that everybody has: none of them can be a real key. */
const PUBLISHED = [
  ...TDES_KBPKS,
  ...AES_KBPKS,
  // X9.24-1:2009, annex A.4: initial key of KSN FFFF9876543210E00000.
  '6AC292FAA1315B4D858AB3A3D7D5933A',
  // TR-31:2018, annex A.7, and X9.143:2021, clause 8: keys in the sample blocks.
  'F039121BEC83D26B169BDCD5B22AAF8F',
  '3F419E1CB7079442AA37474C2EFBF8B8',
  'E8BC63E5479455E26577F715D587FE68',
  'EDB380DD340BC2620247D445F5B8D678',
  // FIPS 81, ISO/IEC 9797-1, ANSI X9.19.
  '0123456789ABCDEF',
  '0123456789ABCDEFFEDCBA9876543210',
  '0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123',
  // FIPS 197, SP 800-38A, RFC 4493.
  '000102030405060708090A0B0C0D0E0F',
  '000102030405060708090A0B0C0D0E0F1011121314151617',
  '000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F',
  '2B7E151628AED2A6ABF7158809CF4F3C',
  '8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B',
  '603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4',
  // Terminal master keys of published UnionPay examples and of this project's host protocol, with their working keys.
  '11111111111111112222222222222222',
  'CA5D92598DCA48CE8A4C76361A9269E9',
  '807A23AD32B36D457AE91FDF927570EA',
  '5BB5C72CD00B7338',
  '133457799BBCDFF1',
  '89ABCDEF0123456776543210FEDCBA98',
];

/** Whether the bytes are a published test key. */
export function isPublishedKey(key: Uint8Array): boolean {
  return PUBLISHED.some((known) => known.length === 2 * key.length && equalBytes(fromHex(known), key));
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
