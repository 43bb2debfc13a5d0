import { createHash } from 'node:crypto';
import { caKeyChecksum } from '../../crypto/certificates.ts';
import { encodePinBlock } from '../../crypto/pin-block.ts';
import { encipherOfflinePin } from '../../crypto/pin-encipher.ts';
import { rsaPublic } from '../../crypto/rsa.ts';
import * as oda from '../../emv/oda/certificates.ts';
import { iccDynamicNumber, readCdaDynamicData, verifySdad, verifySsad } from '../../emv/oda/signatures.ts';
import { equalBytes, toHex } from '../../platform/bytes.ts';
import { PossumError } from '../../platform/errors.ts';
import { systemRandom } from '../../platform/random.ts';
import { type Answer, type Fields, fault, type Topic } from './fields.ts';
import { pinDigits } from './pin.ts';

/** Offline data authentication and offline enciphered PIN, EMV Book 2, sections 5 to 7. */
export const emvOda: Topic = {
  chain,
  reject: chain,
  'capk-checksum': (input) => {
    const [index] = input.hex('capkIndex', 1);
    const [modulus, exponent] = [input.hex('caModulus'), input.hex('caExponent')];
    return { checksumSha1: toHex(caKeyChecksum(input.hex('rid', 5), index as number, modulus, exponent)) };
  },
  'pin-encipherment': (input) => {
    const card = { modulus: modulusOf(input, 'iccModulus'), exponent: input.hex('iccExponent') };
    const block = encodePinBlock({ format: 2, pin: pinDigits(input) });
    const room = Math.max(0, card.modulus.length - 17);
    const padding = input.has('randomPadding') ? input.hex('randomPadding') : systemRandom().bytes(room);
    const enciphered = encipherOfflinePin(card, block, input.hex('iccUnpredictableNumber', 8), padding);
    return { pinBlock: toHex(block), randomPadding: toHex(padding), encipheredPinData: toHex(enciphered) };
  },
};

/** Before any expiry date: dates are shown, not judged. */
const ANY_DATE = '500101';
const NONE = new Uint8Array(0);

function taken<T>(step: string, result: oda.OdaResult<T>): T {
  if (result.ok) return result.value;
  throw new PossumError('FORMAT', `${result.reason} (${result.code})`, { where: step });
}

/** Above 248 bytes EMV knows no keys (Book 2, annex B2.1); arithmetic on long ones would take its time. */
function modulusOf(input: Fields, name: string): Uint8Array {
  const modulus = input.hex(name);
  if (modulus.length > 248) throw fault(name, `has ${modulus.length} bytes instead of at most 248`);
  return modulus;
}

function chain(input: Fields): Answer {
  const ca = {
    rid: NONE,
    index: 0,
    modulus: modulusOf(input, 'caModulus'),
    exponent: input.hex('caExponent'),
  };
  const certificate = input.hex('issuerCertificate');
  const issuer = taken(
    'issuer certificate',
    oda.recoverIssuerKey(ca, {
      certificate,
      remainder: input.hexOr('issuerRemainder', NONE),
      exponent: input.hex('issuerExponent'),
    }),
  );
  const pan = input.has('pan') ? panOf(input) : undefined;
  if (pan !== undefined) taken('issuer certificate', oda.checkIssuer(issuer, pan, ANY_DATE));
  const recovered = rsaPublic(ca.modulus, ca.exponent, certificate);
  const dynamic = input.has('iccCertificate') || input.has('signedDynamicApplicationData');
  return {
    issuer: {
      recovered: toHex(recovered),
      issuerIdentifier: issuer.identifier,
      ...keyFields(recovered, 6, issuer.modulus),
    },
    ...(input.has('signedStaticApplicationData') ? { sda: staticSignature(input, issuer) } : {}),
    ...(dynamic ? cardKey(input, issuer, pan) : {}),
  };
}

/** A card may pad its PAN with F. */
function panOf(input: Fields): string {
  const digits = input.text('pan').replace(/F+$/, '');
  if (/^\d{8,19}$/.test(digits)) return digits;
  throw new PossumError('FORMAT', 'does not have 8 to 19 digits', { where: 'pan' });
}

/** What issuer and ICC certificates have in common, from the expiry date on. */
function keyFields(recovered: Uint8Array, at: number, modulus: Uint8Array): Answer {
  return {
    certificateExpiry: toHex(recovered.subarray(at, at + 2)),
    certificateSerial: toHex(recovered.subarray(at + 2, at + 5)),
    hashAlgorithm: recovered[at + 5],
    publicKeyAlgorithm: recovered[at + 6],
    modulusLength: recovered[at + 7],
    exponentLength: recovered[at + 8],
    modulus: toHex(modulus),
  };
}

function staticSignature(input: Fields, issuer: oda.IssuerCertificate): Answer {
  const signed = input.hex('signedStaticApplicationData');
  const step = 'signed static application data';
  if (!input.flag('staticDataNotAvailable')) {
    taken(step, verifySsad(issuer, signed, input.hex('staticDataToBeAuthenticated')));
  }
  const recovered = taken(step, oda.recoverSigned(issuer, signed, 0x03, step));
  return { recovered: toHex(recovered), dataAuthenticationCode: toHex(recovered.subarray(3, 5)) };
}

function cardKey(input: Fields, issuer: oda.IssuerCertificate, pan: string | undefined): Answer {
  const step = 'ICC certificate';
  const certificate = input.hex('iccCertificate');
  const parts = {
    certificate,
    remainder: input.hexOr('iccRemainder', NONE),
    exponent: input.hex('iccExponent'),
  };
  const recovered = taken(step, oda.recoverSigned(issuer, certificate, 0x04, step));
  const icc = taken(
    step,
    input.flag('staticDataNotAvailable')
      ? oda.readIccCertificate(recovered, parts)
      : oda.recoverIccKey(issuer, parts, input.hex('staticDataToBeAuthenticated')),
  );
  taken(step, oda.checkIcc(icc, pan ?? icc.pan, ANY_DATE));
  taken('issuer certificate', oda.checkIssuer(issuer, icc.pan, ANY_DATE));
  return {
    icc: {
      recovered: toHex(recovered),
      applicationPan: toHex(recovered.subarray(2, 12)),
      ...keyFields(recovered, 12, icc.modulus),
    },
    ...(input.has('signedDynamicApplicationData') ? dynamicSignature(input, icc) : {}),
  };
}

function dynamicSignature(input: Fields, icc: oda.IccCertificate): Answer {
  const step = 'signed dynamic application data';
  const signed = input.hex('signedDynamicApplicationData');
  const data = taken(step, verifySdad(icc, signed, input.hex('dynamicDataToBeHashed')));
  const common = {
    recovered: toHex(rsaPublic(icc.modulus, icc.exponent, signed)),
    iccDynamicData: toHex(data),
    iccDynamicNumber: toHex(taken(step, iccDynamicNumber(data))),
  };
  if (!input.has('transactionDataHashInput')) return { dda: common };
  const cda = taken(step, readCdaDynamicData(data));
  const hash = createHash('sha1').update(input.hex('transactionDataHashInput')).digest();
  if (!equalBytes(hash, cda.transactionDataHash)) {
    throw new PossumError('FORMAT', 'the transaction data have another hash (HASH)', { where: step });
  }
  return {
    cda: {
      ...common,
      cryptogramInformationData: toHex(Uint8Array.of(cda.cid)),
      applicationCryptogram: toHex(cda.cryptogram),
      transactionDataHash: toHex(cda.transactionDataHash),
    },
  };
}
