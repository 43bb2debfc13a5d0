import { describe, expect, it } from 'vitest';
import {
  CRYPTOGRAM_SCHEMES,
  type CryptogramInputScheme,
  cryptogramInput,
  cryptogramPadding,
  isCryptogramScheme,
  padCryptogramInput,
} from '../../src/crypto/emv-cryptogram-input.ts';
import * as emv from '../../src/crypto/emv-keys.ts';
import { pinChangeBlock, scriptEncipher, visaPinChangeBlock } from '../../src/crypto/emv-script.ts';
import { pinFromText } from '../../src/crypto/pin-block.ts';
import { concat, toHex } from '../../src/platform/bytes.ts';
import { bytes, type Vector, vectors } from './vectors.ts';

const TOPIC = 'emv-cryptogram';
const NO_ATC = bytes('0000');
const METHODS: Record<string, emv.SessionKeyMethod> = {
  NONE: 'none',
  'EMV-CSK': 'csk',
  'MASTERCARD-SKD': 'mastercard',
  'PBOC-SKD': 'pboc',
};

function session(v: Vector, masterKey: Uint8Array): Uint8Array {
  if (v.diversificationValue !== undefined && v.sessionKeyMethod === 'EMV-CSK') {
    return emv.sessionKeyCsk(masterKey, bytes(v.diversificationValue));
  }
  if (v.sessionKeyMethod === 'VISA-SM-XOR') {
    return emv.sessionKeyVisaXor(masterKey, bytes(v.diversificationValue));
  }
  const method = METHODS[v.sessionKeyMethod] as emv.SessionKeyMethod;
  return emv.sessionKey(method, masterKey, v.atc ? bytes(v.atc) : NO_ATC, bytes(v.unpredictableNumber ?? ''));
}

function arpc(v: Vector, key: Uint8Array): Uint8Array {
  return v.arpcMethod === 1
    ? emv.arpcMethod1(key, bytes(v.arqc), bytes(v.arc))
    : emv.arpcMethod2(key, bytes(v.arqc), bytes(v.csu), bytes(v.proprietaryAuthenticationData));
}

const named = (...ops: string[]) => vectors(TOPIC, ...ops).map((v) => [v.name, v] as const);

const objects = (v: Vector) =>
  Object.fromEntries(Object.entries<string>(v.tags).map(([tag, value]) => [tag, bytes(value)]));

