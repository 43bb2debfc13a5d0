import { ddaDynamicData, signDynamicData } from '../../../src/crypto/certificates.ts';
import { arpcMethod1, arpcMethod2, sessionKey } from '../../../src/crypto/emv-keys.ts';
import { concat, equalBytes } from '../../../src/platform/bytes.ts';
import { encodeTlv } from '../../../src/tlv/ber.ts';
import { answer, type Command, SW, status } from './apdu.ts';
import { type Chip, type Selected, selectedIn } from './chip.ts';
import { countOnline } from './cryptogram.ts';
import { atcBytes } from './profile.ts';

/** Length of the ICC dynamic number, tag 9F4C. */
export const DYNAMIC_NUMBER_LENGTH = 8;

const AIP_DDA = 0x20;
const AIP_ISSUER_AUTHENTICATION = 0x04;

/** Second byte of the card status update of ARPC method 2. */
const CSU = { approved: 0x80, blockCard: 0x40, blockApplication: 0x20, updateTries: 0x10 } as const;

/** GET CHALLENGE: eight random bytes. */
export function getChallenge(chip: Chip, command: Command): Uint8Array {
  if (command.p1 !== 0 || command.p2 !== 0) return status(SW.wrongP1P2);
  if (command.hasData) return status(SW.wrongLength);
  chip.session.challenge = chip.random.bytes(8);
  return answer(chip.session.challenge);
}

/** INTERNAL AUTHENTICATE: the dynamic signature of DDA over the terminal's data. */
export function internalAuthenticate(chip: Chip, command: Command): Uint8Array {
  if (command.p1 !== 0 || command.p2 !== 0) return status(SW.wrongP1P2);
  const selected = selectedIn(chip, 'initiated');
  const { signer } = chip.keys;
  if (selected === undefined || signer === undefined) return status(SW.conditionsNotSatisfied);
  const { application } = selected;
  if (((application.file.aip[0] as number) & AIP_DDA) === 0) return status(SW.conditionsNotSatisfied);
  if (command.data.length !== application.ddol?.length) return status(SW.wrongLength);
  const dynamic = ddaDynamicData(chip.random.bytes(DYNAMIC_NUMBER_LENGTH));
  const signature = signDynamicData(signer, dynamic, command.data);
  chip.session.ddaPerformed = true;
  return answer(
    application.file.responseFormat === 1
      ? encodeTlv(0x80, signature)
      : encodeTlv(0x77, encodeTlv(0x9f4b, signature)),
  );
}

/** EXTERNAL AUTHENTICATE: the issuer's answer to the ARQC, once per transaction. */
export function externalAuthenticate(chip: Chip, command: Command): Uint8Array {
  if (command.p1 !== 0 || command.p2 !== 0) return status(SW.wrongP1P2);
  const selected = waitingForIssuer(chip);
  if (selected === undefined || chip.session.issuerAuthentication !== 'none') {
    return status(SW.conditionsNotSatisfied);
  }
  if (command.data.length < 8 || command.data.length > 16) return status(SW.wrongLength);
  const passed = authenticateIssuer(chip, selected, command.data);
  // No second cryptogram follows a second presentment: the counters move now.
  if (passed && chip.session.phase === 'selected') countOnline(selected);
  return status(passed ? SW.ok : SW.authenticationFailed);
}

/** The application after its ARQC when it wants this command, or at the second presentment of a contactless card. */
function waitingForIssuer(chip: Chip): Selected | undefined {
  if (chip.session.arqc === undefined) return undefined;
  const again = selectedIn(chip, 'selected');
  if (again !== undefined) return again;
  const selected = selectedIn(chip, 'online');
  const aip = selected?.application.file.aip[0] ?? 0;
  return (aip & AIP_ISSUER_AUTHENTICATION) === 0 ? undefined : selected;
}

/**
 * Checks issuer authentication data (tag 91) against the ARQC and remembers the result; a valid card status
 * update takes effect at once.
 */
export function authenticateIssuer(chip: Chip, selected: Selected, data: Uint8Array): boolean {
  const { session } = chip;
  const { scheme } = selected.application;
  const { arqc } = session;
  if (arqc === undefined) return false;
  const atc = atcBytes(selected.memory.atc);
  const key =
    scheme.arpcKey === 'master'
      ? chip.keys.ac
      : sessionKey(scheme.sessionKey, chip.keys.ac, atc, session.terminal.get(0x9f37) ?? new Uint8Array(4));
  let passed: boolean;
  if (scheme.arpcMethod === 1) {
    passed =
      data.length >= 10 && equalBytes(arpcMethod1(key, arqc, data.subarray(8, 10)), data.subarray(0, 8));
  } else {
    const update = data.subarray(4, 8);
    const expected = arpcMethod2(key, arqc, update, data.subarray(8));
    passed = data.length >= 8 && equalBytes(expected, data.subarray(0, 4));
    if (passed) applyStatusUpdate(chip, selected, update);
  }
  session.issuerAuthentication = passed ? 'passed' : 'failed';
  selected.memory.issuerAuthenticationFailed = !passed;
  return passed;
}

function applyStatusUpdate(chip: Chip, selected: Selected, update: Uint8Array): void {
  const { memory, session } = chip;
  const flags = update[1] as number;
  session.issuerApproves = (flags & CSU.approved) !== 0;
  if (flags & CSU.blockCard) memory.cardBlocked = true;
  if (flags & CSU.blockApplication) selected.memory.blocked = true;
  if (flags & CSU.updateTries && memory.pin !== undefined) {
    memory.pin.triesLeft = Math.min((update[0] as number) & 15, memory.pin.tries);
  }
}

/** Input of the fDDA signature, version 01: what the terminal sent and the card authentication related data. */
export function fastDdaInput(
  terminal: ReadonlyMap<number, Uint8Array>,
  authenticationRelated: Uint8Array,
): Uint8Array {
  const part = (tag: number, length: number) => terminal.get(tag) ?? new Uint8Array(length);
  return concat(part(0x9f37, 4), part(0x9f02, 6), part(0x5f2a, 2), authenticationRelated);
}
