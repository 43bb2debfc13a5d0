import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenFailure } from './line.ts';

/** What the operating system knows about a path; replaced in tests. */
export interface PortFacts {
  exists(path: string): boolean;
  /** The name of the group that owns the device file. */
  group(path: string): string | undefined;
  /** `1234 (pcscd)` for the process that has locked it, else for each that has it open, as far as this user may see. */
  holders(path: string): readonly string[];
}

/** Turns the text of a failed open into what is wrong and what to do about it. */
export function explainOpenFailure(path: string, text: string, facts: PortFacts = systemFacts): OpenFailure {
  const failure = (why: OpenFailure['why'], message: string, remedy: string): OpenFailure => ({
    kind: 'failed',
    why,
    where: path,
    message,
    remedy,
  });
  if (/lock port|EBUSY|resource busy|Access denied/i.test(text)) return failure('busy', ...busy(path, facts));
  if (/permission denied|EACCES|EPERM|not permitted/i.test(text)) {
    return failure('forbidden', 'this user may not open the port', forbidden(path, facts));
  }
  if (/no such (file|device)|ENOENT|ENODEV|ENXIO|File not found/i.test(text) || !facts.exists(path)) {
    return failure(
      'missing',
      'there is no such port',
      'Check the cable and the path; `possum devices list` shows the ports that are there. A name in /dev/serial/by-id stays the same when the device is plugged in again.',
    );
  }
  if (/inappropriate ioctl|ENOTTY|is a directory|EISDIR/i.test(text)) {
    return failure(
      'not a port',
      'it is no serial port',
      'Give the path of a serial port, or file:PATH to write to a plain file.',
    );
  }
  if (/baud|stop bits|data bits|parity|invalid argument|EINVAL/i.test(text)) {
    return failure('settings', `the port refuses these settings (${text})`, 'Choose another baud or format.');
  }
  return failure(
    'other',
    `the port cannot be opened (${text})`,
    'Unplug the device and plug it in again; look at the messages of the kernel.',
  );
}

function busy(path: string, facts: PortFacts): [message: string, remedy: string] {
  const holders = facts.holders(path);
  return holders.length > 0
    ? [`another program uses the port: process ${holders.join(', ')}`, 'End that program, then try again.']
    : [
        'another program uses the port',
        `End that program, then try again; \`sudo fuser -v ${path}\` tells which it is.`,
      ];
}

function forbidden(path: string, facts: PortFacts): string {
  const group = facts.group(path);
  return group === undefined || group === 'root'
    ? `Give this user the right to read and write ${path}.`
    : `Join the group that may: \`sudo usermod -aG ${group} $USER\`, then log in again.`;
}

/** Answers from the file system and `/proc`; what cannot be read counts as unknown. */
export const systemFacts: PortFacts = {
  exists: existsSync,
  group(path) {
    return attempt(() => {
      const gid = String(statSync(path).gid);
      const rows = readFileSync('/etc/group', 'utf8').split('\n');
      return rows.map((row) => row.split(':')).find((columns) => columns[2] === gid)?.[0];
    });
  },
  holders(path) {
    const file = attempt(() => statSync(path));
    if (file === undefined) return [];
    const locking = lockHolders(file.ino);
    return (locking.length > 0 ? locking : processes().filter((pid) => hasOpen(pid, file.rdev))).map(
      (pid) => `${pid} (${attempt(() => readFileSync(join('/proc', pid, 'comm'), 'utf8').trim()) ?? '?'})`,
    );
  },
};

/** Other processes of this machine. */
function processes(): string[] {
  const names = attempt(() => readdirSync('/proc')) ?? [];
  return names.filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
}

/** Who holds a lock on a file: `1: FLOCK  ADVISORY  WRITE 812 00:18:3 0 EOF`, with the inode after the device. */
function lockHolders(inode: number): string[] {
  const rows = attempt(() => readFileSync('/proc/locks', 'utf8').split('\n')) ?? [];
  const pids = rows.flatMap((row) => {
    const match = /FLOCK\s+\S+\s+WRITE\s+(\d+)\s+\w+:\w+:(\d+)\s/.exec(row);
    return match !== null && Number(match[2]) === inode ? [match[1] as string] : [];
  });
  return processes().filter((pid) => pids.includes(pid));
}

function hasOpen(pid: string, device: number): boolean {
  const folder = join('/proc', pid, 'fd');
  return (attempt(() => readdirSync(folder)) ?? []).some((fd) => {
    const file = join(folder, fd);
    // Only files in /dev are asked for their number: a stat of a dead network file may hang.
    return attempt(() => readlinkSync(file).startsWith('/dev/') && statSync(file).rdev === device) === true;
  });
}

function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
