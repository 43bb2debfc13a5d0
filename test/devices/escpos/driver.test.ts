import { describe, expect, it } from 'vitest';
import { createVirtualPrinter } from '../../../devices/virtual/printer.ts';
import { NEVER } from '../../../src/platform/clock.ts';
import type { PrintLine } from '../../../src/ports/index.ts';
import { bench, opened, print } from './bench.ts';

const SLIP: readonly PrintLine[] = [
  { text: 'MERCHANT', align: 'center', bold: true },
  { text: 'TOTAL' },
  { text: 'EUR 12.34', align: 'right' },
  { text: '-'.repeat(42) },
  { text: 'x'.repeat(60) },
];

describe('a slip', () => {
  it('comes out as on the printer in this process', async () => {
    const made = await opened();
    const virtual = createVirtualPrinter({ columns: 42 });
    await virtual.print(SLIP, NEVER, 0);
    expect(await made.clock.run(made.printer.print(SLIP, NEVER, 20_000))).toEqual({ kind: 'printed' });
    expect(made.simulator.slips).toEqual(virtual.slips);
    expect(made.simulator.unknown).toEqual([]);
    expect(made.printer.lastSlip).toBe('printed');
  });

  it.each(['auto', 'always'] as const)('shows Chinese beside Latin letters (%s)', async (chinese) => {
    const made = await opened({
      simulator: { startsChinese: chinese === 'always' },
      settings: { chinese, codePage: '858' },
    });
    await print(made, '消费 SALE é 金额：€12.34');
    expect(made.simulator.slips).toEqual([['消费 SALE é 金额：€12.34']]);
  });

  it('holds pictures, codes and nothing that a text could command', async () => {
    const made = await opened();
    const dots = new Uint8Array(6 * 200).fill(0x10).map((value, index) => (index % 2 === 0 ? value : 0x14));
    dots[2] = 0x01;
    const parts = [
      { kind: 'image', image: { width: 48, height: 200, dots } },
      { kind: 'qr', text: 'https://example.com/é' },
      { kind: 'line', line: { text: '\x1bp\x00 \x10\x14\x01' } },
      { kind: 'cut' },
    ] as const;
    expect(await made.clock.run(made.printer.printParts(parts, NEVER, 20_000))).toEqual({ kind: 'printed' });
    expect(made.simulator.slips).toEqual([['[image 48x200]', '[QR https://example.com/é]', '?p? ???']]);
    expect(made.simulator.state().kicks).toBe(0);
  });

  it('opens the drawer once', async () => {
    const made = await opened();
    expect(await made.clock.run(made.printer.openDrawer(NEVER, 20_000))).toEqual({ kind: 'printed' });
    expect(made.simulator.state().kicks).toBe(1);
    expect(made.written).toContain('1B70003232');
  });

  it('is printed after the one before', async () => {
    const made = await opened({ simulator: { lineMs: 100 } });
    const both = Promise.all([
      made.printer.print([{ text: 'one' }], NEVER, 20_000),
      made.printer.print([{ text: 'two' }], NEVER, 20_000),
    ]);
    expect(await made.clock.run(both)).toEqual([{ kind: 'printed' }, { kind: 'printed' }]);
    expect(made.simulator.slips).toEqual([['one'], ['two']]);
  });
});

describe('a printer that cannot', () => {
  it.each([
    ['paper-out', (made: Awaited<ReturnType<typeof opened>>) => made.simulator.paper('out')],
    ['offline', (made: Awaited<ReturnType<typeof opened>>) => made.simulator.cover(true)],
    ['fault', (made: Awaited<ReturnType<typeof opened>>) => made.simulator.jam(true)],
  ])('is sent nothing: %s', async (reason, spoil) => {
    const made = await opened();
    spoil(made);
    const before = made.written.length;
    expect(await print(made, 'no')).toEqual({ kind: 'failed', reason });
    expect(made.written.slice(before)).toEqual(['100401', '100402', '100404']);
    expect(made.printer.lastSlip).toBe('not printed');
  });

  it('runs out of paper in the middle: the rest never comes out', async () => {
    const made = await opened();
    made.simulator.runOutAfter(2);
    expect(await print(made, 'a', 'b', 'c', 'd')).toEqual({ kind: 'failed', reason: 'paper-out' });
    expect(made.printer.lastSlip).toBe('unknown');
    expect(made.simulator.page).toEqual(['a', 'b']);
    made.simulator.paper('ok');
    expect(await print(made, 'again')).toEqual({ kind: 'printed' });
    expect(made.simulator.slips).toEqual([['a', 'b', 'again']]);
  });

  it('cannot forget either: its late answer is not taken for one of the next slip', async () => {
    const made = await opened({ simulator: { clears: false }, settings: { clears: false } });
    made.simulator.runOutAfter(2);
    expect(await print(made, 'a', 'b', 'c')).toEqual({ kind: 'failed', reason: 'paper-out' });
    made.simulator.paper('ok');
    expect(made.simulator.slips).toEqual([['a', 'b', 'c']]);
    made.simulator.runOutAfter(1);
    expect(await print(made, 'x', 'y')).toEqual({ kind: 'failed', reason: 'paper-out' });
  });

  it('prints near the end of the paper', async () => {
    const made = await opened();
    made.simulator.paper('near');
    expect(await made.clock.run(made.printer.status(NEVER))).toMatchObject({ paper: 'near', online: true });
    expect(await print(made, 'still')).toEqual({ kind: 'printed' });
  });

  it('falls silent in the middle', async () => {
    const made = await opened({ simulator: { lineMs: 300 } });
    const printing = print(made, 'a', 'b', 'c');
    made.clock.after(350, () => made.simulator.mute(true));
    expect(await printing).toEqual({ kind: 'failed', reason: 'timeout' });
    expect(made.printer.lastSlip).toBe('unknown');
  });
});

