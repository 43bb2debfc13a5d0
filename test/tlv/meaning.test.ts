import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/platform/bytes.ts';
import { parseTlv } from '../../src/tlv/ber.ts';
import { describeBits, describeCid, describeTerminalType } from '../../src/tlv/bits.ts';
import { describeCvmResults, parseCvmList } from '../../src/tlv/cvm-list.ts';
import { lookupTag, meaningsOf } from '../../src/tlv/dictionary.ts';
import { describeTlv, formatTlv } from '../../src/tlv/format.ts';

describe('the tag dictionary', () => {
  it('gives each kernel its own meaning of a tag', () => {
    expect(lookupTag(0x9f26)?.name).toBe('Application Cryptogram (AC)');
    expect(new Set(meaningsOf(0x9f6e).map((row) => row.context)).size).toBe(3);
    expect(lookupTag(0x9f66, 'C-3')?.name).not.toBe(lookupTag(0x9f66, 'C-2')?.name);
  });

  it('falls back to the common meaning and never to another kernel', () => {
    expect(lookupTag(0x9f26, 'C-3')?.context).toBe('common');
    expect(lookupTag(0xdf8123, 'C-3')).toBeUndefined();
  });
});

describe('bit fields', () => {
  it('names the set bits of a TVR in order', () => {
    expect(describeBits(0x95, fromHex('8000048000'))?.map((b) => `${b.byte}.${b.bit}`)).toEqual([
      '1.8',
      '3.3',
      '4.8',
    ]);
  });

  it('shows reserved bits and has nothing to say about other tags', () => {
    expect(describeBits(0x9b, fromHex('0001'))).toEqual([{ byte: 2, bit: 1, meaning: 'RFU' }]);
    expect(describeBits(0x9f26, fromHex('00'))).toBeUndefined();
  });

  it('reads the cryptogram type, advice and reason', () => {
    expect(describeCid(0x80)).toMatchObject({ type: 'ARQC', advice: false });
    expect(describeCid(0x0a)).toMatchObject({ type: 'AAC', advice: true, reason: 'PIN Try Limit exceeded' });
  });

  it('reads the terminal type', () => {
    expect(describeTerminalType(0x22)).toBe('attended, offline with online capability, operated by merchant');
    expect(describeTerminalType(0x47)).toBe('RFU');
  });
});

describe('CVM list', () => {
  it('splits amounts and rules', () => {
    expect(parseCvmList(fromHex('00001388000000004203 1E03 1F00'))).toEqual({
      amountX: 5000,
      amountY: 0,
      rules: [
        { code: 0x42, condition: 3, method: 2, continues: true },
        { code: 0x1e, condition: 3, method: 0x1e, continues: false },
        { code: 0x1f, condition: 0, method: 0x1f, continues: false },
      ],
    });
    expect(parseCvmList(fromHex('000000000000000042'))).toBeUndefined();
    expect(describeCvmResults(fromHex('1F0002'))).toBe('No CVM required, always: successful');
  });
});

describe('the tree', () => {
  it('names objects, shows texts and explains lists', () => {
    const parsed = parseTlv(fromHex('70 15 50 04 56495341 8C 06 9F0206 9F3704 82 02 2000 DF50 00'));
    const text = parsed.ok ? formatTlv(describeTlv(parsed.items)) : '';
    expect(text).toContain('  50 Application Label [4]: 56495341 "VISA"');
    expect(text).toContain('9F37 4 Unpredictable Number');
    expect(text).toContain('byte 1 bit 6: DDA supported');
  });
});
