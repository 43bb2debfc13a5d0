import { aesCbcEncrypt, requireAesKey } from '../../crypto/aes.ts';
import { aesCmac } from '../../crypto/cmac.ts';
import {
  AES_DUKPT_KEY_TYPES,
  AES_DUKPT_USAGES,
  type AesDukptKeyType,
  type AesDukptUsage,
  aesCounterOf,
  aesInitialKey,
  aesInitialKeyData,
  aesTransactionKey,
  aesUpdateKey,
  aesWorkingKey,
  aesWorkingKeyData,
  checkAesKsn,
  nextAesKsn,
} from '../../crypto/dukpt-aes.ts';
import { hmacSha256 } from '../../crypto/mac.ts';
import { encipherPinBlock } from '../../crypto/pin-encipher.ts';
import { toHex } from '../../platform/bytes.ts';
import { PossumError } from '../../platform/errors.ts';
import { zeroFilled } from './blocks.ts';
import { type Answer, type Fields, fault, type Topic } from './fields.ts';
import { pinBlockInput } from './pin.ts';

const AES_TYPES = ['AES-128', 'AES-192', 'AES-256'] as const;
const HMAC_TYPES = ['HMAC-128', 'HMAC-192', 'HMAC-256'] as const;

/** AES DUKPT, ANSI X9.24-3. */
export const dukptAes: Topic = {
  'initial-key': (input) => {
    const { bdk, bdkType } = bdkOf(input);
    const id = input.hex('initialKeyId', 8);
    return {
      bdkType,
      derivationData: toHex(aesInitialKeyData(bdk, id)),
      initialKey: toHex(aesInitialKey(bdk, id)),
    };
  },
  'transaction-key': (input) => {
    checkAesKsn(input.hex('ksn', 12));
    return shown(derived(input));
  },
  'working-key': workingKey,
  'strength-reject': workingKey,
  'update-key': (input) => {
    const keys = derived(input);
    const type = input.choice('workingKeyType', AES_DUKPT_KEY_TYPES, keys.bdkType);
    const key = aesUpdateKey(keys.transaction, keys.ksn, type);
    const data = aesWorkingKeyData('KEY_ENCRYPTION', type, keys.ksn);
    return { ...shown(keys), derivationData: toHex(data), updateKey: toHex(key) };
  },
  'pin-encrypt': (input) => {
    const keys = derived(input);
    const key = workingKeyOf(input, keys, 'PIN_ENCRYPTION');
    if (input.integerOr('pinBlockFormat', 4, 0, 4) !== 4) {
      throw fault('pinBlockFormat', 'is not 4, the one format for AES keys');
    }
    const block = encipherPinBlock(key, pinBlockInput(input, 4, 'randomFill'));
    return { ...shown(keys), pinKey: toHex(key), encryptedPinBlock: toHex(block) };
  },
  'mac-and-data': macAndData,
  'ksn-advance': (input) => {
    const next = nextAesKsn(input.hex('ksn', 12));
    return next === undefined ? { exhausted: true } : { nextKsn: toHex(next) };
  },
  'ksn-reject': (input) => {
    const ksn = input.hex('ksn', 12);
    checkAesKsn(ksn);
    return { counter: aesCounterOf(ksn) };
  },
};

type AesType = (typeof AES_TYPES)[number];

function bdkOf(input: Fields): { bdk: Uint8Array; bdkType: AesType } {
  const bdk = input.hex('bdk');
  requireAesKey(bdk);
  const bdkType: AesType = `AES-${8 * bdk.length}` as AesType;
  if (input.choice('bdkType', AES_TYPES, bdkType) !== bdkType) {
    throw new PossumError('KEY', `is not the type of a key of ${bdk.length} bytes`, { where: 'bdkType' });
  }
  return { bdk, bdkType };
}

interface Derived {
  readonly bdkType: AesType;
  readonly ksn: Uint8Array;
  readonly initial: Uint8Array;
  readonly transaction: Uint8Array;
}

function derived(input: Fields): Derived {
  const { bdk, bdkType } = bdkOf(input);
  const ksn = input.hex('ksn', 12);
  const initial = aesInitialKey(bdk, ksn.subarray(0, 8));
  return { bdkType, ksn, initial, transaction: aesTransactionKey(initial, ksn) };
}

function shown({ bdkType, initial, transaction }: Derived): Answer {
  return { bdkType, initialKey: toHex(initial), transactionKey: toHex(transaction) };
}

function workingKey(input: Fields): Answer {
  const keys = derived(input);
  const usage = input.choice('keyUsage', AES_DUKPT_USAGES);
  const type = input.choice('workingKeyType', AES_DUKPT_KEY_TYPES);
  const key = aesWorkingKey(keys.transaction, keys.ksn, usage, type);
  const data = aesWorkingKeyData(usage, type, keys.ksn);
  return { ...shown(keys), derivationData: toHex(data), workingKey: toHex(key) };
}

/** A working key for AES itself: the type of the BDK unless the request names another. */
function workingKeyOf(input: Fields, keys: Derived, usage: AesDukptUsage): Uint8Array {
  const type = input.choice('workingKeyType', AES_TYPES, keys.bdkType);
  return aesWorkingKey(keys.transaction, keys.ksn, usage, type);
}

function macAndData(input: Fields): Answer {
  const keys = derived(input);
  const data = input.ascii('dataAscii');
  const filled = zeroFilled(data, 16);
  const iv = input.hexOr('iv', new Uint8Array(16), 16);
  const hmacType: AesDukptKeyType = input.choice(
    'hmacKeyType',
    HMAC_TYPES,
    `HMAC-${keys.bdkType.slice(4)}` as (typeof HMAC_TYPES)[number],
  );
  const cmac = (usage: AesDukptUsage) => toHex(aesCmac(workingKeyOf(input, keys, usage), data));
  const hmac = (usage: AesDukptUsage) =>
    toHex(hmacSha256(aesWorkingKey(keys.transaction, keys.ksn, usage, hmacType), data));
  const cbc = (usage: AesDukptUsage) => toHex(aesCbcEncrypt(workingKeyOf(input, keys, usage), filled, iv));
  return {
    ...shown(keys),
    iv: toHex(iv),
    cmacRequest: cmac('MAC_GENERATION'),
    cmacResponse: cmac('MAC_VERIFICATION'),
    hmacRequest: hmac('MAC_GENERATION'),
    hmacResponse: hmac('MAC_VERIFICATION'),
    dataRequestCiphertext: cbc('DATA_ENCRYPT'),
    dataResponseCiphertext: cbc('DATA_DECRYPT'),
  };
}
