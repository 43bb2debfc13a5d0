import { describe, expect, it } from 'vitest';
import * as aes from '../../src/crypto/dukpt-aes.ts';
import { aesKeyReplay, tdesKeyReplay } from '../../src/crypto/dukpt-replay.ts';
import * as tdes from '../../src/crypto/dukpt-tdes.ts';
import { kcvZeros, keyCheckValue } from '../../src/crypto/kcv.ts';
import { unwrapKeyBlock } from '../../src/crypto/key-block.ts';
import { decodePinBlock, encodePinBlock } from '../../src/crypto/pin-block.ts';
import { decipherPinBlock, encipherPinBlock, translatePinBlock } from '../../src/crypto/pin-encipher.ts';
import { seededRandom } from '../../src/platform/random.ts';

const random = seededRandom('inputs');
const PAN = '4761739001010010';

/** Buffers are byte arrays whose `slice` shares memory; so a function that wipes its copy may wipe the original. */
const buffers = {
  key: Buffer.from(random.bytes(16)),
  pin: Buffer.from([1, 2, 3, 4]),
  fill: Buffer.from(random.bytes(8)),
  short: Buffer.from('041226FFFFFFFFFF', 'hex'),
  long: Buffer.from('441234AAAAAAAAAA0000000000000000', 'hex'),
  tdesKsn: Buffer.from('FFFF9876543210FFF800', 'hex'),
  aesKsn: Buffer.from('1234567890123456FFFF0000', 'hex'),
};
const { key, pin, fill, short, long, tdesKsn, aesKsn } = buffers;

describe('inputs', () => {
  it.each([
    ['initial key', () => tdes.initialKey(key, tdesKsn)],
    ['transaction key', () => tdes.transactionKey(key, tdesKsn)],
    ['working keys', () => tdes.workingKeys(key)],
    ['future keys', () => tdes.futureKeys(key, tdesKsn, 11)],
    ['next KSN', () => tdes.nextKsn(tdesKsn)],
    ['AES initial key', () => aes.aesInitialKey(key, aesKsn.subarray(0, 8))],
    ['AES transaction key', () => aes.aesTransactionKey(key, aesKsn)],
    ['AES working key', () => aes.aesWorkingKey(key, aesKsn, 'MAC_BOTH', 'AES-128')],
    ['AES next KSN', () => aes.nextAesKsn(aesKsn)],
    ['TDES replay', () => wiped(tdesKeyReplay(key, tdesKsn), tdesKsn)],
    ['AES replay', () => wiped(aesKeyReplay(key, aesKsn), aesKsn)],
    ['check values', () => [kcvZeros(key), keyCheckValue('AES', 'CMAC-ZEROS', key)]],
    ['PIN block', () => encodePinBlock({ format: 0, pin, pan: PAN })],
    ['PIN', () => decodePinBlock({ format: 0, block: short, pan: PAN })],
    ['PIN of format 4', () => decodePinBlock({ format: 4, block: long })],
    ['enciphered PIN block', () => encipherPinBlock(key, { format: 4, pin, pan: PAN, fill })],
    ['deciphered PIN block', () => decipherPinBlock(key, { format: 0, block: short, pan: PAN })],
    [
      'translated PIN block',
      () => translatePinBlock(short, { format: 0, key, pan: PAN }, { format: 4, key, pan: PAN, fill }),
    ],
    [
      'key of a key block',
      () =>
        unwrapKeyBlock(
          Buffer.from('89E88CF7931444F334BD7547FC3F380C', 'hex'),
          'A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701',
        ),
    ],
  ])('stay as they are: %s', (_, work) => {
    const before = JSON.stringify(buffers);
    const first = JSON.stringify(work());
    expect(JSON.stringify(buffers)).toBe(before);
    expect(JSON.stringify(work())).toBe(first);
  });
});

function wiped(replay: { transactionKey(ksn: Uint8Array): Uint8Array; wipe(): void }, ksn: Uint8Array) {
  const derived = replay.transactionKey(ksn);
  replay.wipe();
  return derived;
}
