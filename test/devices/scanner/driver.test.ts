import { describe, expect, it } from 'vitest';
import { type BarcodeScanner, createScanner, type ScannerServices } from '../../../devices/scanner/driver.ts';
import { scannerOptions } from '../../../devices/scanner/options.ts';
import { SCANNER_DEFAULTS, SCANNER_LINE } from '../../../devices/scanner/settings.ts';
import {
  createScannerSimulator,
  type ScannerSimulator,
  type ScannerSimulatorOptions,
} from '../../../devices/scanner/simulator.ts';
import { type Faults, withFaults } from '../../../devices/transport/faults.ts';
import { simulatorDialler } from '../../../devices/transport/simulator-dialler.ts';
import { parseDeviceSpec } from '../../../devices/transport/spec.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import { createTrace } from '../../../src/platform/trace.ts';

interface Bench {
  readonly clock: VirtualClock;
  readonly simulator: ScannerSimulator;
  readonly scanner: BarcodeScanner;
}

interface BenchOptions {
  readonly simulator?: Partial<ScannerSimulatorOptions>;
  readonly scanner?: Partial<ScannerServices>;
  readonly faults?: Faults;
}

const PAYMENT_CODE = '284712345678901234';

async function opened({
  simulator: device,
  scanner: driver,
  faults = {},
}: BenchOptions = {}): Promise<Bench> {
  const clock = new VirtualClock(0);
  const simulator = createScannerSimulator({ clock, ...device });
  const dialler = simulatorDialler(simulator, clock, (stream) =>
    withFaults(stream, faults, clock, seededRandom('scanner')),
  );
  const scanner = createScanner({ clock, dialler, ...driver });
  expect(await clock.run(scanner.open(NEVER, 1000))).toEqual({ kind: 'opened' });
  return { clock, simulator, scanner };
}

const scanned = ({ clock, scanner }: Bench, waitMs = 60_000) =>
  clock.run(scanner.awaitScan(NEVER, clock.now() + waitMs));

describe('a scan', () => {
  it('ends the wait at its CR, at once', async () => {
    const bench = await opened();
    const waiting = scanned(bench);
    bench.clock.after(100, () => bench.simulator.scan(PAYMENT_CODE));
    expect(await waiting).toEqual({ kind: 'code', text: PAYMENT_CODE });
    expect(bench.clock.now()).toBe(100);
  });

  it('ends it by silence, and takes its time on the line', async () => {
    const bench = await opened({ simulator: { terminator: '', pace: SCANNER_LINE } });
    bench.simulator.scan(PAYMENT_CODE);
    expect(await scanned(bench)).toEqual({ kind: 'code', text: PAYMENT_CODE });
    expect(bench.clock.now()).toBeCloseTo((PAYMENT_CODE.length * 10 * 1000) / 9600 + 50, 3);
  });

  it.each([
    ['noise', { kind: 'garbled', why: 'characters' }],
    ['cut', { kind: 'garbled', why: 'no end' }],
    ['no-end', { kind: 'garbled', why: 'no end' }],
  ] as const)('with the fault %s is told as garbled, and the next one is read', async (fault, result) => {
    const bench = await opened({ scanner: { settings: { end: 'terminator' } } });
    bench.simulator.fault(fault);
    bench.simulator.scan(PAYMENT_CODE);
    expect(await scanned(bench)).toEqual(result);
    bench.simulator.scan('next');
    expect(await scanned(bench)).toEqual({ kind: 'code', text: 'next' });
  });

  it('tells its symbology where scanner and driver are set to', async () => {
    const bench = await opened({ simulator: { aimId: ']Q1' }, scanner: { settings: { aimId: true } } });
    bench.simulator.scan('hello');
    expect(await scanned(bench)).toEqual({ kind: 'code', text: 'hello', symbology: 'Q1' });
  });

  it('is kept for a while when nobody waits, the last one only', async () => {
    const bench = await opened();
    bench.simulator.scan('first');
    bench.simulator.scan('second');
    await bench.clock.advance(1000);
    expect(await scanned(bench)).toEqual({ kind: 'code', text: 'second' });
    bench.simulator.scan('third');
    await bench.clock.advance(6000);
    expect(await scanned(bench, 500)).toEqual({ kind: 'timeout' });
  });

  it('arrives whole in pieces', async () => {
    const bench = await opened({ faults: { incoming: { split: 'bytes', delayMs: [0, 30] } } });
    bench.simulator.scan(PAYMENT_CODE);
    expect(await scanned(bench)).toEqual({ kind: 'code', text: PAYMENT_CODE });
  });
});

describe('a wait', () => {
  it('is cancelled, and is for one at a time', async () => {
    const { scanner } = await opened();
    const controller = new AbortController();
    const waiting = scanner.awaitScan(controller.signal, 60_000);
    await expect(scanner.awaitScan(NEVER, 60_000)).rejects.toMatchObject({ code: 'STATE' });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(scanner.awaitScan(controller.signal, 60_000)).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('ends when the cable is pulled at any byte, with no half of a code; the line comes back', async () => {
    for (let cutAfter = 1; cutAfter <= PAYMENT_CODE.length; cutAfter++) {
      const bench = await opened({ faults: { incoming: { cutAfter }, cut: 'unplug' } });
      bench.simulator.scan(PAYMENT_CODE);
      expect(await scanned(bench)).toEqual({ kind: 'offline', reason: 'the line is gone (sim)' });
    }
    const bench = await opened();
    await bench.simulator.unplug();
    expect(await scanned(bench)).toMatchObject({ kind: 'offline' });
    bench.simulator.replug();
    await bench.clock.advance(3000);
    bench.simulator.scan('again');
    expect(await scanned(bench)).toEqual({ kind: 'code', text: 'again' });
    await bench.scanner.close();
    expect(bench.scanner.isOnline).toBe(false);
  });
});

describe('a scanner', () => {
  it('that is not there is refused', async () => {
    const clock = new VirtualClock(0);
    const simulator = createScannerSimulator({ clock });
    await simulator.unplug();
    const scanner = createScanner({ clock, dialler: simulatorDialler(simulator, clock) });
    expect(await clock.run(scanner.open(NEVER, 1000))).toEqual({
      kind: 'failed',
      reason: 'no such device (sim)',
    });
  });

  it('shows no code in the trace', async () => {
    const clock = new VirtualClock(0);
    const trace = createTrace(clock, (event) => event);
    const seen: string[] = [];
    trace.subscribe((event) => seen.push(JSON.stringify(event)));
    const bench = await opened({ scanner: { trace } });
    bench.simulator.scan(PAYMENT_CODE);
    await scanned(bench);
    expect(seen.join()).toContain('18 characters');
    expect(seen.join()).not.toContain(PAYMENT_CODE.slice(0, 6));
  });

  it('has keys of its own in a device specification', () => {
    const read = (keys: string) =>
      parseDeviceSpec(`scanner:/dev/ttyACM0${keys}`, { scanner: scannerOptions() });
    const own = { end: 'terminator', aimId: true, silenceMs: 20, keepMs: 0 };
    expect(read('?end=terminator&aimId=true&silenceMs=20&keepMs=0')).toMatchObject({ own });
    for (const key of Object.keys(own)) expect(SCANNER_DEFAULTS).toHaveProperty(key);
    for (const key of ['end=cr', 'silenceMs=0', 'aimid=true'])
      expect(() => read(`?${key}`)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
