import { describe, expect, it } from 'vitest';
import { createVirtualDisplay } from '../../../devices/virtual/display.ts';
import { createVirtualPinPad } from '../../../devices/virtual/pin-pad.ts';
import { createVirtualPrinter, formatLine } from '../../../devices/virtual/printer.ts';
import type { PinKey } from '../../../src/ports/index.ts';

const PROMPT = { purpose: 'online', amountMinor: 1000, currency: '840', exponent: 2 } as const;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const never = new AbortController().signal;

describe('virtual PIN pad', () => {
  /** Opens the pad and closes it at enter or cancel, as the secure module does. */
  function entry(pad: ReturnType<typeof createVirtualPinPad>) {
    const keys: PinKey[] = [];
    const close = pad.open(PROMPT, {
      press(key) {
        keys.push(key);
        if (key === 'enter' || key === 'cancel') close();
      },
    });
    return { keys, close };
  }

  it('feeds what was typed before and after it opened', async () => {
    const pad = createVirtualPinPad();
    pad.type('12');
    const { keys } = entry(pad);
    expect(keys).toEqual([]);
    await turn();
    pad.type('34E');
    await turn();
    expect(keys).toEqual([1, 2, 3, 4, 'enter']);
    expect(pad.prompt).toBeUndefined();
    expect(pad.prompts).toEqual([PROMPT]);
  });

  it('keeps the keys of the next entry', async () => {
    const pad = createVirtualPinPad();
    pad.type('9B1234E5678\nC');
    const entries = [];
    for (let i = 0; i < 3; i++) {
      entries.push(entry(pad).keys);
      await turn();
    }
    expect(entries).toEqual([[9, 'clear', 1, 2, 3, 4, 'enter'], [5, 6, 7, 8, 'enter'], ['cancel']]);
  });

  it('shows stars while it is open', () => {
    const pad = createVirtualPinPad();
    const { close } = entry(pad);
    expect(pad.prompt).toEqual(PROMPT);
    pad.stars(3);
    expect(pad.starsShown).toBe(3);
    expect(() => entry(pad)).toThrow(expect.objectContaining({ code: 'STATE' }));
    close();
    expect(() => pad.type('1x')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('virtual printer', () => {
  it('prints until the paper is out, and again with new paper', async () => {
    const printer = createVirtualPrinter({ columns: 10 });
    const slip = [{ text: 'TOTAL' }, { text: '9.90', align: 'right' as const }];
    expect(await printer.print(slip, never, 0)).toEqual({ kind: 'printed' });
    printer.paper('out');
    expect(await printer.print(slip, never, 0)).toEqual({ kind: 'failed', reason: 'paper-out' });
    printer.paper('ok');
    printer.runOutAfter(3);
    expect(await printer.print(slip, never, 0)).toEqual({ kind: 'printed' });
    expect(await printer.print(slip, never, 0)).toMatchObject({ kind: 'failed' });
    expect(printer.slips).toEqual([
      ['TOTAL', '      9.90'],
      ['TOTAL', '      9.90'],
    ]);
  });

  it('keeps to its width', () => {
    expect(formatLine({ text: 'POSSUM', align: 'center' }, 10)).toBe('  POSSUM');
    expect(formatLine({ text: 'TEST - NOT A PAYMENT' }, 4)).toBe('TEST');
  });

  it('does nothing once cancelled', async () => {
    const printer = createVirtualPrinter();
    await expect(printer.print([], AbortSignal.abort(), 0)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('virtual display', () => {
  it('shows what fits and remembers it', () => {
    const display = createVirtualDisplay({ columns: 8, rows: 2 });
    display.show(['PRESENT CARD', 'USD 9.90', 'THIRD']);
    display.show(['APPROVED']);
    expect(display.history).toEqual([['PRESENT ', 'USD 9.90'], ['APPROVED']]);
    expect(display.lines).toEqual(['APPROVED']);
  });
});
