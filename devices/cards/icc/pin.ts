import { decodePinBlock } from '../../../src/crypto/pin-block.ts';
import { equalBytes } from '../../../src/platform/bytes.ts';
import { type Command, pinWrong, SW, status } from './apdu.ts';
import { type Chip, selectedIn } from './chip.ts';

const PLAINTEXT = 0x80;

/** VERIFY with a plaintext PIN block of format 2. A wrong PIN costs a try before the answer leaves. */
export function verify(chip: Chip, command: Command): Uint8Array {
  if (command.p1 !== 0 || command.p2 !== PLAINTEXT) return status(SW.wrongP1P2);
  if (command.data.length !== 8) return status(SW.wrongLength);
  if (selectedIn(chip, 'selected', 'initiated') === undefined) return status(SW.conditionsNotSatisfied);
  const { pin } = chip.memory;
  if (pin === undefined) return status(SW.referenceDataUnusable);
  if (pin.triesLeft === 0) return status(SW.pinBlocked);
  const decoded = decodePinBlock({ format: 2, block: command.data });
  if (decoded.kind === 'invalid') return status(SW.wrongData);
  const { session } = chip;
  session.pinPerformed = true;
  const right = equalBytes(decoded.pin, pin.digits);
  decoded.pin.fill(0);
  session.pinFailed = !right;
  pin.triesLeft = right ? pin.tries : pin.triesLeft - 1;
  return status(right ? SW.ok : pinWrong(pin.triesLeft));
}
