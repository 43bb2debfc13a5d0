import {
  CRYPTOGRAM_SCHEMES,
  cryptogramInput,
  cryptogramPadding,
  padCryptogramInput,
} from '../../crypto/emv-cryptogram-input.ts';
import * as emv from '../../crypto/emv-keys.ts';
import { pinChangeBlock, scriptEncipher, visaPinChangeBlock } from '../../crypto/emv-script.ts';
import { concat, toHex } from '../../platform/bytes.ts';
import type { Answer, Fields, Topic } from './fields.ts';
import { masterKeyOf } from './master-key.ts';
import { pinDigits } from './pin.ts';

export const SESSION_KEY_METHODS = [
  'NONE',
  'EMV-CSK',
  'MASTERCARD-SKD',
  'PBOC-SKD',
  'VISA-SM-XOR',
  'EMV2000-TREE',
] as const;
const DATA_PADDINGS = { EMV: 'emv', MASTERCARD: 'mastercard', VISA: 'visa' } as const;

/** Issuer and card side cryptograms, session keys and scripts of EMV Book 2. */
export const emvCryptogram: Topic = {
  'application-cryptogram': (input) => cryptogram(input, masterKeyOf(input, 'imkAc')),
  'application-cryptogram-from-mk': (input) => cryptogram(input, input.hex('iccMasterKey', 16)),
  'session-key': (input) => ({ sessionKey: toHex(sessionKeyOf(input, input.hex('iccMasterKey', 16))) }),
  'script-mac': (input) => {
    const master = masterKeyOf(input, 'imkSmi');
    const key = sessionKeyOf(input, master);
    return {
      iccMasterKeySmi: toHex(master),
      sessionKeySmi: toHex(key),
      mac: toHex(emv.scriptMac(key, input.hex('macInput'))),
    };
  },
  'pin-change-script': pinChange,
  'cryptogram-input': (input) => {
    const scheme = input.choice('scheme', CRYPTOGRAM_SCHEMES);
    const data = cryptogramInput(scheme, input.hexMap('tags'));
    const padding = paddingOf(input);
    return {
      paddingMethod: padding === 'iso1' ? 1 : 2,
      cryptogramInput: toHex(data),
      paddedInput: toHex(padCryptogramInput(data, padding)),
    };
  },
};

function sessionKeyOf(input: Fields, master: Uint8Array): Uint8Array {
  const diversified = input.has('diversificationValue');
  switch (input.choice('sessionKeyMethod', SESSION_KEY_METHODS)) {
    case 'NONE':
      return master;
    case 'EMV-CSK':
      return diversified
        ? emv.sessionKeyCsk(master, input.hex('diversificationValue', 8))
        : emv.sessionKeyAtc(master, input.hex('atc', 2));
    case 'MASTERCARD-SKD':
      return diversified
        ? emv.sessionKeyCsk(master, input.hex('diversificationValue', 8))
        : emv.sessionKeyMastercard(master, input.hex('atc', 2), input.hex('unpredictableNumber', 4));
    case 'PBOC-SKD':
      return emv.sessionKeyPboc(master, input.hex('atc', 2));
    case 'VISA-SM-XOR':
      return emv.sessionKeyVisaXor(master, input.hex(diversified ? 'diversificationValue' : 'atc', 2));
    case 'EMV2000-TREE':
      return emv.sessionKeyTree(master, input.hex('atc', 2), {
        height: input.integerOr('treeHeight', 8, 1, 16),
        branchFactor: input.integerOr('treeBranchFactor', 4, 2, 16),
        iv: input.hexOr('iv', new Uint8Array(16), 16),
      });
  }
}

/** The padding that the request names, else that of its scheme, else 80 and zeros. */
function paddingOf(input: Fields): emv.CryptogramPadding {
  if (input.has('paddingMethod')) return input.integer('paddingMethod', 1, 2) === 1 ? 'iso1' : 'iso2';
  return input.has('scheme') ? cryptogramPadding(input.choice('scheme', CRYPTOGRAM_SCHEMES)) : 'iso2';
}

function cryptogram(input: Fields, master: Uint8Array): Answer {
  const key = sessionKeyOf(input, master);
  const keys = { iccMasterKey: toHex(master), sessionKey: toHex(key) };
  if (input.has('arqc') && !input.has('cryptogramInput') && !input.has('tags')) {
    const given = input.hex('arqc', 8);
    return { ...keys, arqc: toHex(given), arpc: toHex(answerTo(input, given, key, master)) };
  }
  const data = input.has('cryptogramInput')
    ? input.hex('cryptogramInput')
    : cryptogramInput(input.choice('scheme', CRYPTOGRAM_SCHEMES), input.hexMap('tags'));
  const arqc = emv.applicationCryptogram(key, data, paddingOf(input));
  return {
    ...keys,
    cryptogramInput: toHex(data),
    arqc: toHex(arqc),
    ...(input.has('arpcMethod') ? { arpc: toHex(answerTo(input, arqc, key, master)) } : {}),
  };
}

function answerTo(input: Fields, arqc: Uint8Array, session: Uint8Array, master: Uint8Array): Uint8Array {
  const of = input.choice('arpcKey', ['SESSION_KEY', 'ICC_MASTER_KEY'], 'SESSION_KEY');
  const key = of === 'SESSION_KEY' ? session : master;
  if (input.integer('arpcMethod', 1, 2) === 1) return emv.arpcMethod1(key, arqc, input.hex('arc', 2));
  const proprietary = input.hexOr('proprietaryAuthenticationData', new Uint8Array(0));
  return emv.arpcMethod2(key, arqc, input.hex('csu', 4), proprietary);
}

function pinChange(input: Fields): Answer {
  const smi = sessionKeyOf(input, masterKeyOf(input, 'imkSmi'));
  const smc = sessionKeyOf(input, masterKeyOf(input, 'imkSmc'));
  const pin = pinDigits(input, 'newPin');
  const format = input.choice('pinBlockFormat', ['ISO2', 'VISA']);
  const current = input.has('currentPin') ? pinDigits(input, 'currentPin') : undefined;
  const block =
    format === 'ISO2' ? pinChangeBlock(pin) : visaPinChangeBlock(masterKeyOf(input, 'imkAc'), pin, current);
  const padding = DATA_PADDINGS[input.choice('dataPadding', ['EMV', 'MASTERCARD', 'VISA'])];
  const data = scriptEncipher(smc, block, padding);
  const macInput = concat(input.hex('commandHeader'), data);
  return {
    sessionKeySmi: toHex(smi),
    sessionKeySmc: toHex(smc),
    clearPinBlock: toHex(block),
    encryptedCommandData: toHex(data),
    macInput: toHex(macInput),
    mac: toHex(emv.scriptMac(smi, macInput)),
  };
}
