import { describe, expect, it } from 'vitest';
import { FrameSplitter, frame } from '../../src/iso8583/framing.ts';
import { loadProfile } from '../../src/iso8583/profile.ts';
import { minimumBody, openBody, requestRouting, swapped, wrapMessage } from '../../src/iso8583/tpdu.ts';
import { concat, fromHex, toHex } from '../../src/platform/bytes.ts';

const bin2 = { lengthPrefix: 'bin2', includesSelf: false, maxLength: 4096 } as const;
const body = (length: number) => Uint8Array.from({ length }, (_, i) => i & 255);

describe('frame', () => {
  it.each([
    [{ ...bin2 }, '0012'],
    [{ ...bin2, includesSelf: true }, '0014'],
    [{ ...bin2, lengthPrefix: 'bcd2' as const }, '0018'],
    [{ ...bin2, lengthPrefix: 'ascii4' as const }, '30303138'],
    [{ ...bin2, lengthPrefix: 'ascii4' as const, includesSelf: true }, '30303232'],
  ])('%j', (framing, prefix) => {
    const framed = frame(body(18), framing);
    expect(toHex(framed)).toBe(prefix + toHex(body(18)));
    const splitter = new FrameSplitter(framing, 15);
    expect(splitter.push(framed).frames).toEqual([body(18)]);
    expect(splitter.pending).toBe(0);
  });

  it('refuses a body over the limit', () => {
    expect(() => frame(body(4097), bin2)).toThrow(expect.objectContaining({ code: 'FORMAT' }) as Error);
  });
});

describe('the splitter', () => {
  it('puts frames together from single bytes and takes several out of one chunk', () => {
    const stream = concat(frame(body(20), bin2), frame(body(4096), bin2), frame(body(15), bin2));
    const single = new FrameSplitter(bin2, 15);
    const one = [...stream].flatMap((byte) => [...single.push(Uint8Array.of(byte)).frames]);
    expect(one.map((frame) => frame.length)).toEqual([20, 4096, 15]);
    expect(new FrameSplitter(bin2, 15).push(stream).frames).toEqual(one);
  });

  it.each([
    ['zero', '0000', 'too-short'],
    ['one', '0001', 'too-short'],
    ['one below the shortest message', '000E', 'too-short'],
    ['one above the limit', '1001', 'too-long'],
    ['65535', 'FFFF', 'too-long'],
  ])('length %s ends the stream', (_, hex, code) => {
    const splitter = new FrameSplitter(bin2, 15);
    const result = splitter.push(concat(frame(body(16), bin2), fromHex(hex), body(30)));
    expect(result).toMatchObject({ frames: [body(16)], error: { code } });
    expect(splitter.push(frame(body(16), bin2))).toMatchObject({ frames: [], error: { code } });
  });

  it('refuses a prefix that is no number', () => {
    expect(new FrameSplitter({ ...bin2, lengthPrefix: 'bcd2' }, 15).push(fromHex('00A0'))).toMatchObject({
      error: { code: 'length-digits' },
    });
    expect(
      new FrameSplitter({ ...bin2, lengthPrefix: 'ascii4' }, 15).push(fromHex('30303A30')),
    ).toMatchObject({
      error: { code: 'length-digits' },
    });
  });
});

describe('routing', () => {
  const nac = loadProfile('emv-fixtures/hosts/nac.yaml');
  const cup = loadProfile('emv-fixtures/hosts/cup.yaml');

  it('swaps addresses for the answer and keeps the header', () => {
    const request = wrapMessage(cup, requestRouting(cup), fromHex('0800'));
    expect(toHex(request)).toBe('60000300006031003113010800');
    const result = openBody(cup, request);
    if (!result.ok) throw new Error(result.error.message);
    expect(toHex(wrapMessage(cup, swapped(result.routing), result.message))).toBe(
      '60000000036031003113010800',
    );
  });

  it('knows the shortest message of a profile', () => {
    expect(minimumBody(nac)).toBe(15);
    expect(minimumBody(cup)).toBe(21);
    expect(minimumBody(loadProfile('emv-fixtures/hosts/ascii87.yaml'))).toBe(12);
  });

  it.each([
    ['6000', 'short'],
    ['61000300000800', 'tpdu'],
    ['60000A00000800', 'tpdu'],
  ])('refuses %s', (hex, code) => {
    expect(openBody(nac, fromHex(hex))).toMatchObject({ ok: false, error: { code } });
  });

  it('refuses an address or header that does not fit', () => {
    expect(() => wrapMessage(nac, { destination: '3', source: '0000', header: '' }, fromHex(''))).toThrow();
    expect(() =>
      wrapMessage(cup, { destination: '0003', source: '0000', header: '' }, fromHex('')),
    ).toThrow();
  });
});
