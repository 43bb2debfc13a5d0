import { describe, expect, it } from 'vitest';
import { encodeFrame, type Frame, FrameReader, movementNotice, NAK } from '../../../devices/ccid/frames.ts';
import {
  COMMAND,
  command,
  dataLength,
  decodeMessage,
  encodeMessage,
  errorText,
  MAX_DATA,
  statusOf,
} from '../../../devices/ccid/messages.ts';
import { decodeParameters, encodeParameters } from '../../../devices/ccid/parameters.ts';
import { concat, fromHex, toHex } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import { sessions } from './transcript.ts';

const rows = [...sessions().values()].flat().filter(({ direction }) => direction !== '---');

function encoded(frame: Frame): Uint8Array {
  switch (frame.kind) {
    case 'message':
      return encodeFrame(frame.message);
    case 'nak':
      return NAK;
    case 'movement':
      return movementNotice(frame.present);
    default:
      throw new Error(frame.kind);
  }
}

describe('frames that a public driver and a reader exchanged', () => {
  it('are all of them read and written again to the byte', () => {
    expect(rows.length).toBeGreaterThan(300);
    for (const { bytes } of rows) {
      const frames = new FrameReader().push(bytes);
      expect(frames).toHaveLength(1);
      expect(frames.map((frame) => toHex(encoded(frame)))).toEqual([toHex(bytes)]);
    }
  });

  it.each([1, 2, 3, 7, 64, 1000])('are the same however they are split (%i bytes)', (size) => {
    const stream = concat(...rows.map(({ bytes }) => bytes));
    const reader = new FrameReader();
    const found: string[] = [];
    for (let at = 0; at < stream.length; at += size)
      for (const frame of reader.push(stream.subarray(at, at + size))) found.push(toHex(encoded(frame)));
    expect(found).toEqual(rows.map(({ bytes }) => toHex(bytes)));
    expect(reader.isInside).toBe(false);
  });
});

describe('messages', () => {
  it.each([
    ['escape: firmware', command(COMMAND.escape, 0, fromHex('02')), '03066B010000000000000000026D'],
    ['movement mode', command(COMMAND.escape, 1, fromHex('010101')), '03066B030000000001000000 0101016D'],
    ['slot status', command(COMMAND.slotStatus, 2), '0306650000000000020000 0062'],
    ['power on at 5 V', command(COMMAND.powerOn, 8, undefined, [1, 0, 0]), '030662000000000008010000 6E'],
    [
      'parameters of T=0',
      command(COMMAND.setParameters, 20, fromHex('1100000A00')),
      '030661050000000014000000 1100000A006E',
    ],
    ['a selection', command(COMMAND.transfer, 31, fromHex('FF1113FD')), '03066F04000000001F000000FF1113FD71'],
    [
      'a field size',
      command(COMMAND.transfer, 33, fromHex('00C101FE3E')),
      '03066F0500000000210000 0000C101FE3E4E',
    ],
  ])('are written as documented: %s', (_name, message, hex) => {
    expect(toHex(encodeFrame(message))).toBe(hex.replaceAll(' ', ''));
  });

  it('tell the state of slot and command', () => {
    const answer = (hex: string) => {
      const [frame] = new FrameReader().push(fromHex(hex));
      if (frame?.kind !== 'message') throw new Error('no message');
      return statusOf(frame.message);
    };
    expect(answer('03068100000000000201000087')).toEqual({ card: 'inactive', command: 'done', error: 0 });
    expect(answer('030683000000000004410A00C9')).toEqual({ card: 'inactive', command: 'failed', error: 10 });
    expect(answer('03068100000000005F020000D9')).toEqual({ card: 'absent', command: 'done', error: 0 });
    expect(errorText(0xfe)).toBe('card mute');
    expect(errorText(10)).toBe('byte 10 of the command is wrong');
    expect(errorText(0xb1)).toBe('error B1');
  });

  it('are refused when too long', () => {
    const long = command(COMMAND.transfer, 0, new Uint8Array(MAX_DATA + 1));
    expect(() => encodeMessage(long)).toThrow(RangeError);
    expect(dataLength(fromHex('8006010000'))).toBeUndefined();
    expect(dataLength(fromHex('8005010000'))).toBe(MAX_DATA);
    expect(dataLength(fromHex('8000000001'))).toBeUndefined();
    expect(decodeMessage(fromHex('65000000000002000000FF'))).toBeUndefined();
  });
});

describe('a reader of frames', () => {
  const status = fromHex('03068100000000000201000087');

  it('tells a frame whose check is wrong, and reads the next', () => {
    const damaged = status.slice();
    damaged[8] = 9;
    expect(new FrameReader().push(concat(damaged, status)).map(({ kind }) => kind)).toEqual([
      'corrupt',
      'message',
    ]);
  });

  it('reads movements and requests for time between echo and answer', () => {
    const frames = new FrameReader().push(
      concat(status, fromHex('5002'), fromHex('80FF'), fromHex('5003'), status),
    );
    expect(frames).toMatchObject([
      { kind: 'message' },
      { kind: 'movement', present: false },
      { kind: 'time-request', value: 0x80 },
      { kind: 'time-request', value: 0xff },
      { kind: 'movement', present: true },
      { kind: 'message' },
    ]);
  });

  it('passes over what is no frame', () => {
    const frames = new FrameReader().push(
      concat(fromHex('00 03 07 50 04 03 15 17 03 06 6F FF FF 00 00'), status),
    );
    expect(frames.filter(({ kind }) => kind !== 'time-request').map(({ kind }) => kind)).toEqual(['message']);
  });

  it('keeps no more than one frame of any noise, and finds what follows it', () => {
    const random = seededRandom('noise');
    const reader = new FrameReader();
    for (let i = 0; i < 256; i++) reader.push(random.bytes(256));
    // The longest frame that can have begun is filled up first.
    reader.push(new Uint8Array(300));
    expect(reader.push(status).at(-1)).toMatchObject({ kind: 'message' });
    reader.push(status.subarray(0, 5));
    expect(reader.isInside).toBe(true);
    reader.reset();
    expect(reader.push(status)).toHaveLength(1);
  });
});

describe('protocol parameters', () => {
  it.each([
    [0, '1100000A00'],
    [1, '1310004500FE00'],
    [1, '1813FF4D00FE12'],
  ])('of T=%i round trip: %s', (protocol, hex) => {
    const read = decodeParameters(protocol, fromHex(hex));
    expect(read && toHex(encodeParameters(read))).toBe(hex);
  });

  it('are refused when the length does not suit the protocol', () => {
    expect(decodeParameters(1, fromHex('1100000A00'))).toBeUndefined();
    expect(decodeParameters(0, fromHex('13100045 00FE00'))).toBeUndefined();
    expect(decodeParameters(2, fromHex('1100000A00'))).toBeUndefined();
  });
});
