import { concat, toHex } from '../../platform/bytes.ts';
import { findTlv, type Tlv } from '../../tlv/ber.ts';
import { applicationLabel, parseFci } from '../fci.ts';
import { defaultKernel } from '../parameters.ts';
import { TAG } from '../tags.ts';
import type { Candidate } from '../transaction.ts';
import type { Combination } from './pre-processing.ts';

/** The proximity directory and the candidates that come of it (Book B, section 3.3.2). */

export interface ContactlessCandidate extends Candidate {
  readonly combination: Combination;
  readonly kernel: number;
  /** Value of 9F29, appended to the name in SELECT when the reader supports it. */
  readonly extendedSelection?: Uint8Array;
}

/** The name by which SELECT asks for an application: with the extended selection where the reader appends it. */
export function selectionName({ aid, combination, extendedSelection }: ContactlessCandidate): Uint8Array {
  const extended = combination.contactless.extendedSelection ? extendedSelection : undefined;
  return extended === undefined ? aid : concat(aid, extended);
}

const MAX_ENTRIES = 61;

/** Directory entries in the answer to SELECT PPSE; an unreadable answer has none. */
export function directoryEntries(response: Uint8Array): readonly Tlv[] {
  const fci = parseFci(response);
  if (fci === undefined) return [];
  const discretionary = findTlv(fci.proprietary, TAG.fciIssuerData)?.children ?? [];
  return discretionary.filter((item) => item.tag === TAG.directoryEntry).slice(0, MAX_ENTRIES);
}

/** Candidates in the order of final combination selection: best priority first, then the card's order. */
export function matchCandidates(
  entries: readonly Tlv[],
  combinations: readonly Combination[],
  additionalCapabilities: Uint8Array | undefined,
): readonly ContactlessCandidate[] {
  const found: { readonly candidate: ContactlessCandidate; readonly order: number }[] = [];
  const known = new Set<string>();
  for (const combination of combinations) {
    for (const [order, entry] of entries.entries()) {
      const candidate = matchEntry(entry, combination, additionalCapabilities);
      if (candidate === undefined) continue;
      const name = `${toHex(candidate.aid)}/${candidate.kernel}`;
      if (known.has(name)) continue;
      known.add(name);
      found.push({ candidate, order });
    }
  }
  const rank = ({ priority }: Candidate) => (priority === 0 ? 16 : priority);
  found.sort((a, b) => rank(a.candidate) - rank(b.candidate) || a.order - b.order);
  return found.map(({ candidate }) => candidate);
}

function matchEntry(
  entry: Tlv,
  combination: Combination,
  additionalCapabilities: Uint8Array | undefined,
): ContactlessCandidate | undefined {
  const items = entry.children ?? [];
  const aid = findTlv(items, TAG.aid)?.value;
  if (aid === undefined || aid.length < 5 || aid.length > 16) return undefined;
  const { aid: readerAid, label: readerLabel } = combination.config;
  if (readerAid.length > aid.length || !readerAid.every((byte, i) => byte === aid[i])) return undefined;
  const requested = requestedKernel(findTlv(items, TAG.kernelIdentifier)?.value, readerAid);
  if (requested === undefined) return undefined;
  const { kernel } = combination.contactless;
  if (requested !== 0 && requested !== kernel) return undefined;
  const priority = findTlv(items, TAG.priority)?.value[0] ?? 0;
  const extended = findTlv(items, TAG.extendedSelection)?.value;
  const label = applicationLabel(items, additionalCapabilities);
  return {
    aid: aid.slice(),
    label: label === '' ? (readerLabel ?? '') : label,
    priority: priority & 0x0f,
    confirm: false,
    combination,
    kernel,
    ...(extended === undefined ? {} : { extendedSelection: extended.slice() }),
  };
}

/** Tag 9F2A (section 3.3.2.5, step C); `undefined` when the entry must be skipped. */
function requestedKernel(identifier: Uint8Array | undefined, readerAid: Uint8Array): number | undefined {
  if (identifier === undefined || identifier.length === 0) return defaultKernel(readerAid);
  const first = identifier[0] as number;
  if ((first & 0x80) === 0) return first;
  if (identifier.length < 3 || (first & 0x3f) === 0) return undefined;
  return (first << 16) | ((identifier[1] as number) << 8) | (identifier[2] as number);
}
