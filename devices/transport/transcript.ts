import { fromHex, isHex } from '../../src/platform/bytes.ts';

/** One row of a recorded session. */
export interface TranscriptRow {
  readonly seconds: number;
  /** Host to device, device to host, or something that happened. */
  readonly direction: 'H>D' | 'D>H' | '---';
  /** Empty for an event. */
  readonly bytes: Uint8Array;
  readonly comment: string;
}

/** `   0.224  H>D  55 55 00   # wake-up`: seconds, direction, hex, comment. */
export function formatRow({ seconds, direction, bytes, comment }: TranscriptRow): string {
  const columns = [seconds.toFixed(3).padStart(8), direction];
  if (bytes.length > 0)
    columns.push(Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(' '));
  const row = columns.join('  ');
  return comment === '' ? row : `${row}   # ${comment.replace(/[\r\n]+/g, ' ')}`;
}

export type ParsedTranscript =
  | { readonly kind: 'transcript'; readonly rows: readonly TranscriptRow[] }
  | { readonly kind: 'malformed'; readonly line: number; readonly reason: string };

const ROW = /^\s*(\d+(?:\.\d+)?)\s+(H>D|D>H|---)(?:\s+([^#]*?))?\s*(?:#\s*(.*))?$/;

/**
 * Reads what {@link formatRow} writes. Lines that begin with `#`, empty ones and those that begin with `...`, where rows
 * were cut out, are skipped.
 */
export function parseTranscript(text: string): ParsedTranscript {
  const rows: TranscriptRow[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|\.\.\.|$)/.test(line)) continue;
    const malformed = (reason: string): ParsedTranscript => ({ kind: 'malformed', line: index + 1, reason });
    const match = ROW.exec(line);
    if (match === null) return malformed('is not: seconds, H>D or D>H or ---, hex, # comment');
    const [, seconds, direction, payload = '', comment = ''] = match;
    const isEvent = direction === '---';
    const digits = payload.replace(/\s+/g, '');
    if (!isEvent && !isHex(digits)) return malformed('has something else than hex');
    rows.push({
      seconds: Number(seconds),
      direction: direction as TranscriptRow['direction'],
      bytes: isEvent ? new Uint8Array(0) : fromHex(digits),
      comment: isEvent ? [payload, comment].filter((part) => part !== '').join(' ') : comment,
    });
  }
  return { kind: 'transcript', rows };
}
