import { describe, expect, it } from 'vitest';
import { compileCodec } from '../../src/iso8583/codec.ts';
import { FrameSplitter, frame } from '../../src/iso8583/framing.ts';
import { isoMessage } from '../../src/iso8583/message.ts';
import { type HostProfile, loadProfile } from '../../src/iso8583/profile.ts';
import { minimumBody, openBody, requestRouting, swapped, wrapMessage } from '../../src/iso8583/tpdu.ts';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { WORKED_FRAMES, type WorkedFrame } from './worked-frames.ts';

const profiles: Record<'cup' | 'nac', HostProfile> = {
  cup: loadProfile('emv-fixtures/hosts/cup.yaml'),
  nac: loadProfile('emv-fixtures/hosts/nac.yaml'),
};
const codecs = { cup: compileCodec(profiles.cup.message), nac: compileCodec(profiles.nac.message) };

function opened({ profile: name, hex }: WorkedFrame) {
  const profile = profiles[name];
  const split = new FrameSplitter(profile.framing, minimumBody(profile)).push(fromHex(hex));
  expect(split.error).toBeUndefined();
  expect(split.frames).toHaveLength(1);
  const result = openBody(profile, split.frames[0] as Uint8Array);
  if (!result.ok) throw new Error(result.error.message);
  return result;
}

describe.each(WORKED_FRAMES)('$profile $name', (worked) => {
  const profile = profiles[worked.profile];
  const codec = codecs[worked.profile];

  it('unpacks to the fields of its bitmap and packs to the same bytes', () => {
    const { routing, message: bytes } = opened(worked);
    const unpacked = codec.unpack(bytes);
    if (!unpacked.ok) throw new Error(unpacked.error.message);
    const { message } = unpacked;
    expect(message.mti).toBe(worked.mti);
    expect(message.fields.flatMap((value, field) => (value === undefined ? [] : [field]))).toEqual(
      worked.present,
    );
    const again = frame(wrapMessage(profile, routing, codec.pack(message)), profile.framing);
    expect(toHex(again)).toBe(worked.hex);
  });

  it('answers a typed error when it is cut at any byte', () => {
    const { message: bytes } = opened(worked);
    for (let length = 0; length < bytes.length; length++) {
      const result = codec.unpack(bytes.subarray(0, length));
      expect(result.ok, `cut to ${length}`).toBe(false);
      if (!result.ok) expect(result.error.code).toBe('truncated');
    }
  });

  it('answers `trailing` when bytes follow', () => {
    const { message: bytes } = opened(worked);
    const longer = new Uint8Array(bytes.length + 2);
    longer.set(bytes);
    expect(codec.unpack(longer)).toMatchObject({
      ok: false,
      error: { code: 'trailing', offset: bytes.length },
    });
  });
});

describe('nac frames made from their fields', () => {
  const { nac } = profiles;
  const build = (mti: string, fields: Record<number, string>, routing = requestRouting(nac)) =>
    toHex(frame(wrapMessage(nac, routing, codecs.nac.pack(isoMessage(mti, fields))), nac.framing));
  const expected = (section: string) => WORKED_FRAMES.find(({ name }) => name.startsWith(section))?.hex;
  const terminal = { 24: '003', 41: '10000001', 42: '898310048160001' };
  const totals = `003000000015000${'0'.repeat(75)}`;

  it('settlement request', () => {
    const fields = { ...terminal, 3: '920000', 11: '000021', 60: '000001', 63: totals };
    expect(build('0500', fields)).toBe(expected('14.12'));
  });

  it('settlement answer: not balanced', () => {
    const fields = {
      3: '920000',
      11: '000021',
      12: '223001',
      13: '1121',
      24: '003',
      37: '112122300021',
      39: '95',
      41: '10000001',
    };
    expect(build('0510', fields, swapped(requestRouting(nac)))).toBe(expected('14.13'));
  });

  it('last upload record', () => {
    const fields = {
      ...terminal,
      2: '6225880000000019',
      3: '000000',
      4: '000000003000',
      11: '000024',
      12: '111500',
      13: '1121',
      14: '2912',
      22: '021',
      25: '00',
      37: '112111150006',
      38: '654321',
      39: '00',
      60: '0200000006112111150006',
      62: '000006',
    };
    expect(build('0320', fields)).toBe(expected('14.14'));
  });

  it('trailer', () => {
    const fields = { ...terminal, 3: '960000', 11: '000025', 60: '000001', 63: totals };
    expect(build('0500', fields)).toBe(expected('14.15'));
  });
});
