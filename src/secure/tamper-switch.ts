import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { keyFilePath } from './storage-key.ts';

/** What made the module destroy its keys. */
export interface Tampering {
  readonly reason: string;
  /** Milliseconds since the epoch, by the terminal's clock. */
  readonly atMs: number;
}

/**
 * The part of a terminal that remembers tampering: a file of its own beside the storage key, since it has to be
 * readable when no key is left.
 */
export interface TamperSwitch {
  /** What happened; `undefined` while all is well. */
  tripped(): Tampering | undefined;
  /** Remembers it for good, before anything is erased. Durable when it returns; a second time changes nothing. */
  trip(tampering: Tampering): void;
  /** Overwrites and removes the storage key: nothing that it sealed can be opened any more. */
  destroyStorageKey(): void;
}

/** @param folder `secure/` of the data folder */
export function tamperSwitch(folder: string): TamperSwitch {
  const path = join(folder, 'tampered');
  return {
    tripped: () => (existsSync(path) ? read(path) : undefined),
    trip(tampering) {
      if (existsSync(path)) return;
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeDurably(path, 'w', Buffer.from(JSON.stringify(tampering)));
      syncFolder(folder);
    },
    destroyStorageKey: () => destroy(keyFilePath(folder)),
  };
}

/** A file that a power cut left empty says that there was tampering all the same. */
function read(path: string): Tampering {
  try {
    const { reason, atMs } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Tampering>;
    return { reason: String(reason), atMs: Number(atMs) };
  } catch {
    return { reason: 'unknown: the power failed while it was written down', atMs: 0 };
  }
}

function destroy(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return;
  writeDurably(path, 'r+', Buffer.alloc(size));
  unlinkSync(path);
  syncFolder(dirname(path));
}

function writeDurably(path: string, flags: 'w' | 'r+', bytes: Uint8Array): void {
  const file = openSync(path, flags, 0o600);
  try {
    writeSync(file, bytes, 0, bytes.length, 0);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFolder(folder: string): void {
  const directory = openSync(folder, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
