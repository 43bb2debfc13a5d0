import { encodePinBlock } from '../crypto/pin-block.ts';
import { rsaEncipher } from '../crypto/rsa.ts';
import { concat } from '../platform/bytes.ts';
import type { Random } from '../platform/random.ts';
import { secretConcat } from '../platform/secret-memory.ts';
import type { Exchange, OfflinePinAnswer, PinEnciphermentKey } from '../ports/index.ts';

/** VERIFY, plaintext PIN, 8 bytes (EMV 4.3 Book 3, 6.5.12). */
const VERIFY_PLAINTEXT = Uint8Array.of(0x00, 0x20, 0x00, 0x80, 0x08);
/** VERIFY, enciphered PIN; its length is that of the key. */
const VERIFY_ENCIPHERED = Uint8Array.of(0x00, 0x20, 0x00, 0x88);

const HEADER = 0x7f;
const CHALLENGE_LENGTH = 8;
/** Header, PIN block and challenge in front of the padding. */
const FIXED_LENGTH = 17;
/** One byte of Lc has to hold the enciphered block. */
const MAX_KEY_LENGTH = 248;

type Transmit = (command: Uint8Array) => Promise<Exchange>;

/**
 * Has the card verify a PIN in the clear. Block and command are wiped once the card has answered.
 * @param digits digit values, 4 to 12; the caller wipes them
 */
export async function verifyPlaintext(digits: Uint8Array, transmit: Transmit): Promise<OfflinePinAnswer> {
  const block = encodePinBlock({ format: 2, pin: digits });
  const command = secretConcat(VERIFY_PLAINTEXT, block);
  block.fill(0);
  return verify(command, transmit);
}

/**
 * Has the card verify a PIN that reaches it enciphered (EMV 4.3 Book 2, 7.2, table 25).
 * @param digits digit values, 4 to 12; the caller wipes them
 * @param challenge asks the card for its unpredictable number
 */
export async function verifyEnciphered(
  digits: Uint8Array,
  key: PinEnciphermentKey,
  challenge: () => Promise<Uint8Array | undefined>,
  random: Random,
  transmit: Transmit,
): Promise<OfflinePinAnswer> {
  const { length } = key.modulus;
  const number = await challenge();
  if (number?.length !== CHALLENGE_LENGTH || length < FIXED_LENGTH || length > MAX_KEY_LENGTH) {
    return { kind: 'not-enciphered' };
  }
  const padding = random.bytes(length - FIXED_LENGTH);
  const block = encodePinBlock({ format: 2, pin: digits });
  const plain = secretConcat(Uint8Array.of(HEADER), block, number, padding);
  const enciphered = rsaEncipher(key.modulus, key.exponent, plain);
  block.fill(0);
  plain.fill(0);
  if (enciphered === undefined) return { kind: 'not-enciphered' };
  return verify(concat(VERIFY_ENCIPHERED, Uint8Array.of(length), enciphered), transmit);
}

async function verify(command: Uint8Array, transmit: Transmit): Promise<OfflinePinAnswer> {
  const exchange = await transmit(command).finally(() => command.fill(0));
  if (exchange.kind === 'fault') return exchange;
  const [high = 0, low = 0] = exchange.response.subarray(-2);
  return { kind: 'answered', sw: (high << 8) | low };
}
