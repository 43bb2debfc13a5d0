import { describe, expect, it } from 'vitest';
import { readBurst, type Swipe, SwipeReader } from '../../../devices/magstripe/frames.ts';
import { encodeSecureFrame } from '../../../devices/magstripe/secure-swipe.ts';
import { MAGSTRIPE_DEFAULTS, type StripeFormat } from '../../../devices/magstripe/settings.ts';
import * as codec from '../../../src/emv/magstripe/tracks.ts';
import { concat, fromHex, latin1 } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import { TRACK_1, TRACK_2, TRACK_3 } from './bench.ts';

const read = (bytes: string | Uint8Array, format: Partial<StripeFormat> = {}): readonly Swipe[] =>
  readBurst(typeof bytes === 'string' ? latin1(bytes) : bytes, { ...MAGSTRIPE_DEFAULTS, ...format }, codec);

const T1 = `%${TRACK_1}?`;
const T2 = `;${TRACK_2}?`;
const T3 = `;${TRACK_3}?`;
const BOTH = { kind: 'read', tracks: { track1: TRACK_1, track2: TRACK_2 } };

describe('plain output', () => {
  it.each([
    ['ID TECH', `${T1}\r${T2}\r`],
    ['ID TECH with check characters', `${T1}[\r${T2}7\r`],
    ['UIC', `\x02${T1}\x10\x02${T2}\x03`],
    ['UIC with check characters', `\x02${T1}[\x10\x02${T2}7\x03`],
    ['Mag-Tek', `\x02\x1b${T1}\r\x03\x02\x1b${T2}\r\x03`],
    ['Mag-Tek without options', `${T1}${T2}`],
    ['check characters and nothing between', `${T1}[${T2}7`],
    ['CR LF', `${T1}\r\n${T2}\r\n`],
    ['preamble and postamble', `ABC${T1}\r${T2}\rXYZ`],
  ])('is read: %s', (_, text) => {
    expect(read(text)).toEqual([BOTH]);
  });

  it('tells tracks 2 and 3 apart by place, by length, by a plus sign, or by what it is told', () => {
    const long = `59${TRACK_2}${'0'.repeat(40)}`;
    const whole = { track1: TRACK_1, track2: TRACK_2, track3: TRACK_3 };
    expect(read(`${T1}\r${T2}\r${T3}\r`)).toEqual([{ kind: 'read', tracks: whole }]);
    expect(read(`${T1}\r${T2}\r+${TRACK_3}?\r`)).toEqual([{ kind: 'read', tracks: whole }]);
    expect(read(`;${long}?\r`)).toEqual([{ kind: 'read', tracks: { track3: long } }]);
    expect(read(T2, { track2: false })).toEqual([{ kind: 'read', tracks: { track3: TRACK_2 } }]);
  });

  it.each<[string, string, object]>([
    ['an error mark', `%E?\r${T2}\r`, { track: 1, code: 'UNREADABLE' }],
    ['a wrong check character', `${T1}]\r${T2}7\r`, { track: 1, code: 'LRC' }],
    ['a check character that is none', `${T1}\x1f\r${T2}7\r`, { track: 1, code: 'LRC' }],
    ['a missing end', `${T1.slice(0, -1)}\r${T2}\r`, { track: 1, code: 'NO_END_SENTINEL' }],
    [
      'a character no stripe holds',
      `%${TRACK_1.replace('T', 't')}?\r${T2}\r`,
      { track: 1, code: 'CHARACTER' },
    ],
    ['digits that are masked', `%${TRACK_1.replace('0123', '****')}?\r${T2}\r`, { track: 1, code: 'MASKED' }],
    ['nothing between the sentinels', `%?\r${T2}\r`, { track: 1, code: 'EMPTY' }],
  ])('gives the other track in spite of %s', (_, text, defect) => {
    expect(read(text)).toEqual([{ kind: 'partial', tracks: { track2: TRACK_2 }, defects: [defect] }]);
  });

  it('is garbled when no track is left', () => {
    expect(read('%E?\r;E?\r')).toMatchObject([
      { kind: 'garbled', defects: [{ track: 1 }, { track: 2, code: 'UNREADABLE' }] },
    ]);
    expect(read(T2.slice(0, 12))).toMatchObject([{ kind: 'garbled' }]);
  });

  it('needs check characters when they are required, and ignores them when told', () => {
    expect(read(`${T2}\r`, { lrc: 'required' })).toMatchObject([
      { kind: 'garbled', defects: [{ track: 2, code: 'NO_LRC' }] },
    ]);
    expect(read(`${T2}7\r`, { lrc: 'required' })).toMatchObject([{ kind: 'read' }]);
    expect(read(`${T2}!`, { lrc: 'never' })).toMatchObject([{ kind: 'read' }]);
  });

  it('keeps two swipes apart that came as one', () => {
    const other = TRACK_1.replace('TEST', 'BEST');
    expect(read(`${T1}\r${T2}\r%${other}?\r${T2}\r`)).toEqual([
      BOTH,
      { kind: 'read', tracks: { track1: other, track2: TRACK_2 } },
    ]);
  });

  it('is noise where no track begins', () => {
    expect(read('\xff\xfe\x00')).toEqual([{ kind: 'noise', bytes: 3 }]);
    expect(read('')).toEqual([]);
  });
});

