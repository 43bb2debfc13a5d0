import { tdesCmac } from '../../crypto/cmac.ts';
import { tdesCbcEncrypt } from '../../crypto/des.ts';
import {
  checkKsn,
  counterOf,
  initialKey,
  nextKsn,
  transactionKey,
  workingKeys,
} from '../../crypto/dukpt-tdes.ts';
import { retailMac } from '../../crypto/mac.ts';
import { encodePinBlock } from '../../crypto/pin-block.ts';
import { encipherPinBlock } from '../../crypto/pin-encipher.ts';
import { toHex } from '../../platform/bytes.ts';
import { zeroFilled } from './blocks.ts';
import type { Answer, Fields, Topic } from './fields.ts';
import { pinBlockInput, pinFormat } from './pin.ts';

const KEY_NAMES = [
  'initialKey',
  'transactionKey',
  'pinKey',
  'macRequestKey',
  'macResponseKey',
  'dataRequestKey',
  'dataResponseKey',
] as const;

type Keys = Readonly<Record<(typeof KEY_NAMES)[number], Uint8Array>>;

/** TDES DUKPT, ANSI X9.24-1. */
export const dukptTdes: Topic = {
  'initial-key': (input) => ({ initialKey: toHex(initialKey(input.hex('bdk', 16), input.hex('ksn', 10))) }),
  'transaction-keys': transactionKeys,
  'data-encrypt': dataEncrypt,
  'ksn-advance': advance,
  'ksn-reject': (input) => {
    const ksn = input.hex('ksn', 10);
    checkKsn(ksn);
    return { counter: counterOf(ksn) };
  },
};

function keysOf(input: Fields): Keys {
  const ksn = input.hex('ksn', 10);
  const initial = initialKey(input.hex('bdk', 16), ksn);
  const transaction = transactionKey(initial, ksn);
  return { initialKey: initial, transactionKey: transaction, ...workingKeys(transaction) };
}

function transactionKeys(input: Fields): Answer {
  const keys = keysOf(input);
  return {
    ...Object.fromEntries(KEY_NAMES.map((name) => [name, toHex(keys[name])])),
    ...(input.has('pin') ? pinBlocks(input, keys.pinKey) : {}),
    ...(input.has('dataAscii') ? macsAndData(input, keys) : {}),
  };
}

function pinBlocks(input: Fields, key: Uint8Array): Answer {
  const format = input.has('pinBlockFormat') ? pinFormat(input, 'pinBlockFormat', 3) : 0;
  const block = pinBlockInput(input, format);
  return {
    clearPinBlock: toHex(encodePinBlock(block)),
    encryptedPinBlock: toHex(encipherPinBlock(key, block)),
  };
}

function macsAndData(input: Fields, keys: Keys): Answer {
  const data = input.ascii('dataAscii');
  const iv = input.hexOr('iv', new Uint8Array(8), 8);
  const filled = zeroFilled(data, 8);
  return {
    macRequest: toHex(retailMac(keys.macRequestKey, data)),
    macResponse: toHex(retailMac(keys.macResponseKey, data)),
    cmacRequest: toHex(tdesCmac(keys.macRequestKey, data)),
    cmacResponse: toHex(tdesCmac(keys.macResponseKey, data)),
    iv: toHex(iv),
    dataRequestCiphertext: toHex(tdesCbcEncrypt(keys.dataRequestKey, filled, iv)),
    dataResponseCiphertext: toHex(tdesCbcEncrypt(keys.dataResponseKey, filled, iv)),
  };
}

function dataEncrypt(input: Fields): Answer {
  const key = keysOf(input)[input.choice('keyUsed', KEY_NAMES)];
  const iv = input.hexOr('iv', new Uint8Array(8), 8);
  const plain = zeroFilled(input.hex('plaintext'), 8);
  return { key: toHex(key), iv: toHex(iv), ciphertext: toHex(tdesCbcEncrypt(key, plain, iv)) };
}

function advance(input: Fields): Answer {
  const next = nextKsn(input.hex('ksn', 10));
  return next === undefined ? { exhausted: true } : { nextKsn: toHex(next) };
}
