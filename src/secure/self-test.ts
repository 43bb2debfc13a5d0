import { createHash } from 'node:crypto';
import { aesDecrypt, aesEncrypt } from '../crypto/aes.ts';
import { aesCmac, tdesCmac } from '../crypto/cmac.ts';
import { tdesDecrypt, tdesEncrypt } from '../crypto/des.ts';
import { aesInitialKey, aesTransactionKey, aesWorkingKey } from '../crypto/dukpt-aes.ts';
import { initialKey, transactionKey } from '../crypto/dukpt-tdes.ts';
import { unwrapKeyBlock } from '../crypto/key-block.ts';
import { hmacSha256, retailMac } from '../crypto/mac.ts';
import { encodePinBlock } from '../crypto/pin-block.ts';
import { encipherPinBlock } from '../crypto/pin-encipher.ts';
import { rsaEncipher } from '../crypto/rsa.ts';
import { equalBytes, fromHex, latin1, toHex } from '../platform/bytes.ts';
import type { Sealer } from '../ports/index.ts';

/** A calculation whose result is known. */
export interface KnownAnswer {
  readonly algorithm: string;
  readonly compute: () => Uint8Array | undefined;
  readonly answer: string;
}

const BDK = '0123456789ABCDEFFEDCBA9876543210';
const AES_BDK = 'FEDCBA9876543210F1F1F1F1F1F1F1F1';
const AES_KSN = '123456789012345600000001';
const AES_KEY = '000102030405060708090A0B0C0D0E0F';
const CMAC_KEY = '2B7E151628AED2A6ABF7158809CF4F3C';
const CMAC_DATA = '6BC1BEE22E409F96E93D7E117393172A';

