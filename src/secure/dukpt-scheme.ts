import {
  aesCounterOf,
  aesFutureKeys,
  aesInitialKey,
  aesWithCounter,
  nextAesKsn,
} from '../crypto/dukpt-aes.ts';
import { counterOf, futureKeys, initialKey, nextKsn, withCounter } from '../crypto/dukpt-tdes.ts';
import { equalBytes, toHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import { publishedBdks } from './test-keys.ts';

/** What the registers of a terminal have to know of a DUKPT standard. */
export interface DukptScheme {
  readonly name: 'TDES' | 'AES';
  /** Of the keys, as X9.143 writes it. */
  readonly algorithm: 'T' | 'A';
  /** Width of the transaction counter, and the number of future-key registers. */
  readonly registers: number;
  /** A counter has no more one bits than this. */
  readonly mostOnes: number;
  counterOf(ksn: Uint8Array): number;
  withCounter(ksn: Uint8Array, counter: number): Uint8Array;
  nextKsn(ksn: Uint8Array): Uint8Array | undefined;
  /** The keys of registers 1 … `highest` that follow from the key of `ksn`. */
  futureKeys(key: Uint8Array, ksn: Uint8Array, highest: number): Uint8Array[];
  initialKey(bdk: Uint8Array, ksn: Uint8Array): Uint8Array;
}

/** X9.24-1:2009, annex A: KSN of 10 bytes, 21 registers. */
const TDES: DukptScheme = {
  name: 'TDES',
  algorithm: 'T',
  registers: 21,
  mostOnes: 10,
  counterOf,
  withCounter,
  nextKsn,
  futureKeys,
  initialKey,
};

/** X9.24-3:2017, section 6: KSN of 12 bytes, 32 registers. */
const AES: DukptScheme = {
  name: 'AES',
  algorithm: 'A',
  registers: 32,
  mostOnes: 16,
  counterOf: aesCounterOf,
  withCounter: aesWithCounter,
  nextKsn: nextAesKsn,
  futureKeys: aesFutureKeys,
  initialKey: (bdk, ksn) => aesInitialKey(bdk, ksn.subarray(0, 8)),
};

/** The scheme whose KSN this is. */
export function schemeOf(ksn: Uint8Array): DukptScheme {
  return ksn.length === 12 ? AES : TDES;
}

/**
 * The scheme of an initial key and its KSN.
 * @throws PossumError `KEY` when they do not go together
 */
export function schemeOfInitialKey(key: Uint8Array, ksn: Uint8Array): DukptScheme {
  if (ksn.length === 10 && key.length === 16) return TDES;
  if (ksn.length === 12 && [16, 24, 32].includes(key.length)) return AES;
  throw new PossumError(
    'KEY',
    `an initial key of ${key.length} bytes does not go with a KSN of ${ksn.length}`,
    {
      where: 'secure module',
      remedy:
        'TDES DUKPT has a key of 16 bytes and a KSN of 10, AES DUKPT a key of 16, 24 or 32 and a KSN of 12: check `keys` in the terminal file.',
    },
  );
}

/** Names the device: what the host finds the initial key by. */
export function deviceOf(ksn: Uint8Array): string {
  return toHex(schemeOf(ksn).withCounter(ksn, 0));
}

/** Whether the initial key follows from a published BDK. */
export function isFromPublishedBdk(key: Uint8Array, ksn: Uint8Array): boolean {
  const scheme = schemeOf(ksn);
  return publishedBdks(scheme === AES ? 'aes' : 'tdes')
    .filter((bdk) => bdk.length === key.length)
    .some((bdk) => {
      const initial = scheme.initialKey(bdk, ksn);
      const isSame = equalBytes(initial, key);
      initial.fill(0);
      return isSame;
    });
}
