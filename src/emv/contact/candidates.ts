import { latin1, toHex } from '../../platform/bytes.ts';
import { findTlv, type Tlv } from '../../tlv/ber.ts';
import { readRecordCommand, selectCommand } from '../commands.ts';
import { applicationLabel, parseFci } from '../fci.ts';
import { decide, end, faultOutcome, swText } from '../kernel.ts';
import type { AidConfig } from '../parameters.ts';
import { openTemplate } from '../records.ts';
import { TAG } from '../tags.ts';
import type { Outcome } from '../transaction.ts';
import type { ContactCandidate, ContactContext } from './context.ts';

/** Building the candidate list (Book 1, section 12.3). */

export interface CandidateList {
  readonly candidates: ContactCandidate[];
  /** Some answer of the card could not be read. */
  readonly malformed: boolean;
  /** An application that the terminal supports is blocked. */
  readonly blocked: boolean;
}

const PSE_NAME = latin1('1PAY.SYS.DDF01');
/** What is kept of a directory, however long the card makes it. */
export const MAX_CANDIDATES = 61;
const MAX_DIRECTORY_RECORDS = 64;
const MAX_OCCURRENCES = 16;
const PSE_SPEC = 'EMV 4.3 Book 1, 12.3.2';
const LIST_SPEC = 'EMV 4.3 Book 1, 12.3.3';

/** By the card's directory where there is one, else by the terminal's list. */
export async function buildCandidates(context: ContactContext): Promise<CandidateList | Outcome> {
  let malformed = false;
  if (context.services.config.pse) {
    const list = await fromDirectory(context);
    if ('code' in list) return list;
    if (list.candidates.length > 0) return list;
    malformed = list.malformed;
  }
  const list = await fromTerminalList(context);
  return 'code' in list ? list : { ...list, malformed: list.malformed || malformed };
}

const NOTHING: CandidateList = { candidates: [], malformed: false, blocked: false };
const MALFORMED: CandidateList = { candidates: [], malformed: true, blocked: false };

async function fromDirectory(context: ContactContext): Promise<CandidateList | Outcome> {
  const answer = await context.card.send(selectCommand(PSE_NAME));
  if (answer.kind === 'fault') return faultOutcome(context, answer.fault);
  if (answer.sw === 0x6a81) return end('CARD_BLOCKED', 'the card is blocked (SELECT gave 6A81)');
  if (answer.sw !== 0x9000) {
    note(context, 'Payment system environment', `not usable, SELECT gave ${swText(answer.sw)}`, PSE_SPEC);
    return NOTHING;
  }
  const fci = parseFci(answer.data);
  const sfi = fci === undefined ? undefined : findTlv(fci.proprietary, TAG.sfi)?.value;
  if (sfi?.length !== 1 || (sfi[0] as number) < 1 || (sfi[0] as number) > 10) {
    note(context, 'Payment system environment', 'its file control information is malformed', PSE_SPEC);
    return MALFORMED;
  }
  return readDirectory(context, sfi[0] as number);
}

async function readDirectory(context: ContactContext, sfi: number): Promise<CandidateList | Outcome> {
  const candidates: ContactCandidate[] = [];
  const names = new Set<string>();
  for (let record = 1; record <= MAX_DIRECTORY_RECORDS; record++) {
    const answer = await context.card.send(readRecordCommand(sfi, record));
    if (answer.kind === 'fault') return faultOutcome(context, answer.fault);
    if (answer.sw === 0x6a83) break;
    const entries = answer.sw === 0x9000 ? openTemplate(answer.data, TAG.recordTemplate) : undefined;
    if (entries === undefined) {
      note(context, 'Directory', `record ${record} cannot be read: the list of AIDs is used`, PSE_SPEC);
      return MALFORMED;
    }
    for (const entry of entries) takeEntry(context, entry, candidates, names);
    if (candidates.length >= MAX_CANDIDATES) break;
  }
  note(context, 'Directory', `${candidates.length} applications in common`, PSE_SPEC);
  return { candidates, malformed: false, blocked: false };
}