/** What every request needs. Published values: ANSI X9.24-1:2009 annex A.4, ISO/IEC 9797-1 (X9.19 example), NIST TDES. */
export const POWER_UP_ANSWERS: readonly KnownAnswer[] = [
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
 * The rest. Published values: FIPS 197 annex B, X9.24-3:2017 (supplement), RFC 4493, SP 800-38B, RFC 4231, FIPS 180-4,
 * TR-31:2018 annex A.7; formats 3 and 4 as in the test suite of psec. The answer of RSA was made by long arithmetic.
 */
export const FURTHER_ANSWERS: readonly KnownAnswer[] = [
  {
    algorithm: 'TDES decryption',
    compute: () => tdesDecrypt(fromHex(BDK), fromHex('08D7B4FB629D0885')),
    answer: '0000000000000000',
  },
  {
    algorithm: 'AES',
    compute: () => aesEncrypt(fromHex(AES_KEY), fromHex('00112233445566778899AABBCCDDEEFF')),
    answer: '69C4E0D86A7B0430D8CDB78070B4C55A',
  },
  {
    algorithm: 'AES decryption',
    compute: () => aesDecrypt(fromHex(AES_KEY), fromHex('69C4E0D86A7B0430D8CDB78070B4C55A')),
    answer: '00112233445566778899AABBCCDDEEFF',
  },
  {
    algorithm: 'AES DUKPT initial key',
    compute: () => aesInitialKey(fromHex(AES_BDK), fromHex(AES_KSN).subarray(0, 8)),
    answer: '1273671EA26AC29AFA4D1084127652A1',
  },
  {
    algorithm: 'AES DUKPT transaction key',
    compute: () => aesTransactionKey(fromHex('1273671EA26AC29AFA4D1084127652A1'), fromHex(AES_KSN)),
    answer: '4F21B565BAD9835E112B6465635EAE44',
  },
  {
    algorithm: 'AES DUKPT working key',
    compute: () =>
      aesWorkingKey(
        fromHex('4F21B565BAD9835E112B6465635EAE44'),
        fromHex(AES_KSN),
        'PIN_ENCRYPTION',
        'AES-128',
      ),
    answer: 'AF8CB133A78F8DC2D1359F18527593FB',
  },
  {
    algorithm: 'AES CMAC',
    compute: () => aesCmac(fromHex(CMAC_KEY), fromHex(CMAC_DATA)),
    answer: '070A16B46B4D4144F79BDD9DD04A287C',
  },
  {
    algorithm: 'TDES CMAC',
    compute: () => tdesCmac(fromHex('0123456789ABCDEF23456789ABCDEF01'), new Uint8Array(0)),
    answer: '79CE52A7F786A960',
  },
  {
    algorithm: 'PIN block format 2',
    compute: () => encodePinBlock({ format: 2, pin: Uint8Array.of(1, 2, 3, 4) }),
    answer: '241234FFFFFFFFFF',
  },
  {
    algorithm: 'PIN block format 3',
    compute: () =>
      encodePinBlock({
        format: 3,
        pin: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 0),
        pan: '5555555551234567',
        fill: Uint8Array.of(15, 15, 15, 15),
      }),
    answer: '3A1261032D82CBA9',
  },
  {
    algorithm: 'PIN block format 4',
    compute: () =>
      encipherPinBlock(fromHex('00112233445566778899AABBCCDDEEFF'), {
        format: 4,
        pin: Uint8Array.of(1, 2, 3, 4),
        pan: '1234567890123456789',
        fill: new Uint8Array(8).fill(0xff),
      }),
    answer: '28B41FDDD29B743E93124BD8E32D921E',
  },
  {
    algorithm: 'key block version B',
    compute: () =>
      unwrapKeyBlock(
        fromHex('DD7515F2BFC17F85CE48F3CA25CB21F6'),
        'B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E',
      ).key,
    answer: '3F419E1CB7079442AA37474C2EFBF8B8',
  },
  {
    algorithm: 'key block version D',
    compute: () =>
      unwrapKeyBlock(
        fromHex('88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6'),
        'D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34',
      ).key,
    answer: '3F419E1CB7079442AA37474C2EFBF8B8',
  },
  {
    algorithm: 'RSA',
    compute: () =>
      rsaEncipher(
        fromHex(
          'ED74F492221296EF458C344B2557723AA535BDA28641209BFAFCFE085707EBC31B9B5B1917004CE6B14A09727FD5FA3860A0A5DB2CD9BC77949A9DDD31B3E01D',
        ),
        Uint8Array.of(3),
        Uint8Array.from({ length: 64 }, (_, i) => i + 1),
      ),
    answer:
      '1D940D6531CBF11A8574A1595FC5F60B833C00247F8695B4171D5AAE1EF009FE77FFC85A35A7A56A102E979D9801E92E4F7BF8107A2366F5A7750A5441399820',
  },
  {
    algorithm: 'SHA-256',
    compute: () => createHash('sha256').update('abc').digest(),
    answer: 'BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD',
  },
  {
    algorithm: 'HMAC-SHA-256',
    compute: () => hmacSha256(latin1('Jefe'), latin1('what do ya want for nothing?')),
    answer: '5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843',
  },
];

/** @returns the first algorithm whose answer is wrong; `undefined` when all are right */
export function firstWrong(answers: readonly KnownAnswer[]): string | undefined {
  return answers.find((known) => !isRight(known))?.algorithm;
}

function isRight({ compute, answer }: KnownAnswer): boolean {
  try {
    return toHex(compute() ?? new Uint8Array(0)) === answer;
  } catch {
    return false;
  }
}

const SEAL_PROBE = Uint8Array.from({ length: 16 }, (_, i) => i);

/** Whether what is sealed opens again, and no longer once it was altered. @returns what failed */
export function sealFault(sealer: Sealer): string | undefined {
  const sealed = sealer.seal(SEAL_PROBE, 'self-test');
  const isWhole = equalBytes(sealer.open(sealed, 'self-test') ?? new Uint8Array(0), SEAL_PROBE);
  sealed[sealed.length - 1] = (sealed.at(-1) as number) ^ 1;
  return isWhole && sealer.open(sealed, 'self-test') === undefined
    ? undefined
    : 'the self-test of AES-GCM failed';
}
