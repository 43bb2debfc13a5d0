import { readFileSync } from 'node:fs';
import { fromHex } from '../../../src/platform/bytes.ts';

/** One row of a session between Debian's pcscd and a reader of the GemPC Twin family. */
export interface Row {
  readonly direction: 'H>D' | 'D>H' | '---';
  readonly bytes: Uint8Array;
  readonly comment: string;
}

const ROW = /^\s*[\d.]+\s+(H>D|D>H|---)\s*([0-9A-F ]*?)\s*(?:#\s*(.*))?$/;

/** The sessions of the recording, by the first word of their titles: `T=0` and `T=1`. */
export function sessions(): ReadonlyMap<string, readonly Row[]> {
  const text = readFileSync(new URL('./gempc-twin-pcscd.transcript', import.meta.url), 'utf8');
  const found = new Map<string, Row[]>();
  let rows: Row[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('## ')) {
      rows = [];
      found.set(line.slice(3, 6), rows);
    }
    const match = line.startsWith('#') ? null : ROW.exec(line);
    if (match === null) continue;
    const [, direction, hex = '', comment = ''] = match;
    rows.push({ direction: direction as Row['direction'], bytes: fromHex(hex), comment });
  }
  return found;
}
