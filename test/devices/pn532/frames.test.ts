import { describe, expect, it } from 'vitest';
import {
  ACK,
  CHIP_TO_HOST,
  encodeFrame,
  type Frame,
  FrameReader,
  HOST_TO_CHIP,
  MAX_PAYLOAD,
  NACK,
  SYNTAX_ERROR,
} from '../../../devices/pn532/frames.ts';
import { concat, fromHex, toHex } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import { SESSIONS } from './libnfc-sessions.ts';

const read = (...chunks: Uint8Array[]): Frame[] => {
  const reader = new FrameReader();
  return chunks.flatMap((chunk) => reader.push(chunk));
};
const bytewise = (bytes: Uint8Array) => read(...Array.from(bytes, (byte) => Uint8Array.of(byte)));

/** Frames of the manual: direction, command or answer with its data, the frame's bytes. */
const EXAMPLES: readonly [string, number, string, string][] = [
  ['GetFirmwareVersion', HOST_TO_CHIP, '02', '0000FF02FED4022A00'],
  ['its answer', CHIP_TO_HOST, '0332010607', '0000FF06FAD50332010607E800'],
  ['SAMConfiguration', HOST_TO_CHIP, '14011401', '0000FF05FBD4140114010200'],
  ['its answer', CHIP_TO_HOST, '15', '0000FF02FED5151600'],
  ['MaxRetries', HOST_TO_CHIP, '3205000102', '0000FF06FAD43205000102F200'],
  ['its answer', CHIP_TO_HOST, '33', '0000FF02FED533F800'],
  ['field off', HOST_TO_CHIP, '320100', '0000FF04FCD4320100F900'],
  ['list A', HOST_TO_CHIP, '4A0100', '0000FF04FCD44A0100E100'],
  ['no card', CHIP_TO_HOST, '4B00', '0000FF03FDD54B00E000'],
  [
    'a card',
    CHIP_TO_HOST,
    '4B01010004200404A1B2C30A788081024 54D554C41',
    '0000FF16EAD54B01010004200404A1B2C30A78808102454D554C41A300',
  ],
  ['list B', HOST_TO_CHIP, '4A010300', '0000FF05FBD44A010300DE00'],
  [
    'SELECT PPSE',
    HOST_TO_CHIP,
    '400100A404000E325041592E5359532E444446303100',
    '0000FF17E9D4400100A404000E325041592E5359532E4444463031008F00',
  ],
  ['answer 9000', CHIP_TO_HOST, '41009000', '0000FF05FBD541009000 5A00'],
  ['card gone', CHIP_TO_HOST, '4101', '0000FF03FDD54101E900'],
  ['no such target', CHIP_TO_HOST, '4127', '0000FF03FDD54127C300'],
  ['InRelease', HOST_TO_CHIP, '5200', '0000FF03FDD45200DA00'],
  ['its answer', CHIP_TO_HOST, '5300', '0000FF03FDD55300D800'],
  ['PowerDown', HOST_TO_CHIP, '16F0', '0000FF03FDD416F02600'],
  ['its answer', CHIP_TO_HOST, '1700', '0000FF03FDD517001400'],
];

describe('frames of the manual', () => {
  it.each(EXAMPLES)('%s', (_, tfi, payload, frame) => {
    expect(toHex(encodeFrame(tfi, fromHex(payload)))).toBe(frame.replaceAll(' ', ''));
    expect(read(fromHex(frame))).toEqual([{ kind: 'data', tfi, payload: fromHex(payload) }]);
  });

  it('without data', () => {
    expect(read(ACK, NACK, SYNTAX_ERROR).map(({ kind }) => kind)).toEqual(['ack', 'nack', 'syntax-error']);
  });

  it('beyond 255 bytes are extended, up to 265', () => {
    const payload = concat(fromHex('4140'), new Uint8Array(262).fill(0xaa));
    const frame = encodeFrame(CHIP_TO_HOST, payload);
    expect(toHex(frame.subarray(0, 11))).toBe('0000FFFFFF0109F6D54140');
    expect(read(frame)).toEqual([{ kind: 'data', tfi: CHIP_TO_HOST, payload }]);
    expect(() => encodeFrame(CHIP_TO_HOST, new Uint8Array(MAX_PAYLOAD + 1))).toThrow(RangeError);
    expect(() => encodeFrame(CHIP_TO_HOST, new Uint8Array(0))).toThrow(RangeError);
  });

  it('of every length are read as they were written', () => {
    const random = seededRandom('lengths');
    for (let length = 1; length <= MAX_PAYLOAD; length++) {
      const payload = random.bytes(length);
      expect(read(encodeFrame(HOST_TO_CHIP, payload))).toEqual([
        { kind: 'data', tfi: HOST_TO_CHIP, payload },
      ]);
    }
  });
});