describe('flow control', () => {
  const lines = Array.from({ length: 150 }, (_, index) => `line ${index} ${'.'.repeat(30)}`);
  const slow = { lineMs: 20, bufferBytes: 1024 };

  it.each([
    ['xon', {}],
    ['dtr', {}],
    ['dtr', { busy: 'dsr' }],
    ['dtr', { busy: 'cts' }],
  ] as const)('%s is honoured with %o', async (flow, settings) => {
    const made = await opened({ simulator: { ...slow, flow }, settings });
    expect(await print(made, ...lines)).toEqual({ kind: 'printed' });
    expect(made.simulator.state().overruns).toBe(0);
    expect(made.simulator.slips[0]).toEqual(lines);
  });

  it('is honoured on a line that takes its time', async () => {
    const made = await opened({
      simulator: { lineMs: 60, bufferBytes: 1024, flow: 'dtr' },
      settings: { busy: 'dsr' },
      paced: true,
    });
    expect(await print(made, ...lines)).toEqual({ kind: 'printed' });
    expect(made.simulator.state().overruns).toBe(0);
  });

  it('that nobody lifts tells what is wrong', async () => {
    const made = await opened({ simulator: { ...slow, flow: 'xon' } });
    made.simulator.runOutAfter(3);
    expect(await print(made, ...lines)).toEqual({ kind: 'failed', reason: 'paper-out' });
    expect(made.clock.now()).toBeLessThan(5000);
  });
});

describe('waits', () => {
  it('end when they are cancelled, and nothing of the slip follows', async () => {
    const made = await opened({ simulator: { lineMs: 500 } });
    const cancel = new AbortController();
    const printing = made.printer.print([{ text: 'a' }, { text: 'b' }, { text: 'c' }], cancel.signal, 20_000);
    made.clock.after(600, () => cancel.abort());
    await expect(made.clock.run(printing)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(made.clock.now()).toBeLessThan(1200);
    expect(await print(made, 'next')).toEqual({ kind: 'printed' });
    expect(made.simulator.slips).toEqual([['a', 'b', 'next']]);
  });

  it('end at their deadline', async () => {
    const made = await opened({ simulator: { lineMs: 1000 } });
    const printing = made.printer.print([{ text: 'a' }, { text: 'b' }, { text: 'c' }], NEVER, 1500);
    expect(await made.clock.run(printing)).toEqual({ kind: 'failed', reason: 'timeout' });
    expect(made.clock.now()).toBeLessThan(2100);
  });
});

describe('the connection', () => {
  it('is lost with the cable and comes back', async () => {
    const made = await opened();
    await made.simulator.unplug();
    expect(await print(made, 'gone')).toEqual({ kind: 'failed', reason: 'offline' });
    made.simulator.replug();
    await made.clock.advance(3000);
    expect(made.printer.isOnline).toBe(true);
    expect(await print(made, 'back')).toEqual({ kind: 'printed' });
  });

  it('is noticed to be dead by the heartbeat', async () => {
    const made = await opened();
    made.simulator.mute(true);
    await made.clock.advance(6000);
    expect(made.printer.isOnline).toBe(false);
    made.simulator.mute(false);
    await made.clock.advance(15_000);
    expect(made.printer.isOnline).toBe(true);
  });

  it.each([0, 1, 3, 5, 8])('tells a slip the truth %i ms into a heartbeat', async (afterMs) => {
    const made = await opened({ paced: true, settings: { heartbeatMs: 1000 } });
    made.simulator.cover(true);
    await made.clock.advance(1000 + afterMs);
    const status = await made.clock.run(made.printer.status(NEVER));
    expect(status).toMatchObject({ online: false, coverOpen: true, paper: 'ok' });
    expect(await print(made, 'no')).toEqual({ kind: 'failed', reason: 'offline' });
  });

  it('needs a printer that answers', async () => {
    const made = bench();
    made.simulator.mute(true);
    expect(await made.clock.run(made.printer.open(NEVER, 10_000))).toMatchObject({ kind: 'failed' });
    await made.printer.close();
  });

  it('to a printer without paper is opened, without a name until it has some', async () => {
    const made = bench();
    made.simulator.paper('out');
    expect(await made.clock.run(made.printer.open(NEVER, 10_000))).toMatchObject({
      kind: 'opened',
      status: { paper: 'out', online: false },
      name: undefined,
    });
  });

  it('without answers prints and promises nothing', async () => {
    const made = await opened({ settings: { answers: false } });
    expect(await print(made, 'blind')).toEqual({ kind: 'printed' });
    await made.clock.advance(100);
    expect(made.printer.lastSlip).toBe('unknown');
    expect(made.simulator.slips).toEqual([['blind']]);
    expect(await made.clock.run(made.printer.status(NEVER))).toBeUndefined();
  });
});

describe('a printer with a small buffer', () => {
  it('is looked at before each chunk, however much the operating system would take', async () => {
    const made = await opened({
      simulator: { lineMs: 400, bufferBytes: 512, flow: 'dtr' },
      paced: true,
    });
    const lines = Array.from({ length: 40 }, (_, index) => `${index} ${'.'.repeat(38)}`);
    const printing = made.printer.print(
      lines.map((text) => ({ text })),
      NEVER,
      60_000,
    );
    expect(await made.clock.run(printing)).toEqual({ kind: 'printed' });
    expect(made.simulator.state().overruns).toBe(0);
    expect(made.simulator.slips).toEqual([lines]);
  });
});
