import { join } from 'node:path';
import {
  type CardDrawer,
  cardDrawer,
  cardPath,
  createHost,
  createRedactingTrace,
  createTerminal,
  createVirtualDevices,
  obligingHand,
  type RunningTerminal,
  switchedLine,
  type VirtualDevices,
} from '../app.ts';
import { loadHost } from '../host/config.ts';
import { realClock } from '../platform/clock.ts';
import { PossumError } from '../platform/errors.ts';
import { fixturePath } from '../platform/fixtures.ts';
import { systemRandom } from '../platform/random.ts';
import type { TerminalSettings } from '../terminal/config.ts';
import type { TransactionResult } from '../terminal/result.ts';
import { addDataOptions, type DataOptions, resolveData } from './data-folder.ts';
import { printJson, printProgress, printText } from './output.ts';
import type { Command } from './program.ts';

export interface MachineOptions extends DataOptions {
  readonly host?: string;
}

/** A terminal on real time, with virtual devices, for one step of the command line. */
export interface Machine {
  readonly settings: TerminalSettings;
  readonly terminal: RunningTerminal;
  readonly devices: VirtualDevices;
  readonly cards: CardDrawer;
}

/** Adds `--host` to the options of a data folder. */
export function addMachineOptions(program: Command): Command {
  return addDataOptions(program).option(
    '--host <address>',
    'HOST:PORT of the host (the terminal file’s, else an embedded one)',
  );
}

/**
 * Switches a terminal on for one piece of work and off again. Without a host address the embedded host is started
 * on the same data folder.
 */
export async function withMachine<T>(
  options: MachineOptions,
  work: (machine: Machine) => Promise<T>,
): Promise<T> {
  const { settings, folder } = resolveData(options);
  const clock = realClock();
  const random = systemRandom();
  const address = options.host ?? settings.host.address;
  const embedded =
    address !== undefined
      ? undefined
      : await createHost({
          config: loadHost(fixturePath('hosts', 'demo.yaml')),
          clock,
          random,
          listen: '127.0.0.1:0',
          database: join(folder, 'host.db'),
        });
  const devices = createVirtualDevices(clock);
  const trace = createRedactingTrace(clock);
  const cards = cardDrawer(() => random, join(folder, 'cards'));
  obligingHand(trace, clock, devices, 0);
  try {
    const line = switchedLine(address ?? (embedded?.address as string), clock);
    const terminal = await createTerminal({ settings, folder, clock, random, devices, line, trace });
    try {
      await terminal.boot();
      return await work({ settings, terminal, devices, cards });
    } finally {
      cards.keep();
      terminal.close();
    }
  } finally {
    await embedded?.close();
  }
}

export interface CardOptions extends MachineOptions {
  readonly card: string;
  readonly amount: string;
  readonly pin?: string;
  readonly by?: string;
}

/** Presents the card of `--card` as its file allows, or as `--by` says. */
export function presentCard({ devices, cards }: Machine, options: CardOptions): void {
  const card = cards.take(cardPath(options.card));
  const by =
    options.by ?? (card.contact !== undefined ? 'insert' : card.contactless !== undefined ? 'tap' : 'swipe');
  if (options.pin !== undefined) devices.pinPad.type(`${options.pin}E`);
  if (by === 'insert') devices.reader.insert(card);
  else if (by === 'tap') devices.reader.tap(card);
  else if (by === 'swipe') devices.reader.swipe(card);
  else throw new PossumError('USAGE', `--by ${by} is unknown`, { remedy: 'Use insert, tap or swipe.' });
}

/** Tells the result and shows the slips. */
export function reportTransaction(machine: Machine, result: TransactionResult, json: boolean): void {
  if (json) {
    printJson({ outcome: result.code, reason: result.reason, transaction: result.record ?? null });
    return;
  }
  printProgress(`${result.code}: ${result.reason}`);
  for (const slip of machine.devices.printer.slips) printText(`${slip.join('\n')}\n`);
}
