import { type DecodedPinBlock, decodePinBlock } from '../../../src/crypto/pin-block.ts';
import { equalBytes } from '../../../src/platform/bytes.ts';
import { isPossumError } from '../../../src/platform/errors.ts';
import { type Command, pinWrong, SW, status } from './apdu.ts';
import { type Chip, selectedIn } from './chip.ts';

const PLAINTEXT = 0x80;
const ENCIPHERED = 0x88;

/** Header, PIN block (8) and challenge (8) of a deciphered PIN; the rest is padding. */
const ENCIPHERED_HEADER = 0x7f;

/**
 * VERIFY with a PIN block of format 2, in the clear or enciphered under the card's key together with the challenge
 * of the command before. A wrong PIN costs a try before the answer leaves.
 */
export function verify(chip: Chip, command: Command): Uint8Array {
  const { session, memory, keys } = chip;
  const { challenge } = session;
  session.challenge = undefined;
  if (command.p1 !== 0 || (command.p2 !== PLAINTEXT && command.p2 !== ENCIPHERED)) {
    return status(SW.wrongP1P2);
  }
  const enciphered = command.p2 === ENCIPHERED;
  const key = enciphered ? keys.pin : undefined;
  if (enciphered && key === undefined) return status(SW.wrongP1P2);
  if (command.data.length !== (key?.length ?? 8)) return status(SW.wrongLength);
  if (selectedIn(chip, 'selected', 'initiated') === undefined) return status(SW.conditionsNotSatisfied);
  if (enciphered && challenge === undefined) return status(SW.conditionsNotSatisfied);
  const { pin } = memory;
  if (pin === undefined) return status(SW.referenceDataUnusable);
  if (pin.triesLeft === 0) return status(SW.pinBlocked);
  const decoded =
    key === undefined || challenge === undefined
      ? decodePinBlock({ format: 2, block: command.data })
      : decipher(key.sign, command.data, challenge);
  if (decoded.kind === 'invalid') return status(SW.wrongData);
  session.pinPerformed = true;
  const right = equalBytes(decoded.pin, pin.digits);
  decoded.pin.fill(0);
  session.pinFailed = !right;
  pin.triesLeft = right ? pin.tries : pin.triesLeft - 1;
  return status(right ? SW.ok : pinWrong(pin.triesLeft));
}

function decipher(
  privateOperation: (block: Uint8Array) => Uint8Array,
  data: Uint8Array,
  challenge: Uint8Array,
): DecodedPinBlock {
  let plain: Uint8Array;
  try {
    plain = privateOperation(data);
  } catch (cause) {
    if (!isPossumError(cause, 'FORMAT')) throw cause;
    return { kind: 'invalid', reason: 'BLOCK_LENGTH' };
  }
  const fits = plain[0] === ENCIPHERED_HEADER && equalBytes(plain.subarray(9, 17), challenge);
  const decoded: DecodedPinBlock = fits
    ? decodePinBlock({ format: 2, block: plain.subarray(1, 9) })
    : { kind: 'invalid', reason: 'CONTROL_FIELD' };
  plain.fill(0);
  return decoded;
}
