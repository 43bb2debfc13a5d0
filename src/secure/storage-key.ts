import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { PossumError } from '../platform/errors.ts';
import type { Random } from '../platform/random.ts';
import { Secret } from '../platform/secret.ts';

const KEY_BYTES = 32;

/** Where the storage key lies in `secure/` of the data folder. */
export function keyFilePath(folder: string): string {
  return join(folder, 'storage.key');
}

/**
 * Reads the storage key from `folder/storage.key` (mode 0600), or makes one for a new terminal.
 * @param isNew nothing was sealed yet; else a new key would be of no use, and hide that the old one is missing
 * @throws PossumError `STORAGE` when the file is missing, cannot be read or has another size
 */
export function loadStorageKey(folder: string, random: Random, isNew: boolean): Secret {
  const path = keyFilePath(folder);
  if (isNew && !isWhole(path)) createKeyFile(folder, path, random);
  const bytes = readKeyFile(path);
  if (bytes.length !== KEY_BYTES) {
    throw new PossumError('STORAGE', `the storage key has ${bytes.length} bytes instead of ${KEY_BYTES}`, {
      where: path,
      remedy: 'The terminal must be provisioned again: use another --data folder.',
    });
  }
  return new Secret(bytes, 'storage key');
}

function readKeyFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new PossumError('STORAGE', `the storage key ${isMissing ? 'is missing' : 'cannot be read'}`, {
      where: path,
      remedy:
        'What the terminal has sealed cannot be opened without it: put it back from a backup, or use another --data folder.',
      cause,
    });
  }
}

function isWhole(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.size === KEY_BYTES;
}

/** A power cut in here leaves a file that is not whole: nothing was sealed with it, and it is made again. */
function createKeyFile(folder: string, path: string, random: Random): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = openSync(path, 'w', 0o600);
  try {
    writeSync(file, random.bytes(KEY_BYTES));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  const directory = openSync(folder, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
