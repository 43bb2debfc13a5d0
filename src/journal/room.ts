import { existsSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Room on the disk of a terminal's folder, and a reserve for what has to be written when there is none. */
export interface Room {
  /** Whether a new transaction can be written with all that may follow from it. */
  enough(): boolean;
  /** Gives the reserve back to the disk. @returns false when it was given before */
  giveReserve(): boolean;
}

/** Of the file that is given back when the disk is full: the reversals that are due fit in it. */
const RESERVE_BYTES = 1 << 20;
/** What a new transaction wants to see free: the write-ahead log and the pages of several of them. */
const WANTED_BYTES = 4 << 20;

/**
 * The room of `folder`. Makes the reserve when it is missing and fits.
 * @param freeBytes what the disk has left; asked of the system when absent
 */
export function roomOf(folder: string, freeBytes: () => number = () => freeBytesOf(folder)): Room {
  const reserve = join(folder, 'reserve');
  if (!existsSync(reserve) && freeBytes() >= RESERVE_BYTES + WANTED_BYTES) makeReserve(reserve);
  return {
    enough: () => freeBytes() >= WANTED_BYTES,
    giveReserve() {
      if (!existsSync(reserve)) return false;
      unlinkSync(reserve);
      return true;
    },
  };
}

function freeBytesOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

function makeReserve(path: string): void {
  try {
    writeFileSync(path, new Uint8Array(RESERVE_BYTES), { mode: 0o600 });
  } catch {
    // A disk that fills up just now has no reserve; the next boot tries again.
  }
}
