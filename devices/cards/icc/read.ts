import { fromHex, numericToBytes } from '../../../src/platform/bytes.ts';
import { encodeTlv, tagHex } from '../../../src/tlv/ber.ts';
import { answer, type Command, SW, status } from './apdu.ts';
import { type Chip, type Selected, selectedIn } from './chip.ts';
import { atcBytes } from './profile.ts';

/** READ RECORD by number in the file that P2 names. */
export function readRecord(chip: Chip, command: Command): Uint8Array {
  if ((command.p2 & 7) !== 4 || command.p1 === 0) return status(SW.wrongP1P2);
  if (command.hasData) return status(SW.wrongLength);
  const sfi = command.p2 >> 3;
  const { session } = chip;
  if (session.phase === 'environment') {
    if (sfi !== 1 || session.directory.length === 0) return status(SW.fileNotFound);
    const entry = session.directory[command.p1 - 1];
    return entry === undefined ? status(SW.recordNotFound) : answer(entry);
  }
  const { application } = session;
  if (application === undefined) return status(SW.conditionsNotSatisfied);
  const record = application.records.get(sfi * 256 + command.p1);
  if (record !== undefined) return answer(record);
  const fileExists = application.file.records.some((candidate) => candidate.sfi === sfi);
  return status(fileExists ? SW.recordNotFound : SW.fileNotFound);
}

/** GET DATA: counters that the card keeps, and the objects that the personalisation opens. */
export function getData(chip: Chip, command: Command): Uint8Array {
  if (command.hasData) return status(SW.wrongLength);
  const selected = selectedIn(chip, 'selected', 'initiated', 'online', 'done');
  if (selected === undefined) return status(SW.conditionsNotSatisfied);
  const tag = command.p1 === 0 ? command.p2 : (command.p1 << 8) | command.p2;
  const value = readableObject(chip, selected, tag);
  return value === undefined ? status(SW.referencedDataNotFound) : answer(encodeTlv(tag, value));
}

function readableObject(chip: Chip, { application, memory }: Selected, tag: number): Uint8Array | undefined {
  switch (tag) {
    case 0x9f36:
      return atcBytes(memory.atc);
    case 0x9f13:
      return atcBytes(memory.lastOnlineAtc);
    case 0x9f17:
      return chip.memory.pin && Uint8Array.of(chip.memory.pin.triesLeft);
    case 0x9f5d:
      return availableOffline({ application, memory });
    default: {
      const changed = memory.changed[tagHex(tag)];
      return changed === undefined ? application.file.data?.get(tag) : fromHex(changed);
    }
  }
}

/** Available offline spending amount, tag 9F5D: what is left of the cumulative limit, 6 bytes BCD. */
export function availableOffline({ application, memory }: Selected): Uint8Array | undefined {
  const limit = application.file.limits?.cumulativeAmount;
  return limit === undefined ? undefined : numericToBytes(Math.max(limit - memory.cumulativeMinor, 0), 6);
}
