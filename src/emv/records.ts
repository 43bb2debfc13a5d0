import { bcdDigits, toHex } from '../platform/bytes.ts';
import { luhnValid } from '../platform/secret.ts';
import { findTlv, parseTlv, type Tlv, tagHex } from '../tlv/ber.ts';
import { parseCvmList } from '../tlv/cvm-list.ts';
import { lookupTag } from '../tlv/dictionary.ts';
import { readRecordCommand } from './commands.ts';
import { end, faultOutcome, type KernelContext, swText } from './kernel.ts';
import { parseTrack2Equivalent } from './magstripe/tracks.ts';
import { TAG } from './tags.ts';
import type { Outcome } from './transaction.ts';

/** Reading application data and checking what the card gave (Book 3, sections 7 and 10.2). */

export interface AflEntry {
  readonly sfi: number;
  readonly first: number;
  readonly last: number;
  /** How many records from `first` on take part in offline data authentication. */
  readonly signed: number;
}

/** Splits an AFL; `undefined` when it breaks a rule of Book 3, section 10.2. */
export function parseAfl(afl: Uint8Array): readonly AflEntry[] | undefined {
  if (afl.length === 0 || afl.length % 4 !== 0) return undefined;
  const entries: AflEntry[] = [];
  for (let i = 0; i < afl.length; i += 4) {
    const [location, first, last, signed] = afl.subarray(i, i + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const sfi = location >> 3;
    if ((location & 7) !== 0 || sfi < 1 || sfi > 30) return undefined;
    if (first === 0 || last < first || signed > last - first + 1) return undefined;
    entries.push({ sfi, first, last, signed });
  }
  return entries;
}

/** What the records contributed to offline data authentication. */
export interface SignedRecords {
  readonly parts: Uint8Array[];
  /** False when a signed record has no template 70: data authentication has then failed. */
  wellFormed: boolean;
}

/** Tags whose value the terminal already has from the card, to notice a second occurrence. */
export type SeenTags = Set<number>;

/** Reads every record of the AFL into the store. @returns an outcome when the card cannot be used */
export async function readRecords(
  context: KernelContext,
  entries: readonly AflEntry[],
  signed: SignedRecords,
  seen: SeenTags,
): Promise<Outcome | undefined> {
  for (const entry of entries) {
    for (let record = entry.first; record <= entry.last; record++) {
      const answer = await context.card.send(readRecordCommand(entry.sfi, record));
      if (answer.kind === 'fault') return faultOutcome(context, answer.fault);
      if (answer.sw !== 0x9000) {
        return end('CARD_ERROR', `record ${record} of file ${entry.sfi} gave ${swText(answer.sw)}`);
      }
      const isSigned = record - entry.first < entry.signed;
      const problem = takeRecord(context, answer.data, entry.sfi, isSigned, signed, seen);
      if (problem !== undefined) {
        return end('CARD_ERROR', `record ${record} of file ${entry.sfi}: ${problem}`);
      }
    }
  }
  return undefined;
}

function takeRecord(
  context: KernelContext,
  record: Uint8Array,
  sfi: number,
  isSigned: boolean,
  signed: SignedRecords,
  seen: SeenTags,
): string | undefined {
  const parsed = parseTlv(record);
  const template = parsed.ok && parsed.items.length === 1 ? parsed.items[0] : undefined;
  if (template?.tag !== TAG.recordTemplate) {
    // Files 11 to 30 may hold anything; as input of data authentication only template 70 counts.
    if (sfi <= 10) return parsed.ok ? 'is no template 70' : parsed.error.message;
    if (isSigned) signed.wellFormed = false;
    return undefined;
  }
  if (isSigned) signed.parts.push(sfi <= 10 ? template.value : record);
  return storeCardObjects(context, template.children ?? [], seen);
}

/** Contactless cards repeat objects of the GPO answer in their records; these must not come twice anywhere. */
const UNIQUE: ReadonlySet<number> = new Set([TAG.pan, TAG.track2, TAG.cryptogram]);

/**
 * Puts primitive objects into the store. Objects that belong to the terminal are not taken from a card.
 * @returns why the card cannot be used: an object occurs twice (section 10.2), or is malformed
 */
export function storeCardObjects(
  context: KernelContext,
  items: readonly Tlv[],
  seen: SeenTags,
): string | undefined {
  for (const item of items) {
    if (item.children !== undefined) {
      const problem = storeCardObjects(context, item.children, seen);
      if (problem !== undefined) return problem;
      continue;
    }
    const source = lookupTag(item.tag, context.tagContext)?.source;
    if (source !== undefined && source !== 'card') continue;
    if (source === undefined && context.data.has(item.tag) && !seen.has(item.tag)) continue;
    if (seen.has(item.tag)) {
      if (context.tagContext === 'common' || UNIQUE.has(item.tag)) return `${tagHex(item.tag)} occurs twice`;
      continue;
    }
    const problem = objectDefect(item.tag, item.value);
    if (problem !== undefined) return problem;
    seen.add(item.tag);
    context.data.set(item.tag, item.value);
  }
  return undefined;
}

/** Objects with a fixed length, and whether they hold decimal digits (Book 3, annex A). */
const FIXED: ReadonlyMap<number, readonly [length: number, numeric: boolean]> = new Map([
  [TAG.effective, [3, true]],
  [TAG.issuerCountry, [2, true]],
  [TAG.panSequence, [1, true]],
  [TAG.applicationCurrency, [2, true]],
  [TAG.aip, [2, false]],
  [TAG.auc, [2, false]],
  [TAG.cardVersion, [2, false]],
  [TAG.iacDefault, [5, false]],
  [TAG.iacDenial, [5, false]],
  [TAG.iacOnline, [5, false]],
  [TAG.caKeyIndex, [1, false]],
  [TAG.lowerOfflineLimit, [1, false]],
  [TAG.upperOfflineLimit, [1, false]],
  [TAG.atc, [2, false]],
  [TAG.cid, [1, false]],
  [TAG.cryptogram, [8, false]],
]);

function objectDefect(tag: number, value: Uint8Array): string | undefined {
  const fixed = FIXED.get(tag);
  if (fixed !== undefined) {
    const [length, numeric] = fixed;
    if (value.length !== length) return `${tagHex(tag)} has ${value.length} bytes instead of ${length}`;
    if (numeric && bcdDigits(value) === undefined) return `${tagHex(tag)} is not numeric`;
  }
  switch (tag) {
    case TAG.pan:
      return panDigits(value) === undefined ? '5A is no PAN' : undefined;
    case TAG.expiry:
      return isDate(value) ? undefined : '5F24 is no date';
    case TAG.track2: {
      const track = parseTrack2Equivalent(value);
      return track.ok ? undefined : `57: ${track.error.message}`;
    }
    case TAG.cvmList:
      return parseCvmList(value) === undefined ? '8E is no CVM list' : undefined;
    default:
      return undefined;
  }
}

function isDate(value: Uint8Array): boolean {
  const digits = value.length === 3 ? bcdDigits(value) : undefined;
  return digits !== undefined && /^\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])$/.test(digits);
}

