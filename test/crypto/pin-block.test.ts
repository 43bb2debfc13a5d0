import { describe, expect, it } from 'vitest';
import {
  decodePinBlock,
  encodePinBlock,
  type PinBlockFormat,
  type PinBlockInput,
  panField4,
  pinBlockFill,
  pinFromText,
  pinToText,
} from '../../src/crypto/pin-block.ts';
import { decipherPinBlock, encipherPinBlock, translatePinBlock } from '../../src/crypto/pin-encipher.ts';
import { toHex } from '../../src/platform/bytes.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { bytes, rounds, type Vector, vectors } from './vectors.ts';

const known = (...ops: string[]) => vectors('pinblock', ...ops).map((v) => [v.name, v] as const);

const nibbles = (text = '') => Uint8Array.from(text, (digit) => Number.parseInt(digit, 16));

function input(v: Vector): PinBlockInput {
  return {
    format: v.format,
    pin: pinFromText(v.pin),
    pan: v.pan ?? (v.format === 4 ? undefined : ''),
    fill: v.format === 4 ? bytes(v.fill ?? '') : nibbles(v.fill),
  } as PinBlockInput;
}

function decode(format: PinBlockFormat, block: Uint8Array, pan?: string): string {
  const result = decodePinBlock(pan === undefined ? { format, block } : { format, block, pan });
  return result.kind === 'pin' ? pinToText(result.pin) : result.reason;
}

function decipher(v: Vector): string {
  const block = bytes(v.encipheredPinBlock);
  const result = decipherPinBlock(bytes(v.key), { format: 4, block, pan: v.pan });
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
    const side = (which: string) => ({
      format: v[`${which}Format`],
      key: bytes(v[`${which}Key`]),
      pan: v.pan,
    });
    const target = { ...side('target'), fill: nibbles(v.targetFill) };
    const source = bytes(v.sourceEncryptedPinBlock);
    expect(decipherPinBlock(side('source').key, { ...side('source'), block: source })).toEqual({
      kind: 'pin',
      pin: pinFromText(v.pin),
    });
    expect(translatePinBlock(source, side('source'), target)).toEqual({
      kind: 'block',
      block: bytes(v.targetEncryptedPinBlock),
    });
  });

  it.each(known('format4-pan-field'))('lays out %s', (_, v) => {
    expect(toHex(panField4(v.pan))).toBe(v.panField);
  });

  it.each(known('format4-encipher'))('enciphers %s', (_, v) => {
    const key = bytes(v.key);
    const made = encipherPinBlock(key, {
      format: 4,
      pin: pinFromText(v.pin),
      pan: v.pan,
      fill: bytes(v.fill),
    });
    expect(toHex(made)).toBe(v.encipheredPinBlock);
    expect(decipher(v)).toBe(v.pin);
  });

  it.each(known('format4-decipher'))('deciphers %s', (_, v) => {
    expect(decipher(v)).toBe(v.pin);
  });

  it.each(known('format4-decipher-reject'))('does not decipher %s', (_, v) => {
    expect(decipher(v)).toBe(v.reason);
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

  it('takes each PIN length, 4 to 12, from every format to every other', () => {
    const random = seededRandom('pin-block');
    const digits = (length: number) => Uint8Array.from({ length }, () => random.below(10));
    const side = (format: PinBlockFormat, pan: string) => ({
      format,
      pan,
      key: random.bytes(format === 4 ? 16 + 8 * random.below(3) : 16 + 8 * random.below(2)),
    });
    for (let i = 0; i < rounds(500); i++) {
      const pin = digits(4 + random.below(9));
      const pan = digits(13 + random.below(7)).join('');
      const source = side(random.below(5) as PinBlockFormat, pan);
      const target = side(random.below(5) as PinBlockFormat, pan);
      const fill = pinBlockFill(source.format, pin.length, random);
      const block = encipherPinBlock(source.key, { ...source, pin, fill });
      const translated = translatePinBlock(block, source, {
        ...target,
        fill: pinBlockFill(target.format, pin.length, random),
      });
      if (translated.kind !== 'block') throw new Error(translated.reason);
      expect(decipherPinBlock(target.key, { ...target, block: translated.block })).toEqual({
        kind: 'pin',
        pin,
      });
    }
  });

  it('never takes a changed block for one of another PAN', () => {
    const key = bytes('C1D0F8FB4958670DBA40AB1F3752EF0D');
    const pan = '4761739001010010';
    const pin = pinFromText('1234');
    const block = encipherPinBlock(key, { format: 4, pin, pan, fill: new Uint8Array(8) });
    expect(decipherPinBlock(key, { format: 4, block, pan }).kind).toBe('pin');
    expect(decipherPinBlock(key, { format: 4, block, pan: '4761739001010028' }).kind).toBe('invalid');
    expect(decipherPinBlock(key, { format: 4, block })).toEqual({ kind: 'invalid', reason: 'PAN_LENGTH' });
    expect(decipherPinBlock(key, { format: 0, block, pan })).toEqual({
      kind: 'invalid',
      reason: 'BLOCK_LENGTH',
    });
  });

  it('knows five formats', () => {
    const refused = expect.objectContaining({ code: 'FORMAT' });
    const format = 5 as PinBlockFormat;
    expect(() => decodePinBlock({ format, block: bytes('541234FFFFFFFFFF') })).toThrow(refused);
    expect(() => encodePinBlock({ format, pin: pinFromText('1234') } as PinBlockInput)).toThrow(refused);
  });

  it('refuses keys and fill that fit no format', () => {
    const pin = pinFromText('1234');
    const pan = '4761739001010010';
    const refused = (code: string) => expect.objectContaining({ code });
    const four = { format: 4, pin, pan, fill: new Uint8Array(8) } as const;
    expect(() => encipherPinBlock(new Uint8Array(8), four)).toThrow(refused('KEY'));
    expect(() => encipherPinBlock(new Uint8Array(32), { format: 0, pin, pan })).toThrow(refused('KEY'));
    expect(() => encipherPinBlock(new Uint8Array(16), { ...four, fill: new Uint8Array(7) })).toThrow(
      refused('FORMAT'),
    );
    expect(() => encipherPinBlock(new Uint8Array(16), { ...four, pan: '' })).toThrow(refused('FORMAT'));
    const bad = translatePinBlock(
      new Uint8Array(8),
      { format: 0, key: new Uint8Array(16), pan },
      { format: 2, key: new Uint8Array(16) },
    );
    expect(bad.kind).toBe('invalid');
  });
});
