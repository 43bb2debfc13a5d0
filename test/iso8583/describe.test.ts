import { describe, expect, it } from 'vitest';
import { describeMessage, traceFields } from '../../src/iso8583/describe.ts';
import { joinParts, splitParts } from '../../src/iso8583/layout.ts';
import { isoMessage } from '../../src/iso8583/message.ts';
import { loadProfile } from '../../src/iso8583/profile.ts';
import { fromHex } from '../../src/platform/bytes.ts';

const cup = loadProfile('emv-fixtures/hosts/cup.yaml').message;
const message = isoMessage('0200', {
  2: '6222021234567890128',
  11: '000002',
  35: '6222021234567890128=29122201234567890',
  52: fromHex('2A084C604973D4AE'),
  55: fromHex('8A00'),
  60: '22000001000600',
});

describe('describing a message', () => {
  it('masks card numbers, tracks and PIN blocks', () => {
    const rows = Object.fromEntries(describeMessage(message, cup).map((row) => [row.field, row]));
    expect(rows[2]?.value).toBe('622202*********0128');
    expect(rows[35]?.value).toBe('622202*********0128=*****************');
    expect(rows[52]?.value).toBe('****************');
    expect(rows[55]?.value).toBe('8A00');
    expect(rows[11]).toEqual({ field: 11, name: 'Trace number', format: 'n 6', value: '000002' });
  });

  it('shows them when asked', () => {
    const rows = describeMessage(message, cup, { clear: true });
    expect(rows.find(({ field }) => field === 52)?.value).toBe('2A084C604973D4AE');
  });

  it('names the parts of a field', () => {
    const parts = describeMessage(message, cup).find(({ field }) => field === 60)?.parts;
    expect(parts?.map(({ value }) => value)).toEqual(['22', '000001', '000', '6', '0', '0']);
  });

  it('gives the trace every field', () => {
    expect(traceFields(message)[52]).toBe('2A084C604973D4AE');
  });
});

describe('parts of a field', () => {
  const terminal = cup.fields[60]?.layouts?.terminal;
  const totals = cup.fields[48]?.layouts?.totals;
  if (terminal === undefined || totals === undefined) throw new Error('the profile lost its layouts');

  it('may be cut on the right only where the layout says so', () => {
    expect(splitParts(terminal, '00000001004')?.map(({ name }) => name)).toEqual([
      'transaction type',
      'batch',
      'management code',
    ]);
    expect(splitParts(terminal, '0000000100')).toBeUndefined();
    expect(splitParts(totals, '000000017550')).toBeUndefined();
    expect(splitParts(totals, '0'.repeat(62))).toHaveLength(10);
    expect(splitParts(totals, '0'.repeat(63))).toBeUndefined();
  });

  it('join to the same text', () => {
    const text = '22000001000600';
    const values = Object.fromEntries(
      splitParts(terminal, text)?.map(({ name, value }) => [name, value]) ?? [],
    );
    expect(joinParts(terminal, values)).toBe(text);
    expect(() => joinParts(terminal, { batch: '000001' })).toThrow();
    expect(() => joinParts(terminal, { 'transaction type': '1' })).toThrow();
    expect(() => joinParts(terminal, { 'transaction type': '22', 'management code': '000' })).toThrow();
    expect(() => joinParts(terminal, { nonsense: '1' })).toThrow();
  });
});
