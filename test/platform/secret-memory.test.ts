import { describe, expect, it } from 'vitest';
import { secretBytes, secretConcat, secretCopy, secretWords } from '../../src/platform/secret-memory.ts';

describe('memory for secrets', () => {
  it('is zero, and nobody else’s', () => {
    const pieces = Array.from({ length: 2000 }, (_, i) => secretBytes(1 + (i % 40)));
    for (const [index, piece] of pieces.entries()) {
      expect(piece.every((byte) => byte === 0)).toBe(true);
      piece.fill(1 + (index % 255));
    }
    for (const [index, piece] of pieces.entries()) {
      expect(piece).toEqual(new Uint8Array(1 + (index % 40)).fill(1 + (index % 255)));
    }
  });

  it('has room for pieces longer than its blocks', () => {
    expect(secretBytes(100_000)).toHaveLength(100_000);
    expect(secretWords(5000)).toHaveLength(5000);
    expect(secretBytes(0)).toHaveLength(0);
  });

  it('gives words behind bytes of any number', () => {
    secretBytes(3);
    const words = secretWords(3);
    words.set([1, -2, 3]);
    expect([...words]).toEqual([1, -2, 3]);
  });

  it('copies and joins', () => {
    const original = Uint8Array.of(1, 2, 3);
    const copy = secretCopy(original);
    copy[0] = 9;
    expect([...original, ...copy]).toEqual([1, 2, 3, 9, 2, 3]);
    expect([...secretConcat(original, new Uint8Array(0), copy)]).toEqual([1, 2, 3, 9, 2, 3]);
  });
});
