import {
  applicationCryptogram,
  arpcMethod1,
  arpcMethod2,
  iccMasterKey,
  scriptMac,
  sessionKey,
} from '../../src/crypto/emv-keys.ts';
import { concat, equalBytes, latin1, toHex } from '../../src/platform/bytes.ts';
import { type CryptogramScheme, cryptogramInput, SCHEMES } from './icc/scheme.ts';
import type { ApplicationFile, CardFile, CryptogramName } from './schema.ts';

/** A data object of the transaction by tag, card's or terminal's. */
export type ObjectSource = (tag: number) => Uint8Array | undefined;

/** What a card's issuer can do with the keys in the card file. */
export interface CardIssuer {
  /** Whether 9F26 is the card's cryptogram over these objects. */
  verifies(object: ObjectSource): boolean;
  /**
   * Issuer authentication data, tag 91, for the cryptogram 9F26.
   * @param arc authorisation response code, two characters as in tag 8A
   */
  authenticationData(
    object: ObjectSource,
    answer: { arc: string; approved: boolean },
  ): Uint8Array | undefined;
  /**
   * One script command with its MAC, as it stands in tag 86.
   * @param header CLA INS P1 P2
   * @param payload data before the MAC
   */
  scriptCommand(
    object: ObjectSource,
    header: Uint8Array,
    payload: Uint8Array,
    macLength?: number,
  ): Uint8Array | undefined;
}

/** Card status update of ARPC method 2: "issuer approves" with the counters reset, or nothing. */
const CSU_APPROVED = Uint8Array.of(0x00, 0x82, 0x00, 0x00);
const CSU_DECLINED = new Uint8Array(4);

/**
 * The issuer of a card, or `undefined` when the file holds no issuer keys (or no chip). Replay cards need
 * `issuer.cryptogram` besides the keys.
 */
export function issuerOf(file: CardFile): CardIssuer | undefined {
  const { issuer } = file;
  if (issuer?.imkAc === undefined) return undefined;
  const { imkAc, imkSmi = imkAc, masterKeyOption } = issuer;
  const derive = (imk: Uint8Array, object: ObjectSource): Uint8Array | undefined => {
    const card = cardNumber(file, object);
    return card && iccMasterKey(imk, card.pan, card.psn, masterKeyOption);
  };
  return {
    verifies(object) {
      const scheme = schemeOf(file, object);
      const keys = scheme && cryptogramKeys(scheme, derive(imkAc, object), object);
      const cryptogram = object(0x9f26);
      const issuerApplicationData = object(0x9f10);
      const [aip, atc] = [object(0x82), object(0x9f36)];
      if (!scheme || !keys || !cryptogram || !issuerApplicationData || !aip || !atc) return false;
      const input = cryptogramInput(scheme, object, { aip, atc, issuerApplicationData });
      return equalBytes(applicationCryptogram(keys.session, input, scheme.padding), cryptogram);
    },
    authenticationData(object, { arc, approved }) {
      const scheme = schemeOf(file, object);
      const keys = scheme && cryptogramKeys(scheme, derive(imkAc, object), object);
      const cryptogram = object(0x9f26);
      if (!scheme || !keys || cryptogram?.length !== 8) return undefined;
      const key = scheme.arpcKey === 'master' ? keys.master : keys.session;
      if (scheme.arpcMethod === 1) {
        const code = latin1(arc);
        return concat(arpcMethod1(key, cryptogram, code), code);
      }
      const update = approved ? CSU_APPROVED : CSU_DECLINED;
      return concat(arpcMethod2(key, cryptogram, update), update);
    },
    scriptCommand(object, header, payload, macLength = 8) {
      const scheme = schemeOf(file, object);
      const master = derive(imkSmi, object);
      const [atc, cryptogram] = [object(0x9f36), object(0x9f26)];
      if (!scheme || !master || atc?.length !== 2 || cryptogram?.length !== 8) return undefined;
      const length = Uint8Array.of(payload.length + macLength);
      const key = scheme.scriptKey(master, atc, cryptogram);
      const mac = scriptMac(key, concat(header, length, atc, cryptogram, payload));
      return concat(header, length, payload, mac.subarray(0, macLength));
    },
  };
}

function cryptogramKeys(
  scheme: CryptogramScheme,
  master: Uint8Array | undefined,
  object: ObjectSource,
): { readonly master: Uint8Array; readonly session: Uint8Array } | undefined {
  const atc = object(0x9f36);
  if (master === undefined || atc?.length !== 2) return undefined;
  const unpredictable = object(0x9f37) ?? new Uint8Array(4);
  return { master, session: sessionKey(scheme.sessionKey, master, atc, unpredictable) };
}

/** The scheme of the application in use: of the selected AID when the file has several. */
function schemeOf(file: CardFile, object: ObjectSource): CryptogramScheme | undefined {
  let name: CryptogramName | undefined = file.issuer?.cryptogram;
  if (name === undefined && file.kind === 'icc') {
    const applications: ApplicationFile[] = [
      ...(file.contact?.applications ?? []),
      ...(file.contactless?.applications ?? []),
    ];
    const aid = object(0x84) ?? object(0x4f) ?? object(0x9f06);
    const data = object(0x9f10);
    const fits = applications.filter(
      ({ aid: own }) => aid === undefined || toHex(own).startsWith(toHex(aid)),
    );
    // Contact and contactless side may share the AID and differ in the version, which 9F10 tells.
    name = (fits.find(({ cryptogram }) => tells(cryptogram, data)) ?? fits[0])?.cryptogram;
  }
  return name && SCHEMES[name];
}

const VERSION_BYTE: Readonly<Record<CryptogramName, readonly [position: number, value: number]>> = {
  'visa-cvn10': [2, 0x0a],
  'visa-cvn18': [2, 0x12],
  'mchip-cvn16': [1, 0x10],
  'mchip-cvn20': [1, 0x14],
  'unionpay-cvn01': [2, 0x01],
};

function tells(name: CryptogramName, issuerApplicationData: Uint8Array | undefined): boolean {
  const [position, value] = VERSION_BYTE[name];
  return issuerApplicationData?.[position] === value;
}

/** PAN and sequence number: of the file, or of what the card told the terminal. */
function cardNumber(
  file: CardFile,
  object: ObjectSource,
): { readonly pan: string; readonly psn: string } | undefined {
  if (file.kind === 'icc') return { pan: file.pan, psn: file.psn };
  const plain = toHex(object(0x5a) ?? new Uint8Array(0)).replace(/F*$/, '');
  const pan = plain || (toHex(object(0x57) ?? new Uint8Array(0)).split('D')[0] ?? '');
  const psn = toHex(object(0x5f34) ?? Uint8Array.of(0));
  return /^\d{8,19}$/.test(pan) && /^\d{2}$/.test(psn) ? { pan, psn } : undefined;
}
