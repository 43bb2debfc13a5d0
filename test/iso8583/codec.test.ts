import { describe, expect, it } from 'vitest';
import { compileCodec, macInput, macOf, packWithMac } from '../../src/iso8583/codec.ts';
import { isoMessage } from '../../src/iso8583/message.ts';
import { loadProfile } from '../../src/iso8583/profile.ts';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { WORKED_FRAMES } from './worked-frames.ts';

const nac = compileCodec(loadProfile('emv-fixtures/hosts/nac.yaml').message);
const cup = compileCodec(loadProfile('emv-fixtures/hosts/cup.yaml').message);
const ascii87 = compileCodec(loadProfile('emv-fixtures/hosts/ascii87.yaml').message);

const sale = isoMessage('0200', {
  2: '6222021234567890128',
  3: '000000',
  4: '000000010000',
  11: '000002',
  22: '051',
  24: '003',
  25: '00',
  35: '6222021234567890128D29122201234567890',
  41: '10000001',
  42: '898310048160001',
  52: fromHex('2A084C604973D4AE'),
  53: fromHex('FFFF9876543210E00001'),
  55: fromHex('9F2608A1B2C3D4E5F60718'),
  62: '000001',
});

describe('packing', () => {
  it('pads odd digits: fixed left in nac, F22 right in cup, variable right', () => {
    expect(toHex(nac.pack(isoMessage('0800', { 22: '021' })))).toBe('080000000400000000000021');
    expect(toHex(cup.pack(isoMessage('0800', { 22: '021' })))).toBe('080000000400000000000210');
    expect(toHex(nac.pack(isoMessage('0800', { 2: '12345' })))).toBe('0800400000000000000005123450');
  });

  it('counts digits in n and z prefixes, bytes in the others', () => {
    expect(toHex(nac.pack(isoMessage('0800', { 35: '1=2' })))).toBe('08000000000020000000031D20');
    expect(toHex(nac.pack(isoMessage('0800', { 55: fromHex('8A00') })))).toBe('0800000000000000020000028A00');
    expect(toHex(cup.pack(isoMessage('0800', { 60: '123' })))).toBe('0800000000000000001000031230');
  });

  it('accepts D or = in a track and reads it back as =', () => {
    const unpacked = nac.unpack(nac.pack(sale));
    expect(unpacked.ok && unpacked.message.fields[35]).toBe('6222021234567890128=29122201234567890');
  });

  it.each([
    ['a short amount', { 4: '1' }, 'fields.4'],
    ['a long PAN', { 2: '12345678901234567890' }, 'fields.2'],
    ['a letter in digits', { 11: '00000A' }, 'fields.11'],
    ['a separator in digits', { 2: '1234D5' }, 'fields.2'],
    ['an empty variable field', { 62: '' }, 'fields.62'],
    ['text for bytes', { 52: '12345678' }, 'fields.52'],
    ['bytes for text', { 41: fromHex('3132333435363738') }, 'fields.41'],
    ['bytes of another length', { 52: fromHex('00') }, 'fields.52'],
    ['a control character', { 41: '1234567\n' }, 'fields.41'],
    ['a character above FF', { 41: '1234567終' }, 'fields.41'],
    ['a field that the profile does not know', { 5: '1' }, 'fields.5'],
    ['a field beyond the bitmap', { 70: '301' }, 'fields.70'],
    ['the bitmap as a field', { 1: fromHex('00') }, 'fields.1'],
  ])('refuses %s', (_, fields: Record<number, string | Uint8Array>, where) => {
    expect(() => nac.pack(isoMessage('0800', fields))).toThrow(
      expect.objectContaining({ code: 'FORMAT', where }) as Error,
    );
  });

  it('refuses an MTI that is not four digits, and never shows a value', () => {
    expect(() => nac.pack(isoMessage('02', {}))).toThrow(expect.objectContaining({ where: 'mti' }) as Error);
    expect(() => nac.pack(isoMessage('0200', { 2: '62220212345678901AA' }))).toThrow(/^((?!6222).)*$/);
  });

  it('keeps nothing of the last message', () => {
    nac.pack(sale);
    expect(toHex(nac.pack(isoMessage('0800', { 11: '000001' })))).toBe('08000020000000000000000001');
  });
});

