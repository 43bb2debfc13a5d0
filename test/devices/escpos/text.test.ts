import { describe, expect, it } from 'vitest';
import { byteOf, CODE_PAGES, characterOf, gbkCharacter, gbkOf } from '../../../devices/escpos/code-pages.ts';
import { escposOptions, forTarget } from '../../../devices/escpos/options.ts';
import { ESCPOS_DEFAULTS } from '../../../devices/escpos/settings.ts';
import { encodeLine, encodeSlip, type SlipPart } from '../../../devices/escpos/slip.ts';
import { parseDeviceSpec } from '../../../devices/transport/spec.ts';
import { toHex } from '../../../src/platform/bytes.ts';

const line = (text: string, settings = {}) =>
  toHex(Uint8Array.from(encodeLine({ text }, { ...ESCPOS_DEFAULTS, ...settings })));

describe('code pages', () => {
  it.each(['437', '858', '1252'] as const)('%s gives every byte a character and finds it again', (page) => {
    for (let byte = 0xa0; byte <= 0xff; byte++) {
      const character = characterOf(CODE_PAGES[page], byte);
      expect(character).toHaveLength(1);
      expect(byteOf(page, character)).toBe(byte);
    }
  });

  it.each([
    ['437', 'é', 0x82],
    ['437', 'ß', 0xe1],
    ['437', '£', 0x9c],
    ['437', '²', 0xfd],
    ['437', '─', 0xc4],
    ['437', '€', undefined],
    ['858', '€', 0xd5],
    ['858', 'Ø', 0x9d],
    ['858', '·', 0xfa],
    ['858', '´', 0xef],
    ['1252', '€', 0x80],
    ['1252', 'Ÿ', 0x9f],
    ['1252', 'ÿ', 0xff],
    ['1252', '\u0081', undefined],
  ] as const)('%s has %s at %i', (page, character, byte) => {
    expect(byteOf(page, character)).toBe(byte);
  });

  it('1252 has its signs where Unicode lists them', () => {
    const codes =
      '20AC - 201A 0192 201E 2026 2020 2021 02C6 2030 0160 2039 0152 - 017D - - 2018 2019 201C 201D 2022 '
        .concat('2013 2014 02DC 2122 0161 203A 0153 - 017E 0178')
        .split(' ');
    codes.forEach((code, index) => {
      if (code !== '-')
        expect(byteOf('1252', String.fromCharCode(Number.parseInt(code, 16)))).toBe(0x80 + index);
    });
    expect(codes).toHaveLength(32);
  });
});

describe('Chinese', () => {
  it.each([
    ['中', 0xd6d0],
    ['消', 0xcffb],
    ['费', 0xb7d1],
    ['：', 0xa3ba],
    ['丂', 0x8140],
    ['한', undefined],
    ['😀', undefined],
  ])('%s has its code', (character, code) => {
    expect(gbkOf(character)).toBe(code);
    if (code !== undefined) expect(gbkCharacter(code >> 8, code & 0xff)).toBe(character);
  });

  it('is switched on and off around what needs it', () => {
    expect(line('A中B')).toBe('411C26D6D0421C2E0A');
    expect(line('中é中')).toBe('1C26D6D01C2E821C26D6D01C2E0A');
    expect(line('中', { chinese: 'never' })).toBe('3F0A');
    expect(line('é·', { chinese: 'always' })).toBe('1C26A8A6A1A41C2E0A');
    expect(line('한😀')).toBe('3F3F0A');
  });

  it('takes two columns, and half a character is not printed', () => {
    expect(line('中中中', { columns: 5 })).toBe('1C26D6D0D6D01C2E0A');
    expect(line('abcdef', { columns: 5 })).toBe('61626364650A');
  });
});

describe('parts', () => {
  it.each([
    { kind: 'qr', text: '' },
    { kind: 'qr', text: 'a\x10\x14b' },
    { kind: 'qr', text: 'x'.repeat(3000) },
    { kind: 'image', image: { width: 9, height: 2, dots: new Uint8Array(3) } },
    { kind: 'image', image: { width: 0, height: 0, dots: new Uint8Array(0) } },
  ] as SlipPart[])('that cannot be printed are refused: %o', (part) => {
    expect(() => encodeSlip([part], ESCPOS_DEFAULTS)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it('of a picture hold nothing that is obeyed at once, nor flow control', () => {
    const dots = Uint8Array.of(0x10, 0x04, 0x10, 0x14, 0x10, 0x05, 0x11, 0x13);
    const [, band] = encodeSlip([{ kind: 'image', image: { width: 64, height: 1, dots } }], ESCPOS_DEFAULTS);
    expect(toHex(band ?? dots)).toBe('1D76300008000100' + '3004301430053133');
    expect(toHex(dots)).toBe('1004101410051113');
  });

  it('end without a cut where there is no knife', () => {
    expect(encodeSlip([{ kind: 'cut' }], { ...ESCPOS_DEFAULTS, cut: 'none' })).toHaveLength(1);
  });
});

describe('keys of the driver', () => {
  const read = (keys: string, target = '/dev/ttyUSB0') =>
    parseDeviceSpec(`escpos:${target}${keys}`, { escpos: escposOptions() });

  it('become settings', () => {
    const keys = '?columns=32&codePage=858&chinese=always&cut=none&answers=false&drawerPin=1&busy=dsr';
    expect(read(keys)).toMatchObject({
      own: {
        columns: 32,
        codePage: '858',
        chinese: 'always',
        cut: 'none',
        answers: false,
        drawerPin: 1,
        busy: 'dsr',
      },
    });
  });

  it('ask nothing of a plain file', () => {
    const spec = read('?columns=40', 'file:/dev/usb/lp0');
    if (spec.kind !== 'device') throw new Error(spec.kind);
    expect(forTarget(spec.target, spec.own as object)).toEqual({ columns: 40, answers: false });
    expect(forTarget({ kind: 'sim' }, { columns: 40 })).toEqual({ columns: 40 });
  });

  it.each(['columns=0', 'codePage=850', 'cut=yes', 'drawerOnMs=511', 'qrModule=17', 'colums=1'])(
    'with %s are refused',
    (key) => {
      expect(() => read(`?${key}`)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    },
  );
});
