import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Bytes that are looked for, and what they are. */
export interface Canary {
  readonly name: string;
  readonly bytes: Uint8Array;
}

interface Region {
  readonly start: number;
  readonly length: number;
}

/** What is read at once; a canary may lie across the border. */
const CHUNK = 8 * 1024 * 1024;
const OVERLAP = 256;

/**
 * Searches the memory of another process of this user (Linux): all that it could have written to.
 * @returns names of the canaries that are in there, each with the region of its first sighting
 */
export function scanMemory(pid: number, canaries: readonly Canary[]): ReadonlyMap<string, string> {
  const find = finder(canaries);
  const found = new Map<string, string>();
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    const chunk = Buffer.allocUnsafeSlow(CHUNK + OVERLAP);
    for (const { start, length, name } of writtenRegions(pid)) {
      for (let at = 0; at < length; at += CHUNK) {
        const wanted = Math.min(CHUNK + OVERLAP, length - at);
        const read = readAt(memory, chunk, wanted, start + at);
        find(chunk.subarray(0, read), (canary, offset) => {
          if (!found.has(canary)) found.set(canary, `${name} ${(start + at + offset).toString(16)}`);
        });
      }
    }
  } finally {
    closeSync(memory);
  }
  return found;
}

/** Regions that are no untouched parts of a file. */
function writtenRegions(pid: number): readonly (Region & { readonly name: string })[] {
  return readFileSync(`/proc/${pid}/maps`, 'latin1')
    .split('\n')
    .flatMap((line) => {
      const parts = /^([0-9a-f]+)-([0-9a-f]+) (r)(.)\S+ \S+ \S+ \S+\s*(.*)$/.exec(line);
      if (parts === null) return [];
      const [, from = '', to = '', , write, name = ''] = parts;
      if ((name.startsWith('/') && write !== 'w') || name.startsWith('[v')) return [];
      const start = Number.parseInt(from, 16);
      return [{ start, length: Number.parseInt(to, 16) - start, name: name || 'anonymous' }];
    });
}

/** A region may be gone, or be none that can be read. */
function readAt(file: number, into: Buffer, length: number, position: number): number {
  try {
    return readSync(file, into, 0, length, position);
  } catch {
    return 0;
  }
}

type OnFind = (canary: string, offset: number) => void;

/** All canaries in one pass: by their first two bytes, then by all. Those that begin with zeros go one by one. */
function finder(canaries: readonly Canary[]): (bytes: Buffer, onFind: OnFind) => void {
  const first = ({ bytes }: Canary) => (bytes[0] as number) | ((bytes[1] as number) << 8);
  const isCommon = (canary: Canary) => canary.bytes[0] === 0 || canary.bytes[1] === 0;
  const common = canaries.filter(isCommon);
  const byStart = new Map<number, Canary[]>();
  const starts = new Uint8Array(0x10000);
  for (const canary of canaries) {
    if (isCommon(canary)) continue;
    const start = first(canary);
    starts[start] = 1;
    byStart.set(start, [...(byStart.get(start) ?? []), canary]);
  }
  return (bytes, onFind) => {
    for (let at = 0, last = bytes.length - 1; at < last; at++) {
      const start = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
      if (starts[start] === 0) continue;
      for (const canary of byStart.get(start) ?? [])
        if (isAt(bytes, at, canary.bytes)) onFind(canary.name, at);
    }
    for (const canary of common) {
      const at = bytes.indexOf(canary.bytes);
      if (at >= 0) onFind(canary.name, at);
    }
  };
}

function isAt(bytes: Buffer, at: number, wanted: Uint8Array): boolean {
  if (at + wanted.length > bytes.length) return false;
  for (let i = 2; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}
