import { describe, expect, it } from 'vitest';
import * as aes from '../../src/crypto/dukpt-aes.ts';
import { aesKeyReplay, type KeyReplay, tdesKeyReplay } from '../../src/crypto/dukpt-replay.ts';
import * as tdes from '../../src/crypto/dukpt-tdes.ts';
import { toHex } from '../../src/platform/bytes.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { bytes, rounds } from './vectors.ts';

const TDES_KSN = bytes('FFFF9876543210E00000');
const AES_KSN = bytes('123456789012345600000000');
const KEY = bytes('6AC292FAA1315B4D858AB3A3D7D5933A');

interface Side {
  readonly replay: () => KeyReplay;
  readonly full: (ksn: Uint8Array) => Uint8Array;
  readonly next: (ksn: Uint8Array) => Uint8Array | undefined;
  readonly at: (counter: number) => Uint8Array;
  readonly ones: number;
  readonly bits: number;
}

const SIDES: readonly (readonly [string, Side])[] = [
  [
    'TDES',
    {
      replay: () => tdesKeyReplay(KEY, TDES_KSN),
      full: (ksn) => tdes.transactionKey(KEY, ksn),
      next: tdes.nextKsn,
      at: (counter) => tdes.withCounter(TDES_KSN, counter),
      ones: 10,
      bits: 21,
    },
  ],
  [
    'AES',
    {
      replay: () => aesKeyReplay(KEY, AES_KSN),
      full: (ksn) => aes.aesTransactionKey(KEY, ksn),
      next: aes.nextAesKsn,
      at: (counter) => aes.aesWithCounter(AES_KSN, counter),
      ones: 16,
      bits: 32,
    },
  ],
];

describe.each(SIDES)('keys of one %s device', (_, side) => {
  it.each([1, 0x3fe, 0xfffe, 2 ** (side.bits - 1) - 200])(
    'are those of full derivation from %i on',
    (from) => {
      const replay = side.replay();
      let ksn = side.next(side.at(from - 1));
      for (let i = 0; i < 300 && ksn !== undefined; i++) {
        expect(toHex(replay.transactionKey(ksn))).toBe(toHex(side.full(ksn)));
        ksn = side.next(ksn);
      }
    },
  );

  it('come in any order', () => {
    const random = seededRandom('replay');
    const replay = side.replay();
    for (let i = 0; i < rounds(500); i++) {
      let counter = 0;
      const ones = 1 + random.below(side.ones);
      for (let n = 0; n < ones; n++) counter = (counter | (1 << random.below(side.bits))) >>> 0;
      const ksn = side.at(counter);
      expect(toHex(replay.transactionKey(ksn))).toBe(toHex(side.full(ksn)));
      expect(toHex(replay.transactionKey(ksn))).toBe(toHex(side.full(ksn)));
    }
  });

  it('belong to the device and to allowed counters only', () => {
    const replay = side.replay();
    const refused = expect.objectContaining({ code: 'FORMAT' });
    const device = side.at(1);
    device[6] = (device[6] as number) ^ 1;
    expect(() => replay.transactionKey(device)).toThrow(refused);
    expect(() => replay.transactionKey(side.at(0))).toThrow(refused);
    expect(() => replay.transactionKey(side.at(2 ** (side.ones + 1) - 1))).toThrow(refused);
    expect(() => replay.transactionKey(device.subarray(1))).toThrow(refused);
  });

  it('are copies that may be wiped, and all go at the end', () => {
    const replay = side.replay();
    replay.transactionKey(side.at(3)).fill(0);
    expect(toHex(replay.transactionKey(side.at(3)))).toBe(toHex(side.full(side.at(3))));
    replay.wipe();
    expect(() => replay.transactionKey(side.at(3))).toThrow(expect.objectContaining({ code: 'STATE' }));
  });
});

describe('future keys', () => {
  it.each([
    ['TDES', TDES_KSN, 21, 10, tdes.nextKsn, tdes.counterOf, tdes.futureKeys, tdes.transactionKey],
    ['AES', AES_KSN, 32, 16, aes.nextAesKsn, aes.aesCounterOf, aes.aesFutureKeys, aes.aesTransactionKey],
  ] as const)(
    'fill the registers that a used key leaves empty: %s',
    (_, start, bits, ones, next, counterOf, fill, full) => {
      const registers: (Uint8Array | undefined)[] = fill(KEY, start, bits);
      expect(registers).toHaveLength(bits);
      let ksn = next(start);
      for (let i = 0; i < 3000 && ksn !== undefined; i++) {
        const counter = counterOf(ksn);
        const lowest = 31 - Math.clz32(counter & -counter);
        const used = registers[lowest] as Uint8Array;
        expect(toHex(used)).toBe(toHex(full(KEY, ksn)));
        registers[lowest] = undefined;
        const spent = tdes.oneBits(counter) === ones;
        for (const [n, key] of fill(used, ksn, spent ? 0 : lowest).entries()) registers[n] = key;
        ksn = next(ksn);
      }
    },
  );

  it('refuse keys and KSNs of other lengths', () => {
    expect(() => tdes.futureKeys(KEY.subarray(8), TDES_KSN, 1)).toThrow(/16 bytes/);
    expect(() => tdes.futureKeys(KEY, TDES_KSN.subarray(1), 1)).toThrow(/10 bytes/);
    expect(() => aes.aesFutureKeys(KEY.subarray(8), AES_KSN, 1)).toThrow(/16, 24 or 32/);
    expect(() => aes.aesFutureKeys(KEY, AES_KSN.subarray(1), 1)).toThrow(/12 bytes/);
  });
});
