import { type CardType, parseTargets, REQUEST, type Target } from './commands.ts';
import type { Pn532Settings } from './settings.ts';

/** What polling needs: commands that may be repeated, and time on the wire. */
export interface Radio {
  readonly settings: Pn532Settings;
  /** What follows the code of the answer; `undefined` when there was none. */
  ask(payload: Uint8Array, answerMs?: number): Promise<Uint8Array | undefined>;
  rest(ms: number): Promise<void>;
}

export type Round =
  | { readonly kind: 'card'; readonly target: Target }
  /** A card that takes no APDUs. */
  | { readonly kind: 'mute' | 'collision' | 'empty' }
  /** The chip gave no answer, or one that makes no sense. */
  | { readonly kind: 'failed' };

const FAILED: Round = { kind: 'failed' };
const EMPTY: Round = { kind: 'empty' };

/**
 * One look for cards of both types. Listing one type makes the chip forget the other: a single card is listed once
 * more, so that it is the active one.
 */
export async function pollRound(radio: Radio): Promise<Round> {
  if ((await radio.ask(REQUEST.field(true))) === undefined) return FAILED;
  const found = await listBoth(radio);
  if (found === undefined) return FAILED;
  const [first] = found;
  if (first === undefined) return EMPTY;
  if (found.length > 1) return { kind: 'collision' };
  const again = await listAgain(radio, first.type);
  if (again === undefined) return FAILED;
  const [target] = again;
  if (target === undefined) return EMPTY;
  if (again.length > 1) return { kind: 'collision' };
  return target.takesApdus ? { kind: 'card', target } : { kind: 'mute' };
}

/** Off, on, and nothing in the field several times: a UID proves nothing, telephones change theirs. */
export async function fieldIsEmpty(radio: Radio): Promise<boolean | undefined> {
  for (let round = 0; round < radio.settings.emptyRounds; round++) {
    if (!(await resetField(radio))) return undefined;
    const found = await listBoth(radio);
    if (found === undefined) return undefined;
    if (found.length > 0) return false;
  }
  return true;
}

/** Forgets the cards and switches the field off. @returns whether the chip confirmed both */
export async function toIdle(radio: Radio): Promise<boolean> {
  const released = await radio.ask(REQUEST.releaseAll);
  const off = await radio.ask(REQUEST.field(false));
  return released !== undefined && off !== undefined;
}

async function listBoth(radio: Radio): Promise<readonly Target[] | undefined> {
  const a = await list(radio, 'A', 2);
  const b = a && (await list(radio, 'B', radio.settings.maxTargetsB));
  return a && b && [...a, ...b];
}

/** A released card answers the next call at once, or only after it was without power. */
async function listAgain(radio: Radio, type: CardType): Promise<readonly Target[] | undefined> {
  const maxTargets = type === 'A' ? 2 : radio.settings.maxTargetsB;
  if ((await radio.ask(REQUEST.releaseAll)) === undefined) return undefined;
  const found = await list(radio, type, maxTargets);
  if (found === undefined || found.length > 0) return found;
  return (await resetField(radio)) ? list(radio, type, maxTargets) : undefined;
}

async function resetField(radio: Radio): Promise<boolean> {
  if (!(await toIdle(radio))) return false;
  await radio.rest(radio.settings.fieldOffMs);
  if ((await radio.ask(REQUEST.field(true))) === undefined) return false;
  await radio.rest(radio.settings.fieldOnMs);
  return true;
}

async function list(
  radio: Radio,
  type: CardType,
  maxTargets: number,
): Promise<readonly Target[] | undefined> {
  const data = await radio.ask(REQUEST.list(type, maxTargets), radio.settings.listMs);
  return data && parseTargets(type, data);
}