describe('EMV keys and cryptograms', () => {
  it.each(
    vectors(TOPIC, 'application-cryptogram', 'application-cryptogram-from-mk').map(
      (v) => [v.name, v] as const,
    ),
  )('%s', (_, v) => {
    const masterKey =
      v.imkAc === undefined
        ? bytes(v.iccMasterKey)
        : emv.iccMasterKey(bytes(v.imkAc), v.pan, v.psn, v.masterKeyOption);
    expect(toHex(masterKey)).toBe(v.iccMasterKey);
    const key = session(v, masterKey);
    expect(toHex(key)).toBe(v.sessionKey);
    if (v.scheme !== undefined) {
      expect(toHex(cryptogramInput(v.scheme, objects(v)))).toBe(v.cryptogramInput);
    }
    const padding = v.paddingMethod === 1 ? 'iso1' : 'iso2';
    expect(toHex(emv.applicationCryptogram(key, bytes(v.cryptogramInput), padding))).toBe(v.arqc);
    if (v.arpcMethod !== undefined) {
      expect(toHex(arpc(v, v.arpcKey === 'SESSION_KEY' ? key : masterKey))).toBe(v.arpc);
    }
  });

  it.each(vectors(TOPIC, 'script-mac', 'pin-change-script').map((v) => [v.name, v] as const))(
    '%s',
    (_, v) => {
      const masterKey = emv.iccMasterKey(bytes(v.imkSmi), v.pan, v.psn, v.masterKeyOption);
      const key = session(v, masterKey);
      expect(toHex(key)).toBe(v.sessionKeySmi);
      expect(toHex(emv.scriptMac(key, bytes(v.macInput)))).toBe(v.mac);
    },
  );

  it.each(named('session-key'))('%s', (_, v) => {
    const tree = { height: v.treeHeight, branchFactor: v.treeBranchFactor, iv: bytes(v.iv) };
    expect(toHex(emv.sessionKeyTree(bytes(v.iccMasterKey), bytes(v.atc), tree))).toBe(v.sessionKey);
  });

  it.each(named('pin-change-script'))('enciphers the new PIN: %s', (_, v) => {
    const master = emv.iccMasterKey(bytes(v.imkSmc), v.pan, v.psn, v.masterKeyOption);
    const key = session(v, master);
    expect(toHex(key)).toBe(v.sessionKeySmc);
    const pin = pinFromText(v.newPin);
    const block =
      v.pinBlockFormat === 'VISA'
        ? visaPinChangeBlock(emv.iccMasterKey(bytes(v.imkAc), v.pan, v.psn, v.masterKeyOption), pin)
        : pinChangeBlock(pin);
    expect(toHex(block)).toBe(v.clearPinBlock);
    const data = scriptEncipher(key, block, v.dataPadding.toLowerCase());
    expect(toHex(data)).toBe(v.encryptedCommandData);
    expect(toHex(concat(bytes(v.commandHeader), data))).toBe(v.macInput);
  });

  it.each(named('cryptogram-input'))('%s', (_, v) => {
    const input = cryptogramInput(v.scheme, objects(v));
    expect(toHex(input)).toBe(v.cryptogramInput);
    const padding = cryptogramPadding(v.scheme);
    expect(padding).toBe(v.paddingMethod === 1 ? 'iso1' : 'iso2');
    expect(toHex(padCryptogramInput(input, padding))).toBe(v.paddedInput);
  });

  it('covers what the scheme says, of the issuer application data too', () => {
    const tags = vectors(TOPIC, 'cryptogram-input')[0] as Vector;
    const issuerData = '0111A1A2A3A4A5A6D1D2C1C2C3C4C5C6C7C8';
    const tail = (scheme: CryptogramInputScheme) => {
      const input = cryptogramInput(scheme, { ...objects(tags), '9F10': bytes(issuerData) });
      return toHex(input.subarray(scheme === 'VISA-CVN17' ? 12 : 33));
    };
    expect(Object.fromEntries(CRYPTOGRAM_SCHEMES.map((scheme) => [scheme, tail(scheme)]))).toEqual({
      'VISA-CVN10': 'A2A3A4A5',
      'VISA-CVN17': 'A3',
      'VISA-CVN18': issuerData,
      'VISA-CVN22': issuerData,
      'MASTERCARD-CVN16': 'A1A2A3A4A5A6',
      'MASTERCARD-CVN17': 'A1A2A3A4A5A6C1C2C3C4C5C6C7C8',
      'MASTERCARD-CVN20': 'A1A2A3A4A5A6',
      'MASTERCARD-CVN21': 'A1A2A3A4A5A6C1C2C3C4C5C6C7C8',
      UNIONPAY: 'A2A3A4A5',
      CCD: issuerData,
    });
  });

  it('refuses data objects that are missing or of the wrong length', () => {
    const good = objects(vectors(TOPIC, 'cryptogram-input')[0] as Vector);
    const refused = expect.objectContaining({ code: 'FORMAT' });
    for (const tag of Object.keys(good)) {
      const { [tag]: _, ...without } = good;
      expect(() => cryptogramInput('VISA-CVN10', without)).toThrow(refused);
      expect(() => cryptogramInput('VISA-CVN10', { ...good, [tag]: new Uint8Array(0) })).toThrow(refused);
    }
    expect(() => cryptogramInput('CCD', { ...good, '9F10': new Uint8Array(33) })).toThrow(refused);
    expect(() => cryptogramInput('VISA-CVN10', { ...good, CVR: new Uint8Array(0) })).toThrow(refused);
    expect([isCryptogramScheme('CCD'), isCryptogramScheme('toString')]).toEqual([true, false]);
  });

  it('fills script data up as each scheme does', () => {
    const key = bytes('0123456789ABCDEFFEDCBA9876543210');
    const length = (size: number, padding: 'emv' | 'mastercard' | 'visa') =>
      scriptEncipher(key, new Uint8Array(size), padding).length;
    expect([7, 8, 9].map((size) => length(size, 'emv'))).toEqual([8, 16, 16]);
    expect([7, 8, 9].map((size) => length(size, 'mastercard'))).toEqual([8, 8, 16]);
    expect([7, 8, 9].map((size) => length(size, 'visa'))).toEqual([8, 16, 16]);
    const refused = (code: string) => expect.objectContaining({ code });
    expect(() => scriptEncipher(key, new Uint8Array(0), 'emv')).toThrow(refused('FORMAT'));
    expect(() => scriptEncipher(key, new Uint8Array(240), 'visa')).toThrow(refused('FORMAT'));
    expect(() => scriptEncipher(key.subarray(8), new Uint8Array(8), 'emv')).toThrow(refused('KEY'));
  });

  it('binds the new PIN of Visa cards to the current one', () => {
    const key = bytes('00112233445566778899AABBCCDDEEFF');
    const block = (current?: string) =>
      toHex(
        visaPinChangeBlock(key, pinFromText('12345'), current === undefined ? current : pinFromText(current)),
      );
    expect(block()).toBe('0512345FBBAA9988');
    expect(block('98765')).toBe('9D64645FBBAA9988');
    expect(() => block('123')).toThrow(expect.objectContaining({ code: 'FORMAT' }));
  });

  it('refuses what no key can be derived from', () => {
    expect(() => emv.iccMasterKey(new Uint8Array(8), '4761739001010010', '00')).toThrow();
    expect(() => emv.iccMasterKey(new Uint8Array(16), '4761D', '00')).toThrow();
    expect(() => emv.sessionKeyCsk(new Uint8Array(16), new Uint8Array(7))).toThrow();
    const key = new Uint8Array(16);
    const tree = { height: 8, branchFactor: 4, iv: key };
    for (const work of [
      () => emv.sessionKeyMastercard(key, NO_ATC, new Uint8Array(3)),
      () => emv.sessionKeyPboc(key, new Uint8Array(1)),
      () => emv.sessionKeyVisaXor(key, new Uint8Array(3)),
      () => emv.arpcMethod1(key, new Uint8Array(7), NO_ATC),
      () => emv.arpcMethod1(key, new Uint8Array(8), new Uint8Array(3)),
      () => emv.arpcMethod2(key, new Uint8Array(7), new Uint8Array(4)),
      () => emv.arpcMethod2(key, new Uint8Array(8), new Uint8Array(3)),
      () => emv.arpcMethod2(key, new Uint8Array(8), new Uint8Array(4), new Uint8Array(9)),
      () => emv.sessionKeyTree(key, NO_ATC, { ...tree, height: 0 }),
      () => emv.sessionKeyTree(key, NO_ATC, { ...tree, branchFactor: 17 }),
      () => emv.sessionKeyTree(key, NO_ATC, { ...tree, iv: new Uint8Array(8) }),
      () => emv.sessionKeyTree(key, bytes('0010'), { ...tree, height: 2 }),
    ]) {
      expect(work).toThrow(expect.objectContaining({ code: 'FORMAT' }));
    }
  });
});
