import { describe, expect, it } from 'vitest';
import { Ledger } from '../../src/host/ledger.ts';

describe('the ledger', () => {
  it('takes only entries that sum to zero', () => {
    const ledger = new Ledger();
    expect(() => ledger.post(0, 'x', [{ account: 'a', amountMinor: 1 }])).toThrow();
    expect(() => ledger.move(0, 'x', 'a', 'b', 0.5)).toThrow();
    expect(ledger.entries()).toEqual([]);
    expect(ledger.balance('a')).toBe(0);
  });

  it('undoes an entry once, by an opposite one', () => {
    const ledger = new Ledger();
    const id = ledger.move(1, 'sale', 'a', 'b', 100);
    ledger.undo(2, id, 'reversal');
    expect(ledger.balance('a')).toBe(0);
    expect(ledger.entries()).toHaveLength(2);
    expect(() => ledger.undo(3, id, 'again')).toThrow(expect.objectContaining({ code: 'STATE' }) as Error);
    expect(() => ledger.undo(3, 99, 'unknown')).toThrow();
  });
});
