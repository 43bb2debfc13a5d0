import { toHex } from '../../platform/bytes.ts';
import { selectCommand } from '../commands.ts';
import { parseFci } from '../fci.ts';
import { applicationData, decide, end, faultOutcome, type Step, swText } from '../kernel.ts';
import { TAG } from '../tags.ts';
import { resetStatus } from '../tvr.ts';
import { buildCandidates } from './candidates.ts';
import type { ContactCandidate, ContactContext } from './context.ts';

const SPEC = 'EMV 4.3 Book 1, 12.4';

/**
 * Application selection (Book 1, section 12): candidates in the order of their priority, the cardholder's choice,
 * final SELECT. Called again after a refused application, it goes on with those that remain.
 */
export async function selection(context: ContactContext): Promise<Step> {
  if (context.candidates.length === 0) {
    const list = await buildCandidates(context);
    if ('code' in list) return list;
    if (list.candidates.length === 0) return nothingInCommon(list.malformed, list.blocked);
    context.candidates = byPriority(list.candidates);
    context.remaining = [...context.candidates];
  }
  while (context.remaining.length > 0) {
    const chosen = await choose(context);
    if ('code' in chosen) return chosen;
    context.remaining = context.remaining.filter((candidate) => candidate !== chosen);
    const step = await finalSelect(context, chosen);
    if (step !== 'next') return step;
  }
  return end('NOT_ACCEPTED', 'the card refused every application in common');
}

function nothingInCommon(malformed: boolean, blocked: boolean): Step {
  if (malformed) return end('CARD_ERROR', 'what the card says about its applications is malformed');
  return blocked
    ? end('NOT_ACCEPTED', 'the application is blocked')
    : end('NOT_ACCEPTED', 'card and terminal have no application in common');
}

/** Priority 1 first, those without a priority last, otherwise in the card's order. */
function byPriority(candidates: readonly ContactCandidate[]): ContactCandidate[] {
  const rank = (candidate: ContactCandidate) => (candidate.priority === 0 ? 16 : candidate.priority);
  return [...candidates].sort((a, b) => rank(a) - rank(b));
}

/** The next candidate; after the cardholder's choice was refused, none is taken without asking (section 12.4). */
async function choose(context: ContactContext) {
  const { remaining, services, chosenByCardholder } = context;
  const [first] = remaining as [ContactCandidate];
  if (remaining.length === 1 && !first.confirm && !chosenByCardholder) {
    decide(context, 'selection', 'Single application', toHex(first.aid), SPEC);
    return first;
  }
  if (!services.config.cardholderChoice) {
    const free = remaining.find((candidate) => !candidate.confirm);
    if (free === undefined) {
      return end('NOT_ACCEPTED', 'the application wants a confirmation that this terminal cannot ask for');
    }
    decide(context, 'selection', 'Highest priority', toHex(free.aid), SPEC);
    return free;
  }
  const index = await services.chooseApplication(remaining);
  const chosen = index === undefined ? undefined : remaining[index];
  if (chosen === undefined) {
    return chosenByCardholder
      ? end('TRY_ANOTHER_APPLICATION', 'the card refused the chosen application, and no other was chosen')
      : end('CANCELLED', 'the cardholder chose no application');
  }
  context.chosenByCardholder = true;
  decide(context, 'selection', 'Cardholder choice', toHex(chosen.aid), SPEC);
  return chosen;
}

async function finalSelect(context: ContactContext, chosen: ContactCandidate): Promise<Step | 'next'> {
  const answer = await context.card.send(selectCommand(chosen.aid));
  if (answer.kind === 'fault') return faultOutcome(context, answer.fault);
  if (answer.sw !== 0x9000) {
    decide(context, 'selection', 'Application refused', `SELECT gave ${swText(answer.sw)}`, SPEC);
    return 'next';
  }
  const fci = parseFci(answer.data);
  if (fci === undefined || !toHex(fci.dfName).startsWith(toHex(chosen.aid))) {
    return end('CARD_ERROR', 'the answer to SELECT is malformed or names another application');
  }
  forgetApplication(context);
  for (const item of fci.proprietary) {
    if (item.children === undefined) context.data.set(item.tag, item.value);
  }
  context.data.set(TAG.dfName, fci.dfName);
  context.data.set(TAG.aid, chosen.aid);
  applicationData(context.data, chosen.config);
  resetStatus(context.data);
  context.selected = chosen;
  decide(context, 'selection', 'Application selected', toHex(chosen.aid), SPEC);
  return 'continue';
}

/** Objects of an application that was tried before must not leak into the next one. */
function forgetApplication(context: ContactContext): void {
  for (const tag of [
    TAG.pdol,
    TAG.label,
    TAG.preferredName,
    TAG.issuerCodeTable,
    TAG.languages,
    TAG.priority,
  ]) {
    context.data.delete(tag);
  }
}
