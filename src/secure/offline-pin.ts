import { encodePinBlock } from '../crypto/pin-block.ts';
import { concat } from '../platform/bytes.ts';
import type { Exchange, OfflinePinAnswer } from '../ports/index.ts';

/** VERIFY, plaintext PIN, 8 bytes (EMV 4.3 Book 3, 6.5.12). */
const VERIFY_PLAINTEXT = Uint8Array.of(0x00, 0x20, 0x00, 0x80, 0x08);

/**
 * Has the card verify a PIN in the clear. Block and command are wiped once the card has answered.
 * @param digits digit values, 4 to 12; the caller wipes them
 */
export async function verifyPlaintext(
  digits: Uint8Array,
  transmit: (command: Uint8Array) => Promise<Exchange>,
): Promise<OfflinePinAnswer> {
  const block = encodePinBlock({ format: 2, pin: digits });
  const command = concat(VERIFY_PLAINTEXT, block);
  block.fill(0);
  const exchange = await transmit(command).finally(() => command.fill(0));
  if (exchange.kind === 'fault') return exchange;
  const [high = 0, low = 0] = exchange.response.subarray(-2);
  return { kind: 'answered', sw: (high << 8) | low };
}
