import { ddaDynamicData, signDynamicData } from '../../../src/crypto/certificates.ts';
import { concat, toHex } from '../../../src/platform/bytes.ts';
import { encodeTlv } from '../../../src/tlv/ber.ts';
import { answer, SW, status } from './apdu.ts';
import { fastDdaInput } from './authentication.ts';
import type { CryptogramType } from './card-verification.ts';
import type { Chip, Selected } from './chip.ts';
import { countOffline, makeCryptogram, wantsOnline } from './cryptogram.ts';
import { availableOffline } from './read.ts';

/**
 * The contactless transaction of Visa's qVSDC (EMV Book C-3): one GET PROCESSING OPTIONS carries the terminal's
 * wishes in and the cryptogram out; an offline approval is signed by fDDA, version 01.
 */

/** Terminal transaction qualifiers, tag 9F66. */
const TTQ = {
  emvMode: [0, 0x20],
  offlineOnly: [0, 0x08],
  onlinePin: [0, 0x04],
  signature: [0, 0x02],
  odaForOnline: [0, 0x01],
  onlineRequired: [1, 0x80],
  cvmRequired: [1, 0x40],
  issuerUpdate: [2, 0x80],
} as const;

/** Card transaction qualifiers, tag 9F6C, first byte. */
const CTQ_ONLINE_PIN = 0x80;
const CTQ_SIGNATURE = 0x40;
/** Second byte: the cardholder was verified on the device. */
const CTQ_ON_DEVICE = 0x80;
/** Second byte: the card takes issuer data at a second presentment. */
const CTQ_ISSUER_UPDATE = 0x40;

const FDDA_VERSION = 0x01;
/** Format byte of the signature over an offline approval, and over a request for an online one. */
const FDDA_FORMAT = { offline: 0x05, online: 0x95 } as const;

/** Answers GET PROCESSING OPTIONS; the PDOL data are in the session already. */
export function quickProcessing(chip: Chip, selected: Selected): Uint8Array {
  const { session } = chip;
  const { application, memory } = selected;
  const ttq = session.terminal.get(0x9f66);
  const wants = ([byte, bit]: readonly [number, number]) => ((ttq?.[byte] ?? 0) & bit) !== 0;
  if (!wants(TTQ.emvMode)) return status(SW.conditionsNotSatisfied);
  const qualifiers = cardQualifiers(application.file.ctq, wants(TTQ.cvmRequired), {
    onlinePin: wants(TTQ.onlinePin),
    signature: wants(TTQ.signature),
  });
  if (qualifiers === undefined) return status(SW.referenceDataUnusable);
  memory.atc++;
  // A PIN that only the issuer can check is of no use offline.
  const needsIssuer = ((qualifiers[0] as number) & CTQ_ONLINE_PIN) !== 0;
  const online =
    wantsOnline(chip, selected) ||
    wants(TTQ.onlineRequired) ||
    needsIssuer ||
    application.file.limits === undefined ||
    chip.keys.signer === undefined;
  const type: CryptogramType = !online ? 'tc' : wants(TTQ.offlineOnly) ? 'aac' : 'arqc';
  session.phase = 'done';
  session.firstType = type;
  const format =
    type === 'tc' ? FDDA_FORMAT.offline : type === 'arqc' && wants(TTQ.odaForOnline) ? FDDA_FORMAT.online : 0;
  const { objects, arqc } = responseObjects(chip, selected, type, qualifiers, format);
  const updatable = wants(TTQ.issuerUpdate) && ((qualifiers[1] as number) & CTQ_ISSUER_UPDATE) !== 0;
  if (type === 'arqc' && updatable) {
    const unpredictable = toHex(session.terminal.get(0x9f37) ?? new Uint8Array(4));
    memory.waitsForIssuer = { arqc: toHex(arqc), unpredictable };
  }
  return answer(encodeTlv(0x77, objects));
}

function responseObjects(
  chip: Chip,
  selected: Selected,
  type: CryptogramType,
  qualifiers: Uint8Array,
  format: number,
): { readonly objects: Uint8Array[]; readonly arqc: Uint8Array } {
  const { application } = selected;
  const { signer } = chip.keys;
  const signed = format !== 0 && signer !== undefined;
  chip.session.ddaPerformed = signed;
  const made = makeCryptogram(chip, selected, { first: type });
  if (type === 'tc') countOffline(chip, selected);
  const objects = [encodeTlv(0x82, application.file.aip)];
  if (signed) objects.push(encodeTlv(0x94, application.afl));
  objects.push(
    encodeTlv(0x9f36, made.atc),
    encodeTlv(0x9f26, made.cryptogram),
    encodeTlv(0x9f27, Uint8Array.of(made.cid)),
    encodeTlv(0x9f10, made.issuerApplicationData),
  );
  for (const tag of [0x57, 0x5f34]) {
    const value = application.objects.get(tag);
    if (value !== undefined) objects.push(encodeTlv(tag, value));
  }
  objects.push(encodeTlv(0x9f6c, qualifiers));
  const { formFactor } = application.file;
  if (formFactor !== undefined) objects.push(encodeTlv(0x9f6e, formFactor));
  if (signed) {
    const related = concat(Uint8Array.of(FDDA_VERSION), chip.random.bytes(4), qualifiers);
    const signature = signDynamicData(
      signer,
      ddaDynamicData(made.atc),
      fastDdaInput(chip.session.terminal, related),
      format,
    );
    objects.push(encodeTlv(0x9f69, related), encodeTlv(0x9f4b, signature));
    const available = availableOffline(selected);
    if (available !== undefined) objects.push(encodeTlv(0x9f5d, available));
  }
  return { objects, arqc: made.cryptogram };
}

/**
 * The qualifiers of this transaction: when the reader wants the cardholder verified, the card chooses among
 * what both can do. `undefined` when they have no way in common.
 */
function cardQualifiers(
  base: Uint8Array | undefined,
  cvmRequired: boolean,
  reader: { readonly onlinePin: boolean; readonly signature: boolean },
): Uint8Array | undefined {
  const qualifiers = Uint8Array.from(base ?? [0, 0]);
  const able = qualifiers[0] as number;
  qualifiers[0] = able & ~(CTQ_ONLINE_PIN | CTQ_SIGNATURE);
  if (!cvmRequired || ((qualifiers[1] as number) & CTQ_ON_DEVICE) !== 0) return qualifiers;
  if (able & CTQ_ONLINE_PIN && reader.onlinePin) qualifiers[0] |= CTQ_ONLINE_PIN;
  else if (able & CTQ_SIGNATURE && reader.signature) qualifiers[0] |= CTQ_SIGNATURE;
  else return undefined;
  return qualifiers;
}
