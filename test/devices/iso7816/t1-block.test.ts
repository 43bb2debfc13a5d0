import { describe, expect, it } from 'vitest';
import {
  answeringNad,
  checkCode,
  decodeBlock,
  encodeBlock,
  meaningOf,
  missingOfBlock,
  receiveBlock,
  supervisoryBlock,
} from '../../../devices/iso7816/t1-block.ts';
import { fromHex, latin1, toHex } from '../../../src/platform/bytes.ts';

describe('blocks of T=1', () => {
  // As a real driver sent them and a card answered.
  it.each([
    ['00C101FE3E', { kind: 'S', type: 'ifs', response: false, value: 0xfe }],
    ['00E101FE1E', { kind: 'S', type: 'ifs', response: true, value: 0xfe }],
    ['00000580CA9F1700C7', { kind: 'I', sequence: 0, more: false }],
    ['0040026A82AA', { kind: 'I', sequence: 1, more: false }],
  ])('reads %s', (hex, meaning) => {
    const bytes = fromHex(hex);
    const decoded = decodeBlock(bytes, 'lrc');
    if (!decoded.ok) throw new Error(decoded.reason);
    expect(meaningOf(decoded.block)).toEqual(meaning);
    expect(toHex(encodeBlock(decoded.block, 'lrc'))).toBe(toHex(bytes));
  });

  it.each([
    ['80', '', { kind: 'R', sequence: 0, error: 0 }],
    ['91', '', { kind: 'R', sequence: 1, error: 1 }],
    ['83', '', { kind: 'invalid' }],
    ['A0', '', { kind: 'invalid' }],
    ['80', '00', { kind: 'invalid' }],
    ['20', '01', { kind: 'I', sequence: 0, more: true }],
    ['01', '', { kind: 'invalid' }],
    ['C0', '', { kind: 'S', type: 'resynch', response: false, value: 0 }],
    ['E2', '', { kind: 'S', type: 'abort', response: true, value: 0 }],
    ['C3', '05', { kind: 'S', type: 'wtx', response: false, value: 5 }],
    ['C3', '00', { kind: 'invalid' }],
    ['C3', '', { kind: 'invalid' }],
    ['C1', 'FF', { kind: 'invalid' }],
    ['C0', '01', { kind: 'invalid' }],
    ['C4', '', { kind: 'invalid' }],
  ])('takes control byte %s with field "%s" for %j', (pcb, inf, meaning) => {
    expect(meaningOf({ nad: 0, pcb: Number.parseInt(pcb, 16), inf: fromHex(inf) })).toEqual(meaning);
  });

  it('computes its check codes', () => {
    const digits = latin1('123456789');
    expect(toHex(checkCode(digits, 'lrc'))).toBe('31');
    // The published check values of CRC-16/MCRF4XX and CRC-16/X-25: 6F91 and 906E.
    expect(toHex(checkCode(digits, 'crc'))).toBe('6F91');
    expect(toHex(checkCode(digits, 'crc-inverted'))).toBe('6E90');
  });

  // As a real driver sent them to a card whose answer to reset asks for a CRC.
  it.each(['00C101FE544E', '00000C00A4040007627601FF0000007AAB', '00400B00A4040006A00000000101E9A2'])(
    'reads %s with its CRC',
    (hex) => {
      const bytes = fromHex(hex);
      const decoded = decodeBlock(bytes, 'crc');
      expect(decoded.ok && toHex(encodeBlock(decoded.block, 'crc'))).toBe(toHex(bytes));
    },
  );

  it.each(['lrc', 'crc', 'crc-inverted'] as const)('finds every flipped bit by its %s', (check) => {
    const bytes = encodeBlock(supervisoryBlock(0, 'wtx', false, 3), check);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(decodeBlock(damaged, check).ok).toBe(false);
    }
  });

  it('knows how much of a block is missing', () => {
    const bytes = encodeBlock({ nad: 0, pcb: 0, inf: new Uint8Array(5) }, 'lrc');
    for (let n = 0; n < bytes.length; n++) {
      const missing = missingOfBlock(bytes.subarray(0, n), 'lrc');
      expect(missing).toBeGreaterThan(0);
      expect(missing).toBeLessThanOrEqual(bytes.length - n);
    }
    expect(missingOfBlock(bytes, 'lrc')).toBe(0);
    expect(missingOfBlock(Uint8Array.of(0, 0, 255), 'lrc')).toBe(0);
  });

  it('turns a node address round', () => {
    expect(answeringNad(0x12)).toBe(0x21);
    expect(answeringNad(0)).toBe(0);
    expect(receiveBlock(0x21, 1).pcb).toBe(0x90);
  });
});
