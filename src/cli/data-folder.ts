import { join } from 'node:path';
import { fixturePath } from '../platform/fixtures.ts';
import { loadTerminalSettings, type TerminalSettings } from '../terminal/config.ts';
import type { Command } from './program.ts';

export interface DataOptions {
  readonly data?: string;
  readonly terminal?: string;
  readonly json?: boolean;
}

/** The options of every command that works on a terminal's data folder. */
export function addDataOptions(program: Command): Command {
  return program
    .option('--data <folder>', 'the terminal’s data folder (POSSUM_DATA, else ./.possum/<TID>)')
    .option('--terminal <file>', 'terminal file (the demo terminal when absent)')
    .option('--json', 'print JSON');
}

/** Terminal file and data folder of a command: `--data`, else `POSSUM_DATA`, else `./.possum/<TID>`. */
export function resolveData(options: DataOptions): {
  readonly settings: TerminalSettings;
  readonly folder: string;
} {
  const settings = loadTerminalSettings(options.terminal ?? fixturePath('terminals', 'demo.yaml'));
  return { settings, folder: options.data ?? process.env.POSSUM_DATA ?? join('.possum', settings.tid) };
}
