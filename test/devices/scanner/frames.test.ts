import { describe, expect, it } from 'vitest';
import { type Scan, ScanReader } from '../../../devices/scanner/frames.ts';
import { SCANNER_DEFAULTS, type ScanFormat } from '../../../devices/scanner/settings.ts';
import { latin1 } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';

const code = (text: string): Scan => ({ kind: 'code', text });

function read(text: string, format: Partial<ScanFormat> = {}): readonly Scan[] {
  const reader = new ScanReader({ ...SCANNER_DEFAULTS, ...format });
  return [...reader.push(latin1(text)), ...reader.silence()];
}

describe('what a scanner sends', () => {
  it.each<[string, string, Partial<ScanFormat>, readonly Scan[]]>([
    ['CR ends a code', '4006381333931\r', {}, [code('4006381333931')]],
    ['LF does', 'A\nB\n', {}, [code('A'), code('B')]],
    ['CR LF does once', 'A\r\nB\r\n', {}, [code('A'), code('B')]],
    ['silence does', 'https://example.com/?a=1', {}, [code('https://example.com/?a=1')]],
    ['silence does not', 'A\rB', { end: 'terminator' }, [code('A'), { kind: 'garbled', why: 'no end' }]],
    ['only silence does', 'A\r', { end: 'silence' }, [code('A')]],
    ['separators of GS1 belong to it', '01095\x1d10ABC\x1e\x04\r', {}, [code('01095\x1d10ABC\x1e\x04')]],
    ['spaces do', ' A \r', {}, [code(' A ')]],
    ['nothing is no code', '\r\n\r\n', {}, []],
    ['other characters garble it', 'A\xffB\rC\r', {}, [{ kind: 'garbled', why: 'characters' }, code('C')]],
    [
      'an identifier is taken off',
      ']Q1A]B\r',
      { aimId: true },
      [{ kind: 'code', text: 'A]B', symbology: 'Q1' }],
    ],
    ['an identifier is missing', 'AB\r', { aimId: true }, [{ kind: 'garbled', why: 'no identifier' }]],
    ['an identifier is part of the text', ']Q1A\r', {}, [code(']Q1A')]],
    ['the longest code passes', `${'1'.repeat(7089)}\r`, {}, [code('1'.repeat(7089))]],
    [
      'a longer one does not',
      `${'1'.repeat(7090)}\r2\r`,
      {},
      [{ kind: 'garbled', why: 'too long' }, code('2')],
    ],
  ])('%s', (_, text, format, scans) => {
    expect(read(text, format)).toEqual(scans);
  });

  it('gives the same codes for any split', () => {
    const bytes = latin1(`123\r\n${'4'.repeat(40)}\rx\xfe\r\nlast`);
    const expected = read(`123\r\n${'4'.repeat(40)}\rx\xfe\r\nlast`);
    expect(expected).toHaveLength(4);
    const random = seededRandom('split');
    for (let trial = 0; trial < 50; trial++) {
      const reader = new ScanReader(SCANNER_DEFAULTS);
      const scans: Scan[] = [];
      for (let at = 0; at < bytes.length; ) {
        const length = trial === 0 ? 1 : 1 + random.below(8);
        scans.push(...reader.push(bytes.subarray(at, at + length)));
        at += length;
      }
      expect([...scans, ...reader.silence()]).toEqual(expected);
      expect(reader.isInside).toBe(false);
    }
  });

  it('is bounded, whatever comes', () => {
    const reader = new ScanReader(SCANNER_DEFAULTS);
    for (let n = 0; n < 64; n++) expect(reader.push(new Uint8Array(1024).fill(0x55))).toEqual([]);
    expect(reader.silence()).toEqual([{ kind: 'garbled', why: 'too long' }]);
    expect(reader.push(latin1('next\r'))).toEqual([code('next')]);
  });
});
