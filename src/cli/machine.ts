import { join } from 'node:path';
import {
  type CardDrawer,
  cardDrawer,
  createEmbeddedHost,
  createRedactingTrace,
  createTerminal,
  createVirtualDevices,
  type EmbeddedHost,
  obligingHand,
  type RunningTerminal,
  switchedLine,
  type VirtualDevices,
} from '../app.ts';
import { type Clock, realClock } from '../platform/clock.ts';
import { EXIT, type ExitCode } from '../platform/errors.ts';
import { type Random, systemRandom } from '../platform/random.ts';
import type { Trace } from '../platform/trace.ts';
import { embeddedHost } from '../scenario/embedded-host.ts';
import type { TerminalSettings } from '../terminal/config.ts';
import { isApproved, type TransactionResult } from '../terminal/result.ts';
import { addDataOptions, type DataOptions, makeDataFolder, type ResolvedData } from './data-folder.ts';
import { untilInterrupted } from './interruption.ts';
import { printJson, printProgress, printText } from './output.ts';
import type { Command } from './program.ts';

export interface MachineOptions extends DataOptions {
  readonly host?: string;
  readonly allowPublic?: boolean;
  readonly iKnowTheseAreTestKeys?: boolean;
}

/** A terminal on real time, with virtual devices, for one step of the command line. */
export interface Machine {
  readonly settings: TerminalSettings;
  readonly terminal: RunningTerminal;
  readonly devices: VirtualDevices;
  readonly cards: CardDrawer;
  readonly trace: Trace;
  /** Aborted when the user interrupts the program: what is still awaited is cancelled. */
  readonly signal: AbortSignal;
  /** True when the host could not be reached. */
  lineFailed(): boolean;
}

/** Adds the options that name the host to those of a data folder. */
export function addMachineOptions(program: Command): Command {
  return addDataOptions(program)
    .option('--host <address>', 'HOST:PORT of the host (the terminal file’s, else an embedded one)')
    .option('--allow-public', 'let the host be at an address that is neither loopback nor private')
    .option('--i-know-these-are-test-keys', 'take keys of the terminal file that nobody published');
}

/**
 * Switches a terminal on for one piece of work and off again. Without a host address the embedded host is started
 * on the same data folder.
 */
export async function withMachine<T>(
  { settings: read, folder }: ResolvedData,
  options: MachineOptions,
  work: (machine: Machine) => Promise<T>,
): Promise<T> {
  makeDataFolder(folder);
  const settings = options.iKnowTheseAreTestKeys === true ? { ...read, keysMarked: true } : read;
  const clock = realClock();
  const random = systemRandom();
  const address = options.host ?? settings.host.address;
  const embedded = address !== undefined ? undefined : await startEmbedded(settings, folder, clock, random);
  const devices = createVirtualDevices(clock);
  const trace = createRedactingTrace(clock);
  const cards = cardDrawer(() => random, join(folder, 'cards'));
  let lineFailed = false;
  trace.subscribe(
    (event) => {
      if (event.kind === 'state' && event.part === 'line' && event.to === 'down') lineFailed = true;
    },
    ['state'],
  );
  obligingHand(trace, clock, devices, 0);
  try {
    const allowPublic = options.allowPublic === true;
    const line = embedded?.line ?? switchedLine(address as string, clock, { allowPublic });
    const terminal = await createTerminal({ settings, folder, clock, random, devices, line, trace });
    try {
      const machine = { settings, terminal, devices, cards, trace, lineFailed: () => lineFailed };
      return await untilInterrupted(async (signal) => {
        await terminal.boot(signal);
        return work({ ...machine, signal });
      }, 'Interrupted: what the host was asked is brought to its end. Once more ends it at once.');
    } finally {
      cards.keep();
      terminal.close();
    }
  } finally {
    await embedded?.close();
  }
}

function startEmbedded(
  settings: TerminalSettings,
  folder: string,
  clock: Clock,
  random: Random,
): Promise<EmbeddedHost> {
  return createEmbeddedHost({
    config: embeddedHost(settings),
    clock,
    random,
    database: join(folder, 'host.db'),
  });
}

/**
 * Tells the result and shows the slips.
 * @returns the exit code: 0 approved, 3 not approved for want of a line, 1 not approved
 */
export function reportTransaction(machine: Machine, result: TransactionResult, json: boolean): ExitCode {
  if (json) {
    printJson({ outcome: result.code, reason: result.reason, transaction: result.record ?? null });
  } else {
    printProgress(`${result.code}: ${result.reason}`);
    for (const slip of machine.devices.printer.slips) printText(`${slip.join('\n')}\n`);
  }
  if (isApproved(result)) return EXIT.done;
  if (!machine.lineFailed()) return EXIT.failed;
  printProgress('The host could not be reached. See that it runs, and --host.');
  return EXIT.unavailable;
}
