import { bitsPerByte, type LineSettings } from './line-settings.ts';

/** Two ends whose speeds differ by less than this read each other: half a bit of drift over one character. */
const TOLERANCE = 0.03;

/** Whether what one end sends arrives unchanged at the other. Stop bits are not compared: receivers check one. */
export function understand(sender: LineSettings, receiver: LineSettings): boolean {
  return (
    Math.abs(sender.baud / receiver.baud - 1) <= TOLERANCE &&
    sender.dataBits === receiver.dataBits &&
    sender.parity === receiver.parity
  );
}

/**
 * What a receiver makes of bytes that were sent back to back with other settings than its own: the levels of the
 * line are sampled in the middle of the receiver's bits, as a UART does. A character with a wrong parity or stop bit
 * is dropped, as ports do that ignore such errors. The same bytes give the same result.
 */
export function asReceived(
  bytes: Uint8Array,
  sender: LineSettings,
  receiver: LineSettings,
): Uint8Array<ArrayBuffer> {
  if (understand(sender, receiver)) return Uint8Array.from(bytes, (byte) => byte & mask(sender));
  const line = levels(bytes, sender);
  // One bit of the receiver, in bits of the sender.
  const step = sender.baud / receiver.baud;
  const at = (time: number) => line[Math.floor(time)] ?? 1;
  const received: number[] = [];
  let time = 0;
  for (;;) {
    while (time < line.length && at(time) === 1) time = Math.floor(time) + 1;
    if (time >= line.length) return Uint8Array.from(received);
    const sample = (bit: number) => at(time + (bit + 0.5) * step);
    const byte = character(sample, receiver);
    if (byte !== undefined) received.push(byte);
    // A stop bit that is low frames nothing: the next start bit needs a high level first.
    time += (bitsPerByte(receiver) - receiver.stopBits + 0.5) * step;
    while (time < line.length && at(time) === 0) time = Math.floor(time) + 1;
  }
}

function mask({ dataBits }: LineSettings): number {
  return dataBits === 7 ? 0x7f : 0xff;
}

/** The levels of the line, one element per bit of the sender, lowest data bit first. */
function levels(bytes: Uint8Array, settings: LineSettings): Uint8Array {
  const line = new Uint8Array(bytes.length * bitsPerByte(settings)).fill(1);
  let at = 0;
  for (const byte of bytes) {
    let ones = 0;
    line[at++] = 0;
    for (let bit = 0; bit < settings.dataBits; bit++) {
      const level = (byte >> bit) & 1;
      ones += level;
      line[at++] = level;
    }
    if (settings.parity !== 'none') line[at++] = parityBit(ones, settings.parity);
    at += settings.stopBits;
  }
  return line;
}

function parityBit(ones: number, parity: 'even' | 'odd'): number {
  return parity === 'even' ? ones & 1 : (ones & 1) ^ 1;
}

/** One character from a start edge; `undefined` for a glitch, a parity error or a framing error. */
function character(sample: (bit: number) => number, settings: LineSettings): number | undefined {
  if (sample(0) !== 0) return undefined;
  let byte = 0;
  let ones = 0;
  for (let bit = 0; bit < settings.dataBits; bit++) {
    const level = sample(1 + bit);
    byte |= level << bit;
    ones += level;
  }
  const next = 1 + settings.dataBits;
  if (settings.parity === 'none') return sample(next) === 1 ? byte : undefined;
  if (sample(next) !== parityBit(ones, settings.parity)) return undefined;
  return sample(next + 1) === 1 ? byte : undefined;
}
