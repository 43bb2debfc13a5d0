import { cdaDynamicData, signDynamicData } from '../../../src/crypto/certificates.ts';
import { concat, fromLatin1 } from '../../../src/platform/bytes.ts';
import { encodeTlv } from '../../../src/tlv/ber.ts';
import { answer, type Command, SW, status } from './apdu.ts';
import { authenticateIssuer, DYNAMIC_NUMBER_LENGTH } from './authentication.ts';
import type { CryptogramType } from './card-verification.ts';
import { type Chip, type Selected, selectedIn } from './chip.ts';
import {
  type CryptogramRequest,
  countOffline,
  countOnline,
  isHomeCurrency,
  type MadeCryptogram,
  makeCryptogram,
  wantsOnline,
} from './cryptogram.ts';
import { splitDolData } from './profile.ts';

const AIP_CDA = 0x01;
const P1_CDA = 0x10;
const REASON_ISSUER_AUTHENTICATION_FAILED = 3;
const REQUESTED: readonly (CryptogramType | undefined)[] = ['aac', 'tc', 'arqc', undefined];
/** Authorisation response codes that the terminal makes when the issuer cannot be reached. */
const UNABLE_CODES: readonly string[] = ['Y3', 'Z3'];

/** GENERATE AC, first or second of the transaction. */
export function generateAc(chip: Chip, command: Command): Uint8Array {
  const requested = REQUESTED[command.p1 >> 6];
  if (requested === undefined || (command.p1 & 0x2f) !== 0 || command.p2 !== 0) return status(SW.wrongP1P2);
  const selected = selectedIn(chip, 'initiated', 'online');
  if (selected === undefined || selected.application.file.profile !== 'emv') {
    return status(SW.conditionsNotSatisfied);
  }
  const first = chip.session.phase === 'initiated';
  const dol = first ? selected.application.cdol1 : selected.application.cdol2;
  if (dol === undefined) return status(SW.conditionsNotSatisfied);
  if (command.data.length !== dol.length) return status(SW.wrongLength);
  splitDolData(dol, command.data, chip.session.terminal);
  const cda = (command.p1 & P1_CDA) !== 0 && ((selected.application.file.aip[0] as number) & AIP_CDA) !== 0;
  return first
    ? firstCryptogram(chip, selected, requested, command.data, cda)
    : secondCryptogram(chip, selected, requested, command.data, cda);
}

function firstCryptogram(
  chip: Chip,
  selected: Selected,
  requested: CryptogramType,
  data: Uint8Array,
  cda: boolean,
): Uint8Array {
  const { session } = chip;
  const online = wantsOnline(chip, selected);
  const type = requested === 'tc' && online ? 'arqc' : requested;
  session.cdol1Data = data.slice();
  session.firstType = type;
  const made = makeCryptogram(chip, selected, { first: type, cda: cda && type !== 'aac' });
  session.phase = type === 'arqc' ? 'online' : 'done';
  if (type === 'arqc') {
    session.arqc = made.cryptogram;
    selected.memory.onlineNotCompleted = true;
  }
  if (type === 'tc') countOffline(chip, selected);
  return respond(chip, selected, made, cda && type !== 'aac', concat(session.pdolData, data));
}

function secondCryptogram(
  chip: Chip,
  selected: Selected,
  requested: CryptogramType,
  data: Uint8Array,
  cda: boolean,
): Uint8Array {
  const { session } = chip;
  const unable = UNABLE_CODES.includes(fromLatin1(session.terminal.get(0x8a) ?? new Uint8Array(0)));
  const inData = selected.application.cdol2?.entries.some(({ tag }) => tag === 0x91);
  const issuerData = session.terminal.get(0x91);
  if (inData && !unable && issuerData?.some((byte) => byte !== 0)) {
    authenticateIssuer(chip, selected, trimIssuerData(selected, issuerData));
  }
  const approved = requested === 'tc' && approves(chip, selected, unable);
  const failed = session.issuerAuthentication === 'failed';
  const request: CryptogramRequest = {
    first: session.firstType,
    second: approved ? 'tc' : 'aac',
    unableToGoOnline: unable,
    cda: cda && approved,
    reason: !approved && failed ? REASON_ISSUER_AUTHENTICATION_FAILED : 0,
  };
  if (!unable) selected.memory.onlineNotCompleted = false;
  const made = makeCryptogram(chip, selected, request);
  if (session.issuerAuthentication === 'passed') countOnline(selected);
  else if (approved && unable) countOffline(chip, selected);
  session.phase = 'done';
  return respond(chip, selected, made, cda && approved, concat(session.pdolData, session.cdol1Data, data));
}

/** A DOL pads 91 with zeros to its own length; method 1 uses ten bytes, method 2 eight. */
function trimIssuerData({ application }: Selected, data: Uint8Array): Uint8Array {
  return data.subarray(0, application.scheme.arpcMethod === 1 ? 10 : 8);
}

/** Whether the card goes along with an approval. */
function approves(chip: Chip, selected: Selected, unable: boolean): boolean {
  const { session } = chip;
  const { memory } = selected;
  const { limits, issuerAuthentication } = selected.application.file;
  if (memory.blocked || chip.memory.cardBlocked) return false;
  if (unable) {
    const upper = limits?.consecutiveUpper ?? Number.POSITIVE_INFINITY;
    return isHomeCurrency(chip, selected) && memory.consecutiveOffline < upper;
  }
  if (session.issuerAuthentication === 'none') return issuerAuthentication === 'optional';
  return session.issuerAuthentication === 'passed' && session.issuerApproves !== false;
}

/** The answer in the application's format; with CDA the cryptogram travels inside the signature. */
function respond(
  chip: Chip,
  selected: Selected,
  made: MadeCryptogram,
  cda: boolean,
  hashedCommands: Uint8Array,
): Uint8Array {
  const cid = Uint8Array.of(made.cid);
  const { signer } = chip.keys;
  const issuerData = encodeTlv(0x9f10, made.issuerApplicationData);
  const head = [encodeTlv(0x9f27, cid), encodeTlv(0x9f36, made.atc)];
  if (cda && signer !== undefined) {
    const hashInput = concat(hashedCommands, ...head, issuerData);
    const number = chip.random.bytes(DYNAMIC_NUMBER_LENGTH);
    const dynamic = cdaDynamicData(number, made.cid, made.cryptogram, hashInput);
    const signature = signDynamicData(
      signer,
      dynamic,
      chip.session.terminal.get(0x9f37) ?? new Uint8Array(4),
    );
    return answer(encodeTlv(0x77, [...head, encodeTlv(0x9f4b, signature), issuerData]));
  }
  if (selected.application.file.responseFormat === 1) {
    return answer(encodeTlv(0x80, concat(cid, made.atc, made.cryptogram, made.issuerApplicationData)));
  }
  return answer(encodeTlv(0x77, [...head, encodeTlv(0x9f26, made.cryptogram), issuerData]));
}
