import { describe, expect, it } from 'vitest';
import * as emv from '../../src/crypto/emv-keys.ts';
import { toHex } from '../../src/platform/bytes.ts';
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

  it('refuses what no key can be derived from', () => {
    expect(() => emv.iccMasterKey(new Uint8Array(8), '4761739001010010', '00')).toThrow();
    expect(() => emv.iccMasterKey(new Uint8Array(16), '4761D', '00')).toThrow();
    expect(() => emv.sessionKeyCsk(new Uint8Array(16), new Uint8Array(7))).toThrow();
  });
});
