import { tdesEncrypt } from '../crypto/des.ts';
import { initialKey, transactionKey } from '../crypto/dukpt-tdes.ts';
import { retailMac } from '../crypto/mac.ts';
import { encodePinBlock } from '../crypto/pin-block.ts';
import { fromHex, latin1, toHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';

interface KnownAnswer {
  readonly algorithm: string;
  readonly compute: () => Uint8Array;
  readonly answer: string;
}

const BDK = '0123456789ABCDEFFEDCBA9876543210';

/** Published values: ANSI X9.24-1:2009 Annex A.4, ISO/IEC 9797-1 (X9.19 example), NIST TDES. */
const KNOWN_ANSWERS: readonly KnownAnswer[] = [
  {
    algorithm: 'TDES',
    compute: () => tdesEncrypt(fromHex(BDK), new Uint8Array(8)),
    answer: '08D7B4FB629D0885',
  },
  {
    algorithm: 'DUKPT initial key',
    compute: () => initialKey(fromHex(BDK), fromHex('FFFF9876543210E00000')),
    answer: '6AC292FAA1315B4D858AB3A3D7D5933A',
  },
  {
    algorithm: 'DUKPT transaction key',
    compute: () =>
      transactionKey(fromHex('6AC292FAA1315B4D858AB3A3D7D5933A'), fromHex('FFFF9876543210E00001')),
    answer: '042666B49184CFA368DE9628D0397BC9',
  },
  {
    algorithm: 'X9.19 MAC',
    compute: () => retailMac(fromHex(BDK), latin1('Now is the time for all ')),
    answer: 'A1C72E74EA3FA9B6',
  },
  {
    algorithm: 'PIN block format 0',
    compute: () => encodePinBlock({ format: 0, pin: Uint8Array.of(1, 2, 3, 4), pan: '4012345678909' }),
    answer: '041274EDCBA9876F',
  },
];

/**
 * Runs a known-answer test of each algorithm that the module uses.
 * @throws PossumError `INTERNAL` naming the algorithm that failed: the module must not be used
 */
export function selfTest(): void {
  for (const { algorithm, compute, answer } of KNOWN_ANSWERS) {
    if (toHex(compute()) !== answer) {
      throw new PossumError('INTERNAL', `self-test of ${algorithm} failed`, {
        where: 'secure module',
        remedy: 'Out of service: the cryptographic library of this machine gives wrong results.',
      });
    }
  }
}