function takeEntry(
  context: ContactContext,
  entry: Tlv,
  candidates: ContactCandidate[],
  names: Set<string>,
): void {
  if (entry.tag !== TAG.directoryEntry || candidates.length >= MAX_CANDIDATES) return;
  const items = entry.children ?? [];
  const aid = findTlv(items, TAG.aid)?.value;
  if (aid === undefined || aid.length < 5 || aid.length > 16 || names.has(toHex(aid))) return;
  const config = matchingConfig(context, aid);
  if (config === undefined) return;
  names.add(toHex(aid));
  candidates.push(candidateOf(context, aid, items, config));
}

/** The terminal's application for a DF name: an equal AID before the longest one that it begins with. */
function matchingConfig(context: ContactContext, name: Uint8Array): AidConfig | undefined {
  let best: AidConfig | undefined;
  for (const config of context.services.config.aids) {
    if (!config.contact || !startsWith(name, config.aid)) continue;
    if (config.aid.length === name.length) return config;
    if (config.match === 'partial' && config.aid.length > (best?.aid.length ?? 0)) best = config;
  }
  return best;
}

function startsWith(name: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.length <= name.length && prefix.every((byte, i) => byte === name[i]);
}

function candidateOf(
  context: ContactContext,
  aid: Uint8Array,
  items: readonly Tlv[],
  config: AidConfig,
): ContactCandidate {
  const priority = findTlv(items, TAG.priority)?.value[0] ?? 0;
  const label = applicationLabel(items, context.data.get(TAG.additionalCapabilities));
  return {
    aid: aid.slice(),
    label: label === '' ? (config.label ?? '') : label,
    priority: priority & 0x0f,
    confirm: (priority & 0x80) !== 0,
    config,
  };
}

interface ListState {
  readonly candidates: ContactCandidate[];
  readonly names: Set<string>;
  malformed: boolean;
  blocked: boolean;
}

async function fromTerminalList(context: ContactContext): Promise<CandidateList | Outcome> {
  const state: ListState = { candidates: [], names: new Set(), malformed: false, blocked: false };
  for (const config of context.services.config.aids) {
    if (!config.contact) continue;
    const problem = await tryAid(context, config, state);
    if (problem !== undefined) return problem;
    if (state.candidates.length >= MAX_CANDIDATES) break;
  }
  note(context, 'List of AIDs', `${state.candidates.length} applications in common`, LIST_SPEC);
  return state;
}

/** One AID of the terminal, with every further occurrence that the card has under it. */
async function tryAid(
  context: ContactContext,
  config: AidConfig,
  state: ListState,
): Promise<Outcome | undefined> {
  for (let occurrence = 0; occurrence < MAX_OCCURRENCES; occurrence++) {
    const answer = await context.card.send(selectCommand(config.aid, occurrence > 0));
    if (answer.kind === 'fault') return faultOutcome(context, answer.fault);
    if (answer.sw === 0x6a81 && occurrence === 0) {
      return end('CARD_BLOCKED', 'the card is blocked (SELECT gave 6A81)');
    }
    if (answer.sw !== 0x9000 && answer.sw !== 0x6283) return undefined;
    const fci = parseFci(answer.data);
    if (fci === undefined || !startsWith(fci.dfName, config.aid)) {
      state.malformed = true;
      return undefined;
    }
    const exact = fci.dfName.length === config.aid.length;
    const isNew = !state.names.has(toHex(fci.dfName));
    if (answer.sw === 0x6283) {
      state.blocked ||= exact || config.match === 'partial';
      note(context, 'Blocked application', toHex(fci.dfName), LIST_SPEC);
    } else if (isNew && (exact || config.match === 'partial')) {
      state.names.add(toHex(fci.dfName));
      state.candidates.push(candidateOf(context, fci.dfName, fci.proprietary, config));
    }
    if (exact || !isNew) return undefined;
  }
  return undefined;
}

function note(context: ContactContext, rule: string, reason: string, spec: string): void {
  decide(context, 'selection', rule, reason, spec);
}
