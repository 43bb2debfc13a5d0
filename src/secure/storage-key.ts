import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { PossumError } from '../platform/errors.ts';
import type { Random } from '../platform/random.ts';
import { Secret } from '../platform/secret.ts';

const KEY_BYTES = 32;

/**
 * Reads the storage key from `folder/storage.key` (mode 0600), or makes one for a new terminal.
 * @param isNew nothing was sealed yet; else a new key would be of no use, and hide that the old one is missing
 * @throws PossumError `STORAGE` when the file is missing, cannot be read or has another size
 */
export function loadStorageKey(folder: string, random: Random, isNew: boolean): Secret {
  const path = join(folder, 'storage.key');
  if (isNew && !existsSync(path)) createKeyFile(folder, path, random);
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
    return Uint8Array.from(readFileSync(path));
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

/** Written beside and renamed, so that a power cut leaves no file or a whole one. */
function createKeyFile(folder: string, path: string, random: Random): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${path}.new`;
  const file = openSync(draft, 'w', 0o600);
  try {
    writeSync(file, random.bytes(KEY_BYTES));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  const directory = openSync(folder, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
