import { closeSync, constants, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { latin1 } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';

/** How far a terminal's database had come. */
export interface Mark {
  /** Commits since the database was made. */
  readonly commits: number;
  readonly stan: number;
  /** The next KSN, hex; empty before a key was loaded. */
  readonly ksn: string;
}

/**
 * A file beside the database that says how far it had come. It is written after each commit and never synced: it may
 * be behind, but only a database that was put back to an older state is behind it.
 */
export interface HighWater {
  /**
   * @param now what the database says at its opening
   * @throws PossumError `STORAGE` when the file has seen more of it
   */
  check(now: Mark): void;
  /** Writes the mark. What cannot be written is left out: the file is then behind. */
  write(mark: Mark): void;
  close(): void;
}

/** Wide enough for every mark, so that a shorter one leaves nothing of a longer. */
const LINE_LENGTH = 80;

/** @param path of the file; it and its folder are made when they are missing */
export function highWater(path: string): HighWater {
  let file: number | undefined;
  return {
    check(now) {
      const seen = read(path);
      if (seen === undefined || seen.commits <= now.commits) return;
      throw new PossumError(
        'STORAGE',
        `the database is an older one: it has ${now.commits} commits, STAN ${now.stan} and KSN ${now.ksn || 'none'}; ` +
          `this terminal has made ${seen.commits}, STAN ${seen.stan} and KSN ${seen.ksn || 'none'}`,
        {
          where: path,
          remedy:
            'The terminal is out of service, since it would use keys and numbers twice: provision it again in another --data folder.',
        },
      );
    },
    write(mark) {
      try {
        file ??= open(path);
        writeSync(file, latin1(lineOf(mark)), 0, LINE_LENGTH, 0);
      } catch {
        // Behind is allowed.
      }
    },
    close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

function open(path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
}

function lineOf({ commits, stan, ksn }: Mark): string {
  return `${`commits ${commits} stan ${stan} ksn ${ksn}`.padEnd(LINE_LENGTH - 1)}\n`;
}

/** A file that is missing or was cut while it was written says nothing. */
function read(path: string): Mark | undefined {
  try {
    const [, commits, stan, ksn = ''] =
      /^commits (\d+) stan (\d+) ksn ([0-9A-F]*) *\n/.exec(readFileSync(path, 'latin1')) ?? [];
    return commits === undefined ? undefined : { commits: Number(commits), stan: Number(stan), ksn };
  } catch {
    return undefined;
  }
}
