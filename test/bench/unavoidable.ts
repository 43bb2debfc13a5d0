import { ddaDynamicData, rsaSigner, signDynamicData } from '../../src/crypto/certificates.ts';
import {
  initialKey,
  macRequestKey,
  macResponseKey,
  nextKsn,
  nonReversibleKey,
  transactionKey,
} from '../../src/crypto/dukpt-tdes.ts';
import { applicationCryptogram, arpcMethod1, iccMasterKey } from '../../src/crypto/emv-keys.ts';
import { retailMac } from '../../src/crypto/mac.ts';
import { rsaKeyFromPrimes } from '../../src/crypto/rsa.ts';
import { buildField55 } from '../../src/emv/field55.ts';
import { recoverIccKey, recoverIssuerKey } from '../../src/emv/oda/certificates.ts';
import { verifySdad } from '../../src/emv/oda/signatures.ts';
import { TAG } from '../../src/emv/tags.ts';
import { compileCodec, type IsoMessage, isoMessage, macInput, packWithMac } from '../../src/iso8583/index.ts';
import { concat, fromHex, latin1, toHex } from '../../src/platform/bytes.ts';
import { Secret } from '../../src/platform/secret.ts';
import { sealer } from '../../src/secure/sealer.ts';
import { encodeTlv, parseTlv, type Tlv } from '../../src/tlv/ber.ts';
import { buildDol } from '../../src/tlv/dol.ts';
import { tireless } from './support.ts';
import type { TapRig, TapStory } from './tap-rig.ts';

const AMOUNT_OTHER_AS_ZEROS = new Map([[0x9f03, 6]]);

/** What no implementation of a tap gets around: the bare calls with the data of a real one, one after the other. */
export interface Unavoidable {
  offline(): void;
  online(): void;
}

const NONE = new Uint8Array(0);

/** @param rig whose taps give the data */
export async function unavoidableWork(rig: TapRig): Promise<Unavoidable> {
  const offline = await rig.story('offline');
  const online = await rig.story('online');
  const card = cardSide();
  const authenticate = dataAuthentication(rig, offline);
  const authenticateOnline = dataAuthentication(rig, online);
  const exchange = hostExchange(rig, online);
  const offlineObjects = cardObjects(offline);
  const onlineObjects = cardObjects(online);
  return {
    offline() {
      offlineObjects();
      card.cryptogram();
      authenticate(card.sign());
    },
    online() {
      onlineObjects();
      const cryptogram = card.cryptogram();
      authenticateOnline(card.sign());
      exchange(cryptogram);
    },
  };
}

function cardFile() {
  const file = tireless();
  if (file.kind !== 'icc' || file.rsa === undefined || file.issuer.imkAc === undefined) {
    throw new Error('the tap card has no keys');
  }
  return { ...file, rsa: file.rsa, imkAc: file.issuer.imkAc };
}

/** Data of the length that a card enciphers and signs; what they say does not change the work. */
const CRYPTOGRAM_DATA = new Uint8Array(33).fill(0x5a);
const SIGNED_BY_TERMINAL = new Uint8Array(19).fill(0xa5);

/** The card's cryptogram, and its RSA private operation. */
function cardSide() {
  const { rsa, imkAc, pan, psn } = cardFile();
  const master = iccMasterKey(imkAc, pan, psn);
  const signer = rsaSigner(rsaKeyFromPrimes(rsa.primeP, rsa.primeQ, rsa.exponent));
  return {
    cryptogram: () => applicationCryptogram(master, CRYPTOGRAM_DATA, 'iso1'),
    sign: () => signDynamicData(signer, ddaDynamicData(Uint8Array.of(0, 7)), SIGNED_BY_TERMINAL),
  };
}

/** Certificate of the card, under the issuer's key that is known by now, and the dynamic signature. */
function dataAuthentication(rig: TapRig, { result, responses }: TapStory): (sdad: Uint8Array) => void {
  const object = (tag: number) => result.data.get(tag) ?? NONE;
  const ca = rig.settings.emv.caKeys.find(
    (key) =>
      key.index === object(TAG.caKeyIndex)[0] && key.rid.every((byte, i) => byte === object(TAG.dfName)[i]),
  );
  if (ca === undefined) throw new Error('the terminal has no CA key for the tap card');
  const issuer = recoverIssuerKey(ca, {
    certificate: object(TAG.issuerCertificate),
    remainder: object(TAG.issuerRemainder),
    exponent: object(TAG.issuerExponent),
  });
  if (!issuer.ok) throw new Error(issuer.reason);
  const signedRecord = responses.map(parsed).find((items) => items.some(({ tag }) => tag === 0x70))?.[0];
  const staticData = concat(signedRecord?.value ?? NONE, object(TAG.aip));
  const input = {
    certificate: object(TAG.iccCertificate),
    remainder: object(TAG.iccRemainder),
    exponent: object(TAG.iccExponent),
  };
  return (sdad) => {
    const icc = recoverIccKey(issuer.value, input, staticData);
    const verified = icc.ok ? verifySdad(icc.value, sdad, SIGNED_BY_TERMINAL) : icc;
    if (!verified.ok) throw new Error(verified.reason);
  };
}

