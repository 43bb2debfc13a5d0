import {
  applicationCryptogram,
  arpcMethod1,
  arpcMethod2,
  type CryptogramPadding,
  iccMasterKey,
  type SessionKeyMethod,
  sessionKey,
} from '../crypto/emv-keys.ts';
import { concat, equalBytes, latin1 } from '../platform/bytes.ts';
import type { ChipData } from './chip-data.ts';
import type { CryptogramName, IssuerCard } from './config.ts';

/** One cryptogram version: where the keys come from and what goes into the MAC. */
interface CryptogramMethod {
  readonly session: SessionKeyMethod;
  readonly padding: CryptogramPadding;
  /** The part of the issuer application data that the card signs. */
  signedIad(iad: Uint8Array): Uint8Array;
  readonly arpc: 'method1-master' | 'method1-session' | 'method2-session';
  /** The cryptogram version number, where the issuer application data has it. */
  versionOf(iad: Uint8Array): number | undefined;
  readonly version: number;
}

const visaCvr = (iad: Uint8Array) => iad.subarray(3, 7);
const mchipCvr = (iad: Uint8Array) => iad.subarray(2, 8);

const METHODS: Readonly<Record<CryptogramName, CryptogramMethod>> = {
  'visa-cvn10': {
    session: 'none',
    padding: 'iso1',
    signedIad: visaCvr,
    arpc: 'method1-master',
    versionOf: (iad) => iad[2],
    version: 0x0a,
  },
  'visa-cvn18': {
    session: 'csk',
    padding: 'iso2',
    signedIad: (iad) => iad,
    arpc: 'method2-session',
    versionOf: (iad) => iad[2],
    version: 0x12,
  },
  'mchip-cvn16': {
    session: 'mastercard',
    padding: 'iso2',
    signedIad: mchipCvr,
    arpc: 'method1-master',
    versionOf: (iad) => iad[1],
    version: 0x10,
  },
  'mchip-cvn20': {
    session: 'csk',
    padding: 'iso2',
    signedIad: mchipCvr,
    arpc: 'method1-session',
    versionOf: (iad) => iad[1],
    version: 0x14,
  },
  'unionpay-cvn01': {
    session: 'pboc',
    padding: 'iso2',
    signedIad: visaCvr,
    arpc: 'method1-session',
    versionOf: (iad) => iad[2],
    version: 0x01,
  },
};

/** Objects in the order in which every supported version signs them, before the issuer application data. */
const SIGNED_TAGS: readonly number[] = [
  0x9f02, 0x9f03, 0x9f1a, 0x95, 0x5f2a, 0x9a, 0x9c, 0x9f37, 0x82, 0x9f36,
];

/** What a checked cryptogram lets the issuer do. */
export interface VerifiedChip {
  /** Tag 91 for the response code `code` (two characters). */
  issuerAuthenticationData(code: string, approved: boolean): Uint8Array;
}

/** Derived once per card: a host keeps its cards for as long as it lives. */
const masterKeys = new WeakMap<IssuerCard, { readonly imkAc: Uint8Array; readonly key: Uint8Array }>();

function masterKeyOf(card: IssuerCard, imkAc: Uint8Array): Uint8Array {
  const known = masterKeys.get(card);
  if (known?.imkAc === imkAc) return known.key;
  const key = iccMasterKey(imkAc, card.pan, card.psn, card.masterKeyOption);
  masterKeys.set(card, { imkAc, key });
  return key;
}

/**
 * Checks an ARQC or TC with the issuer's keys.
 * @param imkAc the issuer master key for cryptograms
 * @returns `undefined` when it is wrong or of another version than the card's
 */
export function verifyCryptogram(
  card: IssuerCard,
  method: CryptogramName,
  imkAc: Uint8Array,
  chip: ChipData,
): VerifiedChip | undefined {
  const rules = METHODS[method];
  if (rules.versionOf(chip.iad) !== rules.version) return undefined;
  const master = masterKeyOf(card, imkAc);
  const bytes = (tag: number) => chip.tags.get(tag) as Uint8Array;
  const session = sessionKey(rules.session, master, bytes(0x9f36), bytes(0x9f37));
  const signed = concat(...SIGNED_TAGS.map(bytes), rules.signedIad(chip.iad));
  if (!equalBytes(applicationCryptogram(session, signed, rules.padding), chip.cryptogram)) return undefined;
  return {
    issuerAuthenticationData(code, approved) {
      const arc = latin1(code);
      if (rules.arpc === 'method2-session') {
        const csu = Uint8Array.of(0, approved ? 0x80 : 0, 0, 0);
        return concat(arpcMethod2(session, chip.cryptogram, csu), csu);
      }
      const key = rules.arpc === 'method1-master' ? master : session;
      return concat(arpcMethod1(key, chip.cryptogram, arc), arc);
    },
  };
}
