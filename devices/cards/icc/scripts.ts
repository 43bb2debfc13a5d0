import { tdesCbcDecrypt } from '../../../src/crypto/des.ts';
import { scriptMac } from '../../../src/crypto/emv-keys.ts';
import { decodePinBlock } from '../../../src/crypto/pin-block.ts';
import { concat, equalBytes, toHex } from '../../../src/platform/bytes.ts';
import { tagHex } from '../../../src/tlv/ber.ts';
import { type Command, SW, status } from './apdu.ts';
import { type Chip, type Selected, selectedIn } from './chip.ts';
import { atcBytes } from './profile.ts';

/** Issuer script commands (EMV Book 3, section 6.5 and Book 2, section 9), with the MAC at the end. */

const MAC_LENGTHS: readonly number[] = [8, 7, 6, 5, 4];

/** What a command does once its MAC is proven; the status word says whether it could. */
type Action = (chip: Chip, selected: Selected, command: Command, payload: Uint8Array) => number;

const ACTIONS: ReadonlyMap<number, Action> = new Map<number, Action>([
  [0x1e, blockApplication],
  [0x18, unblockApplication],
  [0x16, blockCard],
  [0x24, changePin],
  [0xda, putData],
]);

/** True for the instructions that scripts may carry. */
export function isScriptInstruction(ins: number): boolean {
  return ACTIONS.has(ins);
}

/**
 * Runs one script command: after an ARQC of this transaction, also at the second presentment of a contactless card,
 * and with a MAC that the issuer's key makes.
 */
export function runScript(chip: Chip, command: Command): Uint8Array {
  const action = ACTIONS.get(command.ins);
  if (action === undefined) return status(SW.instructionNotSupported);
  const selected = selectedIn(chip, 'selected', 'online', 'done');
  if (selected === undefined || chip.session.arqc === undefined) return status(SW.conditionsNotSatisfied);
  if (command.data.length < 4) return status(SW.wrongLength);
  const payload = authenticPayload(chip, selected, command, chip.session.arqc);
  const sw = payload === undefined ? SW.wrongMac : action(chip, selected, command, payload);
  const { memory } = selected;
  if (sw === SW.ok) memory.scriptCount++;
  else memory.scriptFailed = true;
  return status(sw);
}

/** The command's data without the MAC, or `undefined` when no MAC of four to eight bytes fits. */
function authenticPayload(
  chip: Chip,
  { application, memory }: Selected,
  command: Command,
  arqc: Uint8Array,
): Uint8Array | undefined {
  const { data } = command;
  const atc = atcBytes(memory.atc);
  const key = application.scheme.scriptKey(chip.keys.smi, atc, arqc);
  const header = Uint8Array.of(command.cla, command.ins, command.p1, command.p2, data.length);
  for (const length of MAC_LENGTHS) {
    if (length > data.length) continue;
    const payload = data.subarray(0, data.length - length);
    const mac = scriptMac(key, concat(header, atc, arqc, payload));
    if (equalBytes(mac.subarray(0, length), data.subarray(data.length - length))) return payload;
  }
  return undefined;
}

function blockApplication(_chip: Chip, { memory }: Selected): number {
  memory.blocked = true;
  return SW.ok;
}

function unblockApplication(_chip: Chip, { memory }: Selected): number {
  memory.blocked = false;
  return SW.ok;
}

function blockCard(chip: Chip): number {
  chip.memory.cardBlocked = true;
  return SW.ok;
}

/** PIN CHANGE/UNBLOCK: P2 00 restores the tries; 01 and 02 bring a new PIN, enciphered, as format 2 block. */
function changePin(chip: Chip, selected: Selected, command: Command, payload: Uint8Array): number {
  const { pin } = chip.memory;
  const { arqc } = chip.session;
  if (pin === undefined || arqc === undefined) return SW.referenceDataUnusable;
  if (command.p2 > 2) return SW.wrongP1P2;
  if (command.p2 !== 0) {
    if (payload.length !== 8 && payload.length !== 16) return SW.wrongLength;
    const atc = atcBytes(selected.memory.atc);
    const key = selected.application.scheme.scriptKey(chip.keys.smc, atc, arqc);
    const block = tdesCbcDecrypt(key, payload).subarray(0, 8);
    const decoded = decodePinBlock({ format: 2, block });
    if (decoded.kind === 'invalid') return SW.wrongData;
    pin.digits = decoded.pin;
    pin.changed = true;
  }
  pin.triesLeft = pin.tries;
  return SW.ok;
}

/** PUT DATA changes objects that GET DATA reads, keeping their lengths. */
function putData(
  _chip: Chip,
  { application, memory }: Selected,
  command: Command,
  payload: Uint8Array,
): number {
  const tag = command.p1 === 0 ? command.p2 : (command.p1 << 8) | command.p2;
  const present = application.file.data?.get(tag);
  if (present === undefined) return SW.referencedDataNotFound;
  if (payload.length !== present.length) return SW.wrongLength;
  memory.changed = { ...memory.changed, [tagHex(tag)]: toHex(payload) };
  return SW.ok;
}
