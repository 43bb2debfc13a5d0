import { describe, expect, it } from 'vitest';
import { type Answer, AnswerReader, automaticStatusOf, statusOf } from '../../../devices/escpos/answers.ts';
import * as frames from '../../../devices/escpos/frames.ts';
import { fromHex, latin1, toHex } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';

const read = (bytes: Uint8Array): string[] => {
  const reader = new frames.CommandReader();
  const found: string[] = [];
  for (const byte of bytes) {
    const command = reader.take(byte);
    if (command?.kind === 'text') found.push(String.fromCharCode(command.byte));
    else if (command?.kind === 'unknown') found.push(`?${toHex(command.bytes)}`);
    else if (command !== undefined) found.push(`${command.name} ${toHex(command.data)}`.trim());
  }
  if (reader.isInside) found.push('…');
  return found;
};

describe('commands', () => {
  it.each([
    ['1B40', frames.INITIALISE],
    ['1B6101', frames.align('center')],
    ['1B4501', frames.bold(true)],
    ['1B7410', frames.selectCodePage(16)],
    ['1B6403', frames.feedLines(3)],
    ['1D564203', frames.cut('partial', 3)],
    ['1B7001327D', frames.drawerPulse(1, 100, 250)],
    ['100404', frames.realTimeStatus(4)],
    ['1D7201', frames.PAPER_WHEN_DONE],
    ['1D7630000100020080FF', frames.raster(1, 2, fromHex('80FF'))],
  ])('are written as %s and read whole', (hex, bytes) => {
    expect(toHex(bytes)).toBe(hex);
    expect(read(bytes)).toHaveLength(1);
    expect(read(bytes.subarray(0, -1)).at(-1)).toBe('…');
  });

  it('write a QR code as documented', () => {
    expect(frames.qrCode(latin1('TEST'), 3, 'M').map(toHex)).toEqual([
      '1D286B040031413200',
      '1D286B0300314303',
      '1D286B0300314531',
      '1D286B070031503054455354',
      '1D286B0300315130',
    ]);
  });

  it.each([
    ['1D6B04 313233 00 41', ['GS k 0431323300', 'A']],
    ['1D6B49 03 414243 42', ['GS k 4903414243', 'B']],
    ['1D5630 1D5641 05 41', ['GS V 30', 'GS V 4105', 'A']],
    ['1B2A00 0200 FFFF 41', ['ESC * 000200FFFF', 'A']],
    ['1B2A21 0100 FFFFFF 41', ['ESC * 210100FFFFFF', 'A']],
    ['1B44 0810 00 0A', ['ESC D 081000', 'LF']],
    ['1B01 41', ['?1B01', 'A']],
    ['1D763000 FFFF FFFF 41', ['?1D763000FFFFFFFF', 'A']],
    ['0E 41', ['?0E', 'A']],
    ['10140100 05 41', ['DLE \x14 010005', 'A']],
  ])('are told apart: %s', (hex, expected) => {
    expect(read(fromHex(hex.replaceAll(' ', '')))).toEqual(expected);
  });

  it('account for every byte of any input', () => {
    const random = seededRandom('escpos');
    const noise = random.bytes(20_000).map((byte, index) => (index % 5 === 0 ? 0x1b + (byte % 3) : byte));
    const reader = new frames.CommandReader();
    let size = 0;
    let held = 0;
    for (const byte of noise) {
      held++;
      const command = reader.take(byte);
      if (command === undefined) continue;
      expect(held).toBeLessThanOrEqual(0x40000);
      size += held;
      held = 0;
    }
    expect(size + held).toBe(noise.length);
    expect(reader.isInside).toBe(held > 0);
  });
});

describe('answers', () => {
  const STREAM = '12 10000000 5F544D2D5438380013 0F 11 372500 C1 00 18000F0F 72';
  const EXPECTED: Answer[] = [
    { kind: 'real-time', value: 0x12 },
    { kind: 'automatic', bytes: fromHex('10000000') },
    { kind: 'name', text: 'TM-T88' },
    { kind: 'xoff' },
    { kind: 'done', value: 0x0f },
    { kind: 'xon' },
    { kind: 'cleared' },
    { kind: 'done', value: 0x00 },
    { kind: 'automatic', bytes: fromHex('18000F0F') },
    { kind: 'real-time', value: 0x72 },
  ];
  const bytes = fromHex(STREAM.replaceAll(' ', ''));

  it('are the same however they are split', () => {
    expect(new AnswerReader().push(bytes)).toEqual(EXPECTED);
    for (let at = 0; at <= bytes.length; at++) {
      const reader = new AnswerReader();
      expect([...reader.push(bytes.subarray(0, at)), ...reader.push(bytes.subarray(at))]).toEqual(EXPECTED);
    }
  });

  it('are found again when one was cut off', () => {
    expect(new AnswerReader().push(fromHex('100016'))).toEqual([{ kind: 'real-time', value: 0x16 }]);
    expect(new AnswerReader().push(fromHex('5F54FF12'))).toEqual([{ kind: 'real-time', value: 0x12 }]);
    expect(new AnswerReader().push(fromHex('372512'))).toEqual([{ kind: 'real-time', value: 0x12 }]);
  });

  it('stay bounded in endless noise', () => {
    const reader = new AnswerReader();
    const noise = new Uint8Array(65_536).fill(0x41);
    noise[0] = 0x5f;
    reader.push(noise);
    expect(reader.push(fromHex('12'))).toEqual([{ kind: 'real-time', value: 0x12 }]);
  });

  it.each([
    ['121212', { online: true, coverOpen: false, paper: 'ok', error: false, drawerLine: false }],
    ['16121E', { online: true, coverOpen: false, paper: 'near', error: false, drawerLine: true }],
    ['1A327E', { online: false, coverOpen: false, paper: 'out', error: false, drawerLine: false }],
    ['1A5612', { online: false, coverOpen: true, paper: 'ok', error: true, drawerLine: false }],
  ])('%s say how the printer is', (hex, expected) => {
    const [printer = 0, cause = 0, paper = 0] = fromHex(hex);
    expect(statusOf(printer, cause, paper)).toEqual(expected);
  });

  it.each([
    ['1000000F', { online: true, coverOpen: false, paper: 'ok', error: false, drawerLine: false }],
    ['38080F0F', { online: false, coverOpen: true, paper: 'out', error: true, drawerLine: false }],
    ['1400030F', { online: true, coverOpen: false, paper: 'near', error: false, drawerLine: true }],
  ])('block %s says it unasked', (hex, expected) => {
    expect(automaticStatusOf(fromHex(hex))).toEqual(expected);
  });
});
