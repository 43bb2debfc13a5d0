import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openTerminalFiles } from '../../journal/database.ts';
import { toHex } from '../../platform/bytes.ts';
import { isPossumError, PossumError } from '../../platform/errors.ts';
import { Secret } from '../../platform/secret.ts';
import { isFromPublishedBdk } from '../../secure/dukpt-scheme.ts';
import type { LoadedInitialKey } from '../../secure/future-keys.ts';
import { isPublishedKey } from '../../secure/published-keys.ts';
import type { SecureModule } from '../../secure/secure-module.ts';
import { type DataOptions, emptyDataFolder, resolveData } from '../data-folder.ts';
import { reportInjected } from './show.ts';
import { hexOption, keyOnCommandLine, textOfFile } from './sources.ts';
import { withVault } from './vault.ts';

export interface InjectOptions extends DataOptions {
  readonly initialKey?: string;
  readonly ksn?: string;
  readonly block?: string;
  readonly under?: string;
  readonly fresh?: boolean;
  readonly iKnowTheseAreTestKeys?: boolean;
}

type Injection = (secure: SecureModule) => LoadedInitialKey;

/** `possum keys inject`: the DUKPT initial key, in the clear or as a key block. */
export async function injectInitialKey(options: InjectOptions): Promise<void> {
  // Read and checked before the folder is touched.
  const inject = await injectionOf(options);
  if (options.fresh === true) await startAnew(resolveData(options).folder);
  await withVault(options, (secure) => {
    const loaded = inject(secure);
    reportInjected(loaded, toHex(secure.nextKsn() ?? new Uint8Array(0)), options.json === true);
  });
}

/** Empties the folder, unless a terminal is at work there. */
async function startAnew(folder: string): Promise<void> {
  if (existsSync(join(folder, 'terminal.db'))) {
    try {
      (await openTerminalFiles(folder)).close();
    } catch (cause) {
      // Whatever else is wrong with the files is a good reason to start anew.
      if (isPossumError(cause, 'LOCKED')) throw cause;
    }
  }
  emptyDataFolder(folder);
}

async function injectionOf(options: InjectOptions): Promise<Injection> {
  const { initialKey, block, under } = options;
  const marked = options.iKnowTheseAreTestKeys === true;
  const ksn = options.ksn === undefined ? undefined : hexOption(options.ksn, '--ksn', [10, 12]);
  if ((initialKey === undefined) === (block === undefined)) {
    throw new PossumError('USAGE', 'an initial key is needed, in the clear or as a key block', {
      remedy: 'Give --initial-key with --ksn, or --block.',
    });
  }
  if (block !== undefined) {
    const text = await textOfFile(block, 'a key block');
    const request = { block: text, marked, ...(ksn === undefined ? {} : { ksn }) };
    return (secure) => secure.loadInitialKeyBlock(under === undefined ? request : { ...request, under });
  }
  if (ksn === undefined) {
    throw new PossumError('USAGE', 'the KSN of the initial key is missing', { remedy: 'Give --ksn HEX.' });
  }
  const key = await clearKey(initialKey as string, ksn);
  return (secure) => {
    try {
      return secure.loadInitialKey(key, ksn, marked ? 'marked' : undefined);
    } finally {
      key.wipe();
    }
  };
}

const LENGTHS = [16, 24, 32];

/** A key that nobody published would stand in the history of the shell and in the list of processes. */
async function clearKey(given: string, ksn: Uint8Array): Promise<Secret> {
  const isFile = given === '-' || given.startsWith('@');
  const text = isFile ? await textOfFile(given.replace(/^@/, ''), 'an initial key') : given;
  const key = hexOption(text, '--initial-key', LENGTHS);
  if (isFile || isPublishedKey(key) || isPublishedFor(key, ksn)) return new Secret(key, 'initial key');
  key.fill(0);
  throw keyOnCommandLine('--initial-key');
}

function isPublishedFor(key: Uint8Array, ksn: Uint8Array): boolean {
  return (key.length === 16 || ksn.length === 12) && isFromPublishedBdk(key, ksn);
}