/** Masked tracks 1 and 2, both encrypted, hashes, KSN: enhanced structure. */
const MASKED_1 = `%*${'*'.repeat(T1.length - 3)}?`;
const MASKED_2 = `;4012${'*'.repeat(T2.length - 6)}?`;

function secureData(block: number): Uint8Array {
  const padded = (length: number) => Math.ceil(length / block) * block;
  return concat(
    Uint8Array.of(0x80, 0x1b, T1.length, T2.length, 0, 0x03, 0x9b),
    latin1(MASKED_1 + MASKED_2),
    new Uint8Array(padded(T1.length)).fill(0x11),
    new Uint8Array(padded(T2.length)).fill(0x22),
    new Uint8Array(40).fill(0x33),
    fromHex('629949011C0000000003'),
  );
}

describe('encrypted output', () => {
  it.each([8, 16])('is split, with a cipher of %i bytes a block', (block) => {
    const [swipe] = read(encodeSecureFrame(secureData(block)));
    expect(swipe).toMatchObject({
      kind: 'secure',
      structure: 'enhanced',
      encodeType: 0,
      decoded: [true, true, false],
      lengths: [T1.length, T2.length, 0],
      masked: [MASKED_1, MASKED_2, undefined],
      ksn: fromHex('629949011C0000000003'),
    });
    const encrypted = swipe?.kind === 'secure' ? swipe.encrypted : [];
    expect(encrypted.map((part) => part?.[0])).toEqual([0x11, 0x22, undefined]);
  });

  it('of the original structure is left whole but for the KSN', () => {
    const data = concat(fromHex('001B322100'), new Uint8Array(88), fromHex('629949011C0000000003'));
    expect(read(encodeSecureFrame(data))).toMatchObject([
      { structure: 'original', encrypted: [new Uint8Array(88)], ksn: fromHex('629949011C0000000003') },
    ]);
  });

  it('has its checks over the data alone', () => {
    expect(encodeSecureFrame(fromHex('01020304FF'))).toEqual(fromHex('02050001020304FFFB0903'));
  });

  it('gives no card when any byte of it is damaged or it is cut anywhere', () => {
    const frame = encodeSecureFrame(secureData(8));
    for (let at = 0; at < frame.length; at++) {
      const damaged = frame.map((byte, i) => (i === at ? byte ^ 0x10 : byte));
      const kinds = new Set([...read(damaged), ...read(frame.subarray(0, at))].map(({ kind }) => kind));
      expect([...kinds].filter((kind) => ['secure', 'read', 'partial'].includes(kind))).toEqual([]);
    }
  });

  it('may follow noise, and tells when its inside does not add up', () => {
    expect(read(concat(fromHex('FF00'), encodeSecureFrame(secureData(8))))).toMatchObject([
      { kind: 'secure' },
    ]);
    expect(read(encodeSecureFrame(fromHex('80000A0000010141')))).toEqual([
      { kind: 'broken', why: 'structure' },
    ]);
  });
});

describe('the reader of frames', () => {
  const streams: readonly [string, Uint8Array, Partial<StripeFormat>][] = [
    ['plain', latin1(`${T1}[\r${T2}7\r`), {}],
    ['ended by ETX', latin1(`\x02${T1}[\x10\x02${T2}7\x03\x02${T2}7\x03`), { etxEnds: true }],
    ['encrypted', encodeSecureFrame(secureData(8)), { etxEnds: true }],
  ];

  it.each(streams)('gives the same for any split: %s', (_, bytes, own) => {
    const format = { ...MAGSTRIPE_DEFAULTS, ...own };
    const whole = new SwipeReader(format, codec);
    const expected = [...whole.push(bytes), ...whole.silence()];
    expect(expected.length).toBeGreaterThan(0);
    const random = seededRandom('split');
    for (let trial = 0; trial < 50; trial++) {
      const reader = new SwipeReader(format, codec);
      const swipes: Swipe[] = [];
      for (let at = 0; at < bytes.length; ) {
        const length = trial === 0 ? 1 : 1 + random.below(20);
        swipes.push(...reader.push(bytes.subarray(at, at + length)));
        at += length;
      }
      expect([...swipes, ...reader.silence()]).toEqual(expected);
      expect(reader.isInside).toBe(false);
    }
  });

  it('ends a swipe at its ETX when told', () => {
    const reader = new SwipeReader({ ...MAGSTRIPE_DEFAULTS, etxEnds: true }, codec);
    expect(reader.push(latin1(`\x02${T1}\x10\x02${T2}\x03`))).toEqual([BOTH]);
    expect(reader.silence()).toEqual([]);
  });

  it('holds out against noise without end', () => {
    const reader = new SwipeReader(MAGSTRIPE_DEFAULTS, codec);
    const random = seededRandom('noise');
    for (let n = 0; n < 64; n++) {
      const noise = Uint8Array.from({ length: 1024 }, () => random.below(256));
      expect(reader.push(noise)).toEqual([]);
    }
    expect(reader.silence()).toEqual([{ kind: 'noise', bytes: 65_536 }]);
    reader.push(latin1(T2));
    expect(reader.silence()).toMatchObject([{ kind: 'read' }]);
  });
});
