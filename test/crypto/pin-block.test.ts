import { describe, expect, it } from 'vitest';
import { tdesDecrypt, tdesEncrypt } from '../../src/crypto/des.ts';
import {
  decodePinBlock,
  encodePinBlock,
  type PinBlockFormat,
  type PinBlockInput,
  pinFromText,
  pinToText,
} from '../../src/crypto/pin-block.ts';
import { toHex } from '../../src/platform/bytes.ts';
import { bytes, type Vector, vectors } from './vectors.ts';

const known = (...ops: string[]) =>
  vectors('pinblock', ...ops)
    .filter((v) => v.format !== 4)
    .map((v) => [v.name, v] as const);

const nibbles = (text = '') => Uint8Array.from(text, (digit) => Number.parseInt(digit, 16));

function input(v: Vector): PinBlockInput {
  return {
    format: v.format,
    pin: pinFromText(v.pin),
    pan: v.pan ?? '',
    fill: nibbles(v.fill),
  } as PinBlockInput;
}

function decode(format: PinBlockFormat, block: Uint8Array, pan?: string): string {
  const result = decodePinBlock(pan === undefined ? { format, block } : { format, block, pan });
  return result.kind === 'pin' ? pinToText(result.pin) : result.reason;
}

describe('PIN blocks', () => {
  it.each(known('encode-decode'))('codes and decodes %s', (_, v) => {
    expect(toHex(encodePinBlock(input(v)))).toBe(v.clearPinBlock);
    expect(decode(v.format, bytes(v.clearPinBlock), v.pan)).toBe(v.pin);
  });

  it.each(known('decode'))('decodes %s', (_, v) => {
    expect(decode(v.format, bytes(v.clearPinBlock), v.pan)).toBe(v.pin);
  });

  it.each(known('decode-reject'))('refuses %s', (_, v) => {
    expect(decode(v.format, bytes(v.clearPinBlock), v.pan)).toBe(v.reason);
  });

  it.each(known('encode-reject'))('does not code %s', (_, v) => {
    expect(() => encodePinBlock(input(v))).toThrow(expect.objectContaining({ code: 'FORMAT' }));
  });

  it.each(known('translate'))('translates %s', (_, v) => {
    const clear = tdesDecrypt(bytes(v.sourceKey), bytes(v.sourceEncryptedPinBlock));
    const pin = decode(v.sourceFormat, clear, v.pan);
    expect(pin).toBe(v.pin);
    const target = encodePinBlock({
      format: v.targetFormat,
      pin: pinFromText(pin),
      pan: v.pan,
      fill: nibbles(v.targetFill),
    } as PinBlockInput);
    expect(toHex(tdesEncrypt(bytes(v.targetKey), target))).toBe(v.targetEncryptedPinBlock);
  });

  it('binds the PIN to its PAN', () => {
    const block = encodePinBlock({ format: 0, pin: pinFromText('1234'), pan: '4761739001010010' });
    expect(decode(0, block, '4761739001010010')).toBe('1234');
    expect(decode(0, block, '4761731000000043')).not.toBe('1234');
  });

  it('refuses digits above nine and fill of the wrong kind', () => {
    expect(() => encodePinBlock({ format: 2, pin: Uint8Array.of(1, 2, 3, 10) })).toThrow();
    const pin = pinFromText('1234');
    expect(() => encodePinBlock({ format: 1, pin, fill: nibbles('12') })).toThrow();
    expect(() =>
      encodePinBlock({ format: 3, pin, pan: '4761739001010010', fill: nibbles('1234567890') }),
    ).toThrow();
  });
});
