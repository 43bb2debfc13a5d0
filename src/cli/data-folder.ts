import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PossumError } from '../platform/errors.ts';
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

/** A terminal's settings, and the folder in which it lives. */
export interface ResolvedData {
  readonly settings: TerminalSettings;
  readonly folder: string;
}

/** Terminal file and data folder of a command: `--data`, else `POSSUM_DATA`, else `./.possum/<TID>`. */
export function resolveData(options: DataOptions): ResolvedData {
  const settings = loadTerminalSettings(options.terminal ?? fixturePath('terminals', 'demo.yaml'));
  return { settings, folder: options.data ?? process.env.POSSUM_DATA ?? join('.possum', settings.tid) };
}

/**
 * Makes the data folder of a terminal that is to work there.
 * @throws PossumError `USAGE` when a file is in the way, `STORAGE` when nothing can be written there
 */
export function makeDataFolder(folder: string): void {
  try {
    makeFolder(resolve(folder));
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOTDIR') {
      throw new PossumError('USAGE', 'there is a file where a folder is needed', {
        where: folder,
        remedy: 'Name a folder with --data.',
        cause,
      });
    }
    throw new PossumError('STORAGE', 'nothing can be written in this folder', {
      where: folder,
      remedy: 'Check who owns it, or name another folder with --data.',
      cause,
    });
  }
}

/** What `rmSync` does, without the code that it loads for it. */
export function removeTree(path: string): void {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return;
  if (!entry.isDirectory()) {
    unlinkSync(path);
    return;
  }
  for (const name of readdirSync(path)) removeTree(join(path, name));
  rmdirSync(path);
}

/** One level after the other: the recursive form of `mkdirSync` does not end where the system has no such folder. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) {
    if (!statSync(folder).isDirectory()) throw Object.assign(new Error(folder), { code: 'ENOTDIR' });
    return;
  }
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (cause) {
    // Another process may have made it meanwhile.
    if (!existsSync(folder)) throw cause;
  }
}

/** What a terminal and its world keep in their folder. */
const OURS = /^(terminal\.(db|lock)|host\.db)(-(wal|shm|journal))?$|^(secure|cards|reserve)$/;

/** Removes what a terminal left in its folder, and nothing else: whoever names the wrong folder loses nothing. */
export function emptyDataFolder(folder: string): void {
  if (!existsSync(join(folder, 'terminal.db'))) return;
  for (const name of readdirSync(folder)) {
    if (OURS.test(name)) removeTree(join(folder, name));
  }
}
