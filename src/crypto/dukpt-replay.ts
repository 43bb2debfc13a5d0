import { PossumError } from '../platform/errors.ts';
import { requireAesKey } from './aes.ts';
import { readWords, wordAt, wordBytes } from './des.ts';
import { aesCounterOf, checkAesKsn } from './dukpt-aes.ts';
import { nextKeyWords } from './dukpt-aes-step.ts';
import { oneWay, wipeStep } from './dukpt-step.ts';
import { checkKsn, counterOf } from './dukpt-tdes.ts';

/**
 * Keys of one device for KSN after KSN, as a host needs them. A counter mostly differs from the last in its low bits,
 * so the keys along its bits are kept and most KSNs cost one derivation.
 */
export interface KeyReplay {
  /**
   * The transaction key of `ksn`; KSNs may come in any order, rising ones are cheapest.
   * @returns a copy, the caller wipes it
   * @throws PossumError `FORMAT` on a KSN of another device or with a counter that is not allowed, `STATE` once wiped
   */
  transactionKey(ksn: Uint8Array): Uint8Array;
  /** Overwrites the kept keys, the initial key's copy included; no key can be had from then on. */
  wipe(): void;
}

/**
 * @param initial the device's initial key, 16 bytes
 * @param ksn any KSN of the device, 10 bytes
 * @throws PossumError `KEY` or `FORMAT` on wrong lengths
 */
export function tdesKeyReplay(initial: Uint8Array, ksn: Uint8Array): KeyReplay {
  if (initial.length !== 16) {
    throw new PossumError('KEY', `a DUKPT key has 16 bytes, not ${initial.length}`);
  }
  counterOf(ksn);
  const device = Uint8Array.from(ksn);
  const left = wordAt(ksn, 2);
  const right = wordAt(ksn, 6) & ~0x1fffff;
  return replay(initial, {
    maxOnes: 10,
    counterOf(other) {
      checkKsn(other);
      const same = wordAt(other, 2) === left && ((wordAt(other, 6) ^ right) & ~0x1fffff) === 0;
      if (!same || other[0] !== device[0] || other[1] !== device[1]) throw otherDevice();
      return counterOf(other);
    },
    derive(keys, from, to, counter) {
      oneWay(keys, from, to, left, right | counter);
    },
    finish: wipeStep,
  });
}

/**
 * @param initial the device's initial key, 16, 24 or 32 bytes
 * @param ksn any KSN of the device, 12 bytes
 * @throws PossumError `KEY` or `FORMAT` on wrong lengths
 */
export function aesKeyReplay(initial: Uint8Array, ksn: Uint8Array): KeyReplay {
  requireAesKey(initial);
  aesCounterOf(ksn);
  const head = wordAt(ksn, 0);
  const id = wordAt(ksn, 4);
  const words = initial.length / 4;
  return replay(initial, {
    maxOnes: 16,
    counterOf(other) {
      checkAesKsn(other);
      if (wordAt(other, 0) !== head || wordAt(other, 4) !== id) throw otherDevice();
      return aesCounterOf(other);
    },
    derive(keys, from, to, counter) {
      nextKeyWords(keys, from, to, words, id, counter);
    },
    finish() {},
  });
}

interface Scheme {
  readonly maxOnes: number;
  counterOf(ksn: Uint8Array): number;
  /** The key of `counter` at `to` from the key of the counter without its lowest one bit at `from`. */
  derive(keys: Int32Array, from: number, to: number, counter: number): void;
  /** Wipes what the derivations left behind. */
  finish(): void;
}

function replay(initial: Uint8Array, scheme: Scheme): KeyReplay {
  const words = initial.length / 4;
  /** Counters of which each has one more low bit than the one before; their keys stand in `keys` in this order. */
  const counters = new Float64Array(scheme.maxOnes + 1);
  const keys = new Int32Array(counters.length * words);
  readWords(keys, 0, initial, words);
  let depth = 1;
  return {
    transactionKey(ksn) {
      if (depth === 0) throw new PossumError('STATE', 'the keys of this device were wiped');
      const counter = scheme.counterOf(ksn);
      while (!startsWith(counter, counters[depth - 1] as number)) depth--;
      for (let known = counters[depth - 1] as number; known !== counter; depth++) {
        // The highest bit that is missing, in arithmetic that keeps bit 31 positive.
        known = (known | (0x80000000 >>> Math.clz32(counter ^ known))) >>> 0;
        scheme.derive(keys, (depth - 1) * words, depth * words, known);
        counters[depth] = known;
      }
      scheme.finish();
      return wordBytes(keys, (depth - 1) * words, words);
    },
    wipe() {
      keys.fill(0);
      depth = 0;
    },
  };
}

/** Whether `counter` is `start` with more bits below the lowest one bit of `start`. */
function startsWith(counter: number, start: number): boolean {
  return start === 0 || ((counter ^ start) & -(start & -start)) === 0;
}

function otherDevice(): PossumError {
  return new PossumError('FORMAT', 'the KSN belongs to another device');
}
