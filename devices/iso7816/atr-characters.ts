import { concat } from '../../src/platform/bytes.ts';
import { type Atr, type AtrResult, parseAtr } from './atr-structure.ts';
import type { CharacterLine } from './character-line.ts';

export type ReceivedAtr =
  | { readonly kind: 'atr'; readonly bytes: Uint8Array; readonly atr: Atr }
  /** Nothing came: no card, upside down, or broken. */
  | { readonly kind: 'mute' }
  | { readonly kind: 'bad'; readonly bytes: Uint8Array; readonly error: (AtrResult & { ok: false })['error'] }
  | { readonly kind: 'gone' };

/** Longest silence before a character, and longest answer, in etu (EMV Book 1, section 8.1 and 8.3). */
const CHARACTER_ETU = 10_080;
const WHOLE_ETU = 20_160;
const MAX_LENGTH = 33;

/** Receives an answer to reset character by character; the caller has just reset the card. */
export async function receiveAtr(
  line: CharacterLine,
  settings: { readonly etuMs: number; readonly now: () => number },
  signal: AbortSignal,
): Promise<ReceivedAtr> {
  const endMs = settings.now() + WHOLE_ETU * settings.etuMs;
  let bytes: Uint8Array = new Uint8Array(0);
  while (missingOfAtr(bytes) > 0) {
    const leftMs = endMs - settings.now();
    const next = await line.receive(Math.min(CHARACTER_ETU * settings.etuMs, Math.max(leftMs, 0)), signal);
    if (next.kind === 'gone') return next;
    if (next.kind === 'silence') break;
    bytes = concat(bytes, next.bytes);
  }
  if (bytes.length === 0) return { kind: 'mute' };
  const parsed = parseAtr(bytes);
  return parsed.ok ? { kind: 'atr', bytes, atr: parsed.atr } : { kind: 'bad', bytes, error: parsed.error };
}

/** Bytes that the answer to reset which begins with `bytes` still lacks, as far as can be told: 0 ends it. */
export function missingOfAtr(bytes: Uint8Array): number {
  const t0 = bytes[1];
  if (t0 === undefined) return 2 - bytes.length;
  let present = t0 >> 4;
  let at = 2;
  let hasCheck = false;
  while (present !== 0) {
    at += [1, 2, 4, 8].filter((bit) => (present & bit) !== 0).length;
    if ((present & 8) === 0) break;
    const td = bytes[at - 1];
    if (at > MAX_LENGTH) return 0;
    if (td === undefined) return at - bytes.length;
    hasCheck ||= (td & 15) !== 0;
    present = td >> 4;
  }
  const length = Math.min(at + (t0 & 15) + (hasCheck ? 1 : 0), MAX_LENGTH + 1);
  return Math.max(length - bytes.length, 0);
}