describe('unpacking', () => {
  it.each([
    ['nothing', '', 'truncated', 0],
    ['half an MTI', '02', 'truncated', 0],
    ['an MTI of letters', '0A000000000000000000', 'mti', 0],
    ['half a bitmap', '0800002000', 'truncated', 1],
    ['a second bitmap', '08008000000000000000', 'bitmap', 1],
    ['an unknown field', '0800080000000000000000', 'unknown-field', 5],
    ['a field that is announced and not there', '08000020000000000000', 'truncated', 11],
    ['a field that ends early', '080000200000000000000001', 'truncated', 11],
    ['a nibble that is no digit', '0800002000000000000000000A', 'digit', 11],
    ['a length that is no number', '080040000000000000000A', 'length', 2],
    ['a length over the maximum', '08004000000000000000201234567890123456789000', 'length', 2],
    ['a length of zero', '0800400000000000000000', 'length', 2],
    ['a filled nibble on the right', '0800400000000000000005123451', 'pad', 2],
    ['a filled nibble on the left', '080000000400000000001021', 'pad', 22],
    ['a track with a wrong nibble', '08000000000020000000021E', 'digit', 35],
    ['a control character', '0800000000000080000031323334353637' + '0A', 'charset', 41],
    ['bytes after the end', '0800002000000000000000000100', 'trailing', 0],
  ])('%s', (_, hex, code, field) => {
    const result = nac.unpack(fromHex(hex));
    expect(result).toMatchObject({ ok: false, error: { code, field } });
  });

  it('names where the fault stands', () => {
    const result = nac.unpack(fromHex('0800002000000000000000000A'));
    expect(result).toMatchObject({ ok: false, error: { offset: 12 } });
  });

  it('refuses a third bitmap and bad hex', () => {
    const head = '30383030';
    expect(ascii87.unpack(fromHex(`${head}80000000000000008000000000000000`))).toMatchObject({
      ok: false,
      error: { code: 'bitmap', field: 65 },
    });
    const hexBitmap = compileCodec({ ...ascii87.spec, bitmap: { encoding: 'hex', bits: 128 } });
    const packed = hexBitmap.pack(isoMessage('0800', { 11: '000001', 70: '301' }));
    expect(String.fromCharCode(...packed)).toBe('080080200000000000000400000000000000000001301');
    expect(hexBitmap.unpack(packed).ok).toBe(true);
    packed[6] = 0x47;
    expect(hexBitmap.unpack(packed)).toMatchObject({ ok: false, error: { code: 'bitmap', offset: 6 } });
    const short = hexBitmap.pack(isoMessage('0800', { 11: '000001' }));
    expect(String.fromCharCode(...short)).toBe('08000020000000000000000001');
  });
});

describe('the MAC', () => {
  it('covers MTI to the field before 64 with its bit set', () => {
    let seen: Uint8Array | undefined;
    const mac = fromHex('0102030405060708');
    const packed = packWithMac(sale, nac, (input) => {
      seen = input.slice();
      return mac;
    });
    expect(toHex(packed)).toBe(toHex(nac.pack({ ...sale, fields: sale.fields.with(64, mac) })));
    expect(macInput(packed, nac)).toEqual(seen);
    expect(macOf(packed, nac)).toEqual(mac);
  });

  it('is absent when the bit is not set', () => {
    const packed = nac.pack(sale);
    expect(macInput(packed, nac)).toBeUndefined();
    expect(macOf(packed, nac)).toBeUndefined();
  });

  it('has the input of the worked example', () => {
    const bytes = fromHex((WORKED_FRAMES[2]?.hex ?? '').slice(4 + 2 * 11));
    expect(macInput(bytes, cup)).toHaveLength(259);
  });
});

describe('hostile bytes', () => {
  const good = [
    ...WORKED_FRAMES.map(({ profile, hex }) => ({
      codec: profile === 'cup' ? cup : nac,
      bytes: fromHex(hex.slice(4 + 2 * (profile === 'cup' ? 11 : 5))),
    })),
    { codec: nac, bytes: nac.pack(sale) },
    {
      codec: ascii87,
      bytes: ascii87.pack(isoMessage('0200', { 2: '4761739001010119', 28: 'D00000100', 90: '0'.repeat(42) })),
    },
  ];

  it('50,000 mutations of good messages never throw, and what unpacks packs to the same bytes', () => {
    const random = seededRandom('iso8583 mutations');
    let accepted = 0;
    for (let trial = 0; trial < 50_000; trial++) {
      const { codec, bytes } = good[random.below(good.length)] as (typeof good)[number];
      let mutant = bytes.slice();
      for (let change = random.below(3); change >= 0; change--) {
        const at = random.below(Math.max(mutant.length, 1));
        const kind = random.below(4);
        if (kind === 0) mutant[at] = random.below(256);
        else if (kind === 1) mutant[at] = (mutant[at] ?? 0) ^ (1 << random.below(8));
        else if (kind === 2) mutant = mutant.slice(0, at);
        else mutant = Uint8Array.from([...mutant.slice(0, at), random.below(256), ...mutant.slice(at)]);
      }
      const result = codec.unpack(mutant);
      if (!result.ok) {
        expect(result.error.offset).toBeLessThanOrEqual(mutant.length);
        continue;
      }
      accepted++;
      if (codec !== ascii87) expect(toHex(codec.pack(result.message))).toBe(toHex(mutant));
    }
    expect(accepted).toBeGreaterThan(1_000);
  });
});

it('a spec that contradicts itself is a configuration error', () => {
  const spec = {
    ...nac.spec,
    fields: { ...nac.spec.fields, 90: { name: 'x', format: 'n', length: 42 } as const },
  };
  expect(() => compileCodec(spec)).toThrow(expect.objectContaining({ code: 'CONFIG' }) as Error);
});
