import { lookupTag, type TagContext } from './dictionary.ts';

/** Data object lists (EMV Book 3, section 5.4): what the other side wants, and the bytes that answer it. */

export interface DolEntry {
  readonly tag: number;
  /** Bytes wanted, 0 to 255. */
  readonly length: number;
}

export type DolResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string };

/** What fits in the data field of one command, with room for a template header around it. */
export const DOL_MAX_BYTES = 252;

/** Splits a DOL into tags and lengths; the value is refused when it ends inside an entry. */
export function parseDol(bytes: Uint8Array): DolResult<readonly DolEntry[]> {
  const entries: DolEntry[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at;
    const first = bytes[at++] as number;
    let tag = first;
    if ((first & 0x1f) === 0x1f) {
      let more = true;
      while (more) {
        if (at >= bytes.length) return { ok: false, message: 'the list ends inside a tag' };
        if (at - start === 4) return { ok: false, message: 'a tag of more than four bytes' };
        const next = bytes[at++] as number;
        tag = tag * 256 + next;
        more = next >= 0x80;
      }
    }
    if (at >= bytes.length) return { ok: false, message: 'the list ends before a length' };
    entries.push({ tag, length: bytes[at++] as number });
  }
  return { ok: true, value: entries };
}

/**
 * Concatenates the values a DOL asks for. An unknown object, an absent one and a template give zeros; numeric
 * values are cut and padded on the left, compressed numeric ones padded with `FF`, all others on the right.
 * @param get the value of a tag, `undefined` when the terminal has none
 * @param context whose meaning of a tag decides its format
 */
export function buildDol(
  dol: Uint8Array,
  get: (tag: number) => Uint8Array | undefined,
  context?: TagContext,
): DolResult<Uint8Array> {
  const parsed = parseDol(dol);
  if (!parsed.ok) return parsed;
  let total = 0;
  for (const entry of parsed.value) total += entry.length;
  if (total > DOL_MAX_BYTES) {
    return { ok: false, message: `the list asks for ${total} bytes, ${DOL_MAX_BYTES} at most` };
  }
  const out = new Uint8Array(total);
  let at = 0;
  for (const { tag, length } of parsed.value) {
    const value = isConstructed(tag) ? undefined : get(tag);
    if (value !== undefined) fill(out.subarray(at, at + length), value, lookupTag(tag, context)?.format);
    at += length;
  }
  return { ok: true, value: out };
}

/** True when the DOL names `tag`; false also when the DOL is malformed. */
export function dolHas(dol: Uint8Array, tag: number): boolean {
  const parsed = parseDol(dol);
  return parsed.ok && parsed.value.some((entry) => entry.tag === tag);
}

function fill(field: Uint8Array, value: Uint8Array, format: string | undefined): void {
  const numeric = format === 'n';
  if (value.length >= field.length) {
    field.set(numeric ? value.subarray(value.length - field.length) : value.subarray(0, field.length));
  } else if (numeric) {
    field.set(value, field.length - value.length);
  } else {
    if (format === 'cn') field.fill(0xff);
    field.set(value);
  }
}

function isConstructed(tag: number): boolean {
  let first = tag;
  while (first > 0xff) first = Math.floor(first / 256);
  return (first & 0x20) !== 0;
}