function parsed(response: Uint8Array): readonly Tlv[] {
  const result = parseTlv(response.subarray(0, -2));
  return result.ok ? result.items : [];
}

/** The card writes its answer to GET PROCESSING OPTIONS, the terminal its PDOL data; and it reads all answers. */
function cardObjects({ result, responses }: TapStory): () => void {
  const pdol = result.data.get(TAG.pdol) ?? NONE;
  const gpo = responses.map(parsed).find((items) => items[0]?.tag === 0x77)?.[0];
  const objects = gpo?.children ?? [];
  if (pdol.length === 0 || objects.length === 0) throw new Error('the tap shows no PDOL or no answer to it');
  return () => {
    for (const response of responses) parsed(response);
    buildDol(pdol, (tag) => result.data.get(tag));
    encodeTlv(0x77, concat(...objects.map(({ tag, value }) => encodeTlv(tag, value))));
  };
}

/** A key for the message, the request with its MAC, the host's checks, the answer with its MAC. */
function hostExchange(rig: TapRig, { result }: TapStory): (cryptogram: Uint8Array) => void {
  const { profile, bdks } = rig.host;
  const codec = compileCodec(profile.message);
  const chipTags = (profile.chipTags ?? []).map((tag) => Number.parseInt(tag, 16));
  const { imkAc, pan, psn } = cardFile();
  const [bdk = NONE] = Object.values(bdks);
  const first = nextKsn(rig.settings.keys?.ksn ?? NONE);
  if (first === undefined) throw new Error('the demo terminal has no KSN');
  const initial = initialKey(bdk, first);
  let ksn: Uint8Array = first;
  const seals = sealer(new Secret(new Uint8Array(32), 'storage key'));
  let register: Uint8Array = initial;
  let sealed = seals.seal(register, 'register');
  const request = {
    3: '000000',
    4: '000000006000',
    11: '000001',
    14: '3012',
    22: '072',
    23: '001',
    24: profile.nii,
    25: '00',
    35: '4761739001010119=30122010000099900000',
    41: '10000001',
    42: '898310048160001',
    49: '840',
    62: '000001',
  };
  const response = {
    ...request,
    12: '120000',
    13: '1121',
    35: undefined,
    37: '000000000001',
    38: 'A00001',
    39: '00',
  };
  const checked = (packed: Uint8Array, key: Uint8Array): IsoMessage => {
    const unpacked = codec.unpack(packed);
    const input = macInput(packed, codec);
    if (!unpacked.ok || input === undefined) throw new Error('a message of our own cannot be read');
    if (toHex(retailMac(key, input)) !== toHex(unpacked.message.fields[64] as Uint8Array)) {
      throw new Error('a MAC of our own is wrong');
    }
    return unpacked.message;
  };
  return (cryptogram) => {
    ksn = nextKsn(ksn) ?? first;
    // The register of the next key, which rests enciphered.
    register = seals.open(sealed, 'register') ?? register;
    sealed = seals.seal(nonReversibleKey(register, ksn.subarray(2)), 'register');
    // Both ends reach the same key; the terminal by its registers, the host from the start.
    const key = transactionKey(initial, ksn);
    const chip = buildField55(result.data, chipTags, AMOUNT_OTHER_AS_ZEROS);
    const sent = packWithMac(isoMessage('0200', { ...request, 53: ksn, 55: chip }), codec, (input) =>
      retailMac(macRequestKey(key), input),
    );
    const received = checked(sent, macRequestKey(key));
    parseTlv(received.fields[55] as Uint8Array);
    const master = iccMasterKey(imkAc, pan, psn);
    applicationCryptogram(master, CRYPTOGRAM_DATA, 'iso1');
    const arpc = concat(arpcMethod1(master, cryptogram, latin1('00')), fromHex('3030'));
    const answer = packWithMac(
      isoMessage('0210', { ...response, 55: encodeTlv(0x91, arpc) }),
      codec,
      (input) => retailMac(macResponseKey(key), input),
    );
    parseTlv(checked(answer, macResponseKey(key)).fields[55] as Uint8Array);
  };
}
