import type { DeviceServices } from '../../../devices/escpos/device.ts';
import { createEscposPrinter, type EscposPrinter } from '../../../devices/escpos/driver.ts';
import { simulatorDialler } from '../../../devices/escpos/in-memory.ts';
import {
  createEscposSimulator,
  type EscposSimulator,
  type EscposSimulatorOptions,
} from '../../../devices/escpos/simulator.ts';
import type { Line } from '../../../devices/transport/line.ts';
import { toHex } from '../../../src/platform/bytes.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';
import type { PrintOutcome } from '../../../src/ports/index.ts';

/** Driver and simulator on a line in memory, on virtual time. */
export interface Bench {
  readonly clock: VirtualClock;
  readonly simulator: EscposSimulator;
  readonly printer: EscposPrinter;
  /** What the driver wrote so far, in hex, a write an entry. */
  readonly written: string[];
}

export interface BenchOptions {
  readonly simulator?: Partial<EscposSimulatorOptions>;
  readonly settings?: DeviceServices['settings'];
  readonly paced?: boolean;
  readonly alter?: (line: Line) => Line;
}

export function bench({ simulator: device, settings, paced, alter }: BenchOptions = {}): Bench {
  const clock = new VirtualClock(0);
  const simulator = createEscposSimulator({ clock, ...device });
  const written: string[] = [];
  const observed = (line: Line): Line => ({
    ...line,
    write(bytes) {
      written.push(toHex(bytes));
      return line.write(bytes);
    },
  });
  const dialler = simulatorDialler(simulator, clock, {
    paced: paced === true,
    alter: (line) => observed(alter?.(line) ?? line),
  });
  const printer = createEscposPrinter({ clock, dialler, ...(settings === undefined ? {} : { settings }) });
  return { clock, simulator, printer, written };
}

export async function opened(options: BenchOptions = {}): Promise<Bench> {
  const made = bench(options);
  const result = await made.clock.run(made.printer.open(NEVER, made.clock.now() + 5000));
  if (result.kind === 'failed') throw new Error(result.reason);
  return made;
}

/** Prints lines of text within 20 seconds. */
export function print({ clock, printer }: Bench, ...lines: string[]): Promise<PrintOutcome> {
  return clock.run(
    printer.print(
      lines.map((text) => ({ text })),
      NEVER,
      clock.now() + 20_000,
    ),
  );
}