describe('any bytes', () => {
  it('give the same frames however they are split', () => {
    const random = seededRandom('splits');
    for (const session of Object.values(SESSIONS)) {
      const stream = concat(fromHex(session.replaceAll('>', '')), random.bytes(200), ACK);
      const whole = read(stream);
      expect(bytewise(stream)).toEqual(whole);
      for (let trial = 0; trial < 20; trial++) {
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < stream.length; ) {
          const end = at + 1 + random.below(40);
          chunks.push(stream.subarray(at, end));
          at = end;
        }
        expect(read(...chunks)).toEqual(whole);
      }
    }
  });

  it('in front of a frame are passed over, the wake-up glued to it included', () => {
    const glued = '55550000000000000000000000000000 0000FF03FDD414011700';
    expect(read(fromHex(glued))).toEqual([{ kind: 'data', tfi: HOST_TO_CHIP, payload: fromHex('1401') }]);
    expect(read(fromHex('00FF00 0000FF02FED4022A'))).toHaveLength(1);
    expect(read(fromHex('00FF02FED4022A'))).toHaveLength(1);
  });

  it('of a frame whose sum is wrong are no other frame', () => {
    const inner = encodeFrame(CHIP_TO_HOST, fromHex('41009000'));
    const outer = encodeFrame(CHIP_TO_HOST, concat(fromHex('4100'), inner));
    outer[outer.length - 2] = (outer.at(-2) as number) ^ 1;
    expect(read(outer, ACK).map(({ kind }) => kind)).toEqual(['corrupt', 'ack']);
  });

  it.each([
    ['length 0', '0000FF000000'],
    ['a wrong length sum', '0000FF02FFD4022A00'],
    ['an extended length above 265', '0000FFFFFF010AF5D500'],
    ['a wrong extended length sum', '0000FFFFFF0109F7D500'],
  ])('with %s begin no frame', (_, hex) => {
    const reader = new FrameReader();
    expect(reader.push(fromHex(hex))).toEqual([]);
    expect(reader.push(ACK)).toEqual([{ kind: 'ack' }]);
  });

  it('of a frame that lost a 00 are corrupt where a postamble is due, and whatever follows is read', () => {
    const frame = toHex(encodeFrame(CHIP_TO_HOST, fromHex('41009000')));
    const cut = fromHex(frame.replace('9000', '90'));
    expect(new FrameReader().push(cut)).toEqual([
      { kind: 'data', tfi: CHIP_TO_HOST, payload: fromHex('4100905A') },
    ]);
    const strict = new FrameReader(true);
    expect(strict.push(cut)).toEqual([]);
    expect(strict.push(fromHex('FF')).concat(strict.push(ACK))).toEqual([
      { kind: 'corrupt' },
      { kind: 'ack' },
    ]);
    expect(strict.push(fromHex(frame).subarray(0, -1))).toEqual([]);
    expect(strict.push(Uint8Array.of(0))).toMatchObject([{ kind: 'data' }]);
  });

  it('of an ACK with a byte that came twice are no NACK where a postamble is due', () => {
    const doubled = fromHex('0000FFFF00FF00');
    expect(new FrameReader().push(doubled)).toMatchObject([{ kind: 'nack' }]);
    expect(new FrameReader(true).push(doubled)).toEqual([]);
    expect(new FrameReader(true).push(concat(ACK, NACK))).toEqual([{ kind: 'ack' }, { kind: 'nack' }]);
  });

  it('64 KiB of noise end, and the next frame but one is read', () => {
    const reader = new FrameReader();
    reader.push(seededRandom('noise').bytes(65_536));
    // The beginning of a frame inside the noise may swallow what follows, up to its length.
    reader.push(new Uint8Array(MAX_PAYLOAD + 8));
    expect(reader.push(ACK)).toEqual([{ kind: 'ack' }]);
    reader.push(fromHex('0000FF10F0D5'));
    reader.reset();
    expect(reader.push(ACK)).toEqual([{ kind: 'ack' }]);
  });
});