/** The PAN in a 5A: decimal digits, then only padding F, with a right check digit; else `undefined`. */
export function panDigits(value: Uint8Array): string | undefined {
  const digits = toHex(value).replace(/F+$/, '');
  return value.length <= 10 && /^\d{8,19}$/.test(digits) && luhnValid(digits) ? digits : undefined;
}

/**
 * The card's PAN from 5A, else from 57, after a comparison of what both say about PAN and expiry date. A chip
 * that contradicts itself was tampered with.
 */
export function cardIdentity(
  context: KernelContext,
):
  | { readonly kind: 'pan'; readonly digits: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'contradiction'; readonly reason: string } {
  const { data } = context;
  const pan = data.get(TAG.pan);
  const track = data.get(TAG.track2);
  const fromPan = pan === undefined ? undefined : panDigits(pan);
  const parsed = track === undefined ? undefined : parseTrack2Equivalent(track);
  if (parsed?.ok !== true) {
    return fromPan === undefined ? { kind: 'none' } : { kind: 'pan', digits: fromPan };
  }
  if (fromPan !== undefined && fromPan !== parsed.value.pan) {
    return { kind: 'contradiction', reason: '5A and 57 name different PANs' };
  }
  const expiry = data.get(TAG.expiry);
  if (expiry !== undefined && parsed.value.expiry !== toHex(expiry.subarray(0, 2))) {
    return { kind: 'contradiction', reason: '5F24 and 57 name different expiry dates' };
  }
  return luhnValid(parsed.value.pan) ? { kind: 'pan', digits: parsed.value.pan } : { kind: 'none' };
}

/** The objects of a template, when `bytes` hold exactly that template. */
export function openTemplate(bytes: Uint8Array, tag: number): readonly Tlv[] | undefined {
  const parsed = parseTlv(bytes);
  if (!parsed.ok) return undefined;
  return parsed.items.length === 1 ? findTlv(parsed.items, tag)?.children : undefined;
}
