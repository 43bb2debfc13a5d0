import { describe, expect, it } from 'vitest';
import { kcvZeros, keyCheckValue } from '../../src/crypto/kcv.ts';
import { unwrapKeyBlock, wrapKeyBlock, wrapWithHeader } from '../../src/crypto/key-block.ts';
import {
  buildKeyBlockHeader,
  type KeyBlockHeader,
  type KeyBlockVersion,
  type OptionalBlock,
  parseKeyBlockHeader,
} from '../../src/crypto/key-block-header.ts';
import { toHex } from '../../src/platform/bytes.ts';
import { isPossumError } from '../../src/platform/errors.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { bytes, rounds, type Vector, vectors } from './vectors.ts';

const cases = (...ops: string[]) => vectors('tr31', ...ops).map((v) => [v.name, v] as const);
const VERSIONS: readonly KeyBlockVersion[] = ['A', 'B', 'C', 'D', 'E'];

/** The code of the error that `work` throws; anything but an error of ours fails. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isPossumError(error)) return error.code;
    throw error;
  }
  return 'none';
}

describe('key blocks', () => {
  it.each(cases('unwrap'))('opens %s', (_, v: Vector) => {
    const opened = unwrapKeyBlock(bytes(v.kbpk), v.keyBlock);
    expect({
      header: opened.header,
      optionalBlocks: opened.optionalBlocks,
      key: toHex(opened.key),
      padding: toHex(opened.padding),
    }).toEqual({ header: v.header, optionalBlocks: v.optionalBlocks, key: v.key, padding: v.padding });
    if (v.kcvTdesZero) expect(toHex(kcvZeros(opened.key))).toBe(v.kcvTdesZero);
    if (v.kcvAesCmac) {
      const value = keyCheckValue('AES', 'CMAC-ZEROS', opened.key);
      expect(toHex(value.subarray(0, 5))).toBe(v.kcvAesCmac);
    }
  });

  it.each(cases('wrap'))('%s', (_, v: Vector) => {
    const made = wrapWithHeader(bytes(v.kbpk), v.headerWithOptionalBlocks, bytes(v.key), bytes(v.padding));
    expect(made).toBe(v.keyBlock);
  });

  it.each(cases('reject'))('refuses %s', (_, v: Vector) => {
    expect(refusal(() => unwrapKeyBlock(bytes(v.kbpk), v.keyBlock))).not.toBe('none');
  });

  const PAYSHIELD = vectors('tr31', 'unwrap').filter(
    (v, i, all) => all.findIndex((other) => other.header.versionId === v.header.versionId) === i,
  );

  it.each(PAYSHIELD.map((v) => [v.header.versionId, v] as const))(
    'of version %s are refused when any single character is another',
    (_, v) => {
      const kbpk = bytes(v.kbpk);
      const block: string = v.keyBlock;
      for (let at = 0; at < block.length; at++) {
        for (const other of ['0', '1', '9', 'A', 'F', 'a', 'f', ' ', '\u0000', '\u00ff', '€']) {
          if (block[at] === other) continue;
          const changed = block.slice(0, at) + other + block.slice(at + 1);
          expect([at, other, refusal(() => unwrapKeyBlock(kbpk, changed))]).not.toEqual([at, other, 'none']);
        }
      }
    },
  );

  it.each(PAYSHIELD.map((v) => [v.header.versionId, v] as const))(
    'of version %s are refused when they are cut or grow',
    (_, v) => {
      const kbpk = bytes(v.kbpk);
      for (let length = 0; length < v.keyBlock.length; length++) {
        expect(refusal(() => unwrapKeyBlock(kbpk, v.keyBlock.slice(0, length)))).not.toBe('none');
      }
      expect(refusal(() => unwrapKeyBlock(kbpk, `${v.keyBlock}00`))).not.toBe('none');
    },
  );

  it('come back as they were made', () => {
    const random = seededRandom('key-block');
    const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
    for (let i = 0; i < rounds(400); i++) {
      const versionId = pick(VERSIONS);
      const aes = versionId === 'D' || versionId === 'E';
      const algorithm = pick(['A', 'T', 'H', 'R']);
      const header: KeyBlockHeader = {
        versionId,
        keyUsage: pick(['P0', 'K0', 'B1', 'M3', 'D0', '01']),
        algorithm,
        modeOfUse: pick(['E', 'N', 'B', 'X']),
        keyVersionNumber: pick(['00', 'c1', 'Z9']),
        exportability: pick(['E', 'N', 'S']),
        ...(random.below(3) === 0 ? { keyContext: '2' } : {}),
      };
      const optionalBlocks: OptionalBlock[] = Array.from({ length: random.below(4) }, (_, n) => [
        `K${n}`,
        'x~ 5'.repeat(random.below(90)).slice(random.below(4)),
      ]);
      const length = { A: pick([16, 24, 32]), T: pick([16, 24]), H: 1 + random.below(64), R: 300 }[algorithm];
      const key = random.bytes(length as number);
      const kbpk = random.bytes(pick(aes ? [16, 24, 32] : [16, 24]));
      const block = wrapKeyBlock(kbpk, { header, optionalBlocks, key }, random);
      const opened = unwrapKeyBlock(kbpk, block);
      expect(opened.header).toEqual(header);
      expect(opened.optionalBlocks.filter(([id]) => id !== 'PB')).toEqual(optionalBlocks);
      expect(toHex(opened.key)).toBe(toHex(key));
      const at = random.below(kbpk.length);
      // The lowest bit of a DES key is parity and enters nothing.
      kbpk[at] = (kbpk[at] as number) ^ 0x40;
      expect(refusal(() => unwrapKeyBlock(kbpk, block))).toBe('KEY');
    }
  });

  it('hide the length of the key', () => {
    const random = seededRandom('hidden');
    const header = { ...parseKeyBlockHeader('D0000P0AE00N0000').header };
    const kbpk = random.bytes(32);
    const lengths = [16, 24, 32].map(
      (length) => wrapKeyBlock(kbpk, { header, key: random.bytes(length) }, random).length,
    );
    expect(new Set(lengths).size).toBe(1);
  });

  it('do not wrap what they could not open', () => {
    const kbpk = new Uint8Array(16).fill(1);
    const wrap = (header: string, key: number, padding: number, by = kbpk) =>
      refusal(() => wrapWithHeader(by, header, new Uint8Array(key), new Uint8Array(padding)));
    expect(wrap('A0072K0TN00N0000', 16, 6)).toBe('none');
    expect(wrap('A0072K0TN00N0000', 16, 5)).toBe('FORMAT');
    expect(wrap('A0088K0TN00N0000', 16, 6)).toBe('FORMAT');
    expect(wrap('A0072K0TN00N0000FF', 16, 6)).toBe('FORMAT');
    expect(wrap('A0072K0AN00N0000', 15, 7)).toBe('KEY');
    expect(wrap('A0072K0TN00N0000', 0, 22)).toBe('KEY');
    expect(wrap('A0072K0TN00N0000', 16, 6, new Uint8Array(32))).toBe('KEY');
    expect(wrap('D0112K0TN00N0000', 16, 14, new Uint8Array(8))).toBe('KEY');
    const strange = {
      ...parseKeyBlockHeader('A0072K0TN00N0000').header,
      versionId: 'toString' as KeyBlockVersion,
    };
    const random = seededRandom('strange');
    expect(refusal(() => wrapKeyBlock(kbpk, { header: strange, key: kbpk }, random))).toBe('FORMAT');
  });
});

describe('key block headers', () => {
  const read = (text: string) => refusal(() => parseKeyBlockHeader(text));

  it.each([
    ['an unknown version', 'F0072K0TN00N0000'],
    ['a length in hex', 'A00F2K0TN00N0000'],
    ['an unknown usage', 'A0072Z0TN00N0000'],
    ['an unknown algorithm', 'A0072K0ZN00N0000'],
    ['an unknown mode', 'A0072K0TA00N0000'],
    ['a key version number of signs', 'A0072K0TN-1N0000'],
    ['an unknown exportability', 'A0072K0TN00X0000'],
    ['a number of blocks that is none', 'A0072K0TN00NAA00'],
    ['an unknown context', 'A0072K0TN00N0090'],
    ['a reserved character', 'A0072K0TN00N0001'],
    ['optional blocks that are not there', 'A0072K0TN00N9900'],
    ['a length below the least', 'A0072K0TN00N0100KS03'],
    ['a length that is no number', 'A0072K0TN00N0100KSG1AAAA'],
    ['a length in lower case', 'A0072K0TN00N0100KS0cAAAAAAAA'],
    ['a block that goes on behind the end', 'A0072K0TN00N0100KSFFAAAA'],
    ['a name of signs', 'A0072K0TN00N0100??08AAAA'],
    ['data that cannot be printed', 'A0072K0TN00N0100KS08AAA\u0007'],
    ['an extended length of no size', 'A0072K0TN00N0100KS0000AAAA'],
    ['an extended length below the least', 'A0072K0TN00N0100KS00040008AAAAAA'],
    ['an extended length behind the end', 'A0072K0TN00N0100KS0004FFFFAAAAAA'],
    ['padding in front', 'A0072K0TN00N0200PB08AAAAKS08AAAA'],
    ['blocks that end within a cipher block', 'A0072K0TN00N0100KS09AAAAA'],
  ])('with %s are refused', (_, text) => {
    expect(read(text)).toBe('FORMAT');
  });

  it.each([
    ['short', 'A0072K0TN00N0100KS08AAAA', [['KS', 'AAAA']]],
    ['extended, counted in characters', 'A0072K0TN00N0100KS00040010AAAAAA', [['KS', 'AAAAAA']]],
    ['extended, counted in bytes', 'A0072K0TN00N0100KS00020010AAAAAA', [['KS', 'AAAAAA']]],
    [
      'empty, and padding',
      'A0072K0TN00N0200KS04PB04',
      [
        ['KS', ''],
        ['PB', ''],
      ],
    ],
  ])('have optional blocks: %s', (_, text, blocks) => {
    expect(parseKeyBlockHeader(text).optionalBlocks).toEqual(blocks);
  });

  it('are padded to whole cipher blocks', () => {
    const header = parseKeyBlockHeader('D0000P0AE00N0000').header;
    for (let length = 0; length < 300; length++) {
      const text = buildKeyBlockHeader(header, [['KS', 'A'.repeat(length)]], 64);
      expect((text.length - 16) % 16).toBe(0);
      expect(parseKeyBlockHeader(text).optionalBlocks[0]).toEqual(['KS', 'A'.repeat(length)]);
    }
  });

  it('take no more than fits', () => {
    const header = parseKeyBlockHeader('B0000P0TE00N0000').header;
    const many = (count: number, length: number): OptionalBlock[] =>
      Array.from({ length: count }, () => ['AA', 'x'.repeat(length)]);
    const build = (blocks: OptionalBlock[]) => refusal(() => buildKeyBlockHeader(header, blocks, 64));
    expect(build(many(99, 4))).toBe('none');
    expect(build(many(100, 4))).toBe('FORMAT');
    expect(build(many(9999, 0))).toBe('FORMAT');
    expect(build(many(1, 9990))).toBe('FORMAT');
    expect(
      build([
        ['PB', ''],
        ['AA', ''],
      ]),
    ).toBe('FORMAT');
    expect(build([['PB', 'x']])).toBe('FORMAT');
    expect(build([['?', '']])).toBe('FORMAT');
    expect(build([['AA', 'é']])).toBe('FORMAT');
  });
});
