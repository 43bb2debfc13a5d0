import type { CardParameters } from './atr-parameters.ts';
import { cardParameters } from './atr-parameters.ts';
import type { Atr } from './atr-structure.ts';
import { announceFieldSize, type ContactLink, t0Link, t1Link } from './contact-link.ts';
import { ExtensionBudget } from './extension-budget.ts';
import { encodePps, judgePps, selectionFor } from './pps.ts';
import { DEFAULT_TA1 } from './speed.ts';
import { MAX_FIELD } from './t1-block.ts';
import { T1Terminal } from './t1-terminal.ts';
import { type LineTiming, lineTiming, USUAL_CLOCK_HZ } from './timing.ts';
import type { TpduAnswer, TpduPort } from './tpdu-port.ts';

/** What a card and the terminal agreed on. */
export interface Agreement {
  readonly protocol: 0 | 1;
  /** Factors in use, coded as in TA1. */
  readonly ta1: number;
  readonly card: CardParameters;
  readonly timing: LineTiming;
  readonly budget: ExtensionBudget;
}

/** A reader below the APDU, with a powered card whose answer to reset is known. */
export interface ContactReader {
  /** Passes a protocol selection to the card, and its answer back. */
  select(request: Uint8Array, waitMs: number, signal: AbortSignal): Promise<TpduAnswer>;
  /** Sets the reader to what was agreed. @returns `undefined` when the reader cannot do it */
  open(agreement: Agreement, signal: AbortSignal): Promise<TpduPort | undefined>;
}

export interface ActivationSettings {
  /** Milliseconds, as `now` of the clock. */
  readonly now: () => number;
  /** The card's clock, in Hz. */
  readonly clockHz?: number;
  /** The protocol to choose where the card offers it; else its first. */
  readonly protocol?: 0 | 1;
  /** Whether the reader bears the factors of this TA1 (default: never, as EMV terminals do). */
  readonly bears?: (ta1: number) => boolean;
  /** T=1 error recovery as EMV has it: two retries, no resynchronisation. */
  readonly emvRecovery?: boolean;
  readonly nad?: number;
}

export type Activation =
  | { readonly kind: 'open'; readonly link: ContactLink; readonly agreement: Agreement }
  /** The card must be reset. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Longest answer to a selection, in etu: the initial waiting time of ISO/IEC 7816-3:2006, section 9.1. */
const SELECTION_ETU = 9600;
/** A request for time in T=1: ten characters there and back; in T=0 one. */
const WTX_ETU = 110;
const NULL_ETU = 12;

/**
 * Brings a card that was reset to where APDUs can be exchanged: selects protocol and speed, sets the reader, and tells
 * a T=1 card the longest field (EMV Book 1, section 9; ISO/IEC 7816-3:2006, section 6.3).
 * @throws PossumError `CANCELLED` when `signal` is aborted
 */
export async function openContactLink(
  reader: ContactReader,
  atr: Atr,
  settings: ActivationSettings,
  signal: AbortSignal,
): Promise<Activation> {
  const card = cardParameters(atr);
  const selected = await selectProtocol(reader, card, settings, signal);
  if (typeof selected === 'string') return { kind: 'failed', reason: selected };
  const { protocol, ta1 } = selected;
  if (protocol !== 0 && protocol !== 1) return { kind: 'failed', reason: `T=${protocol} is not spoken here` };
  const timing = lineTiming(card, ta1, settings.clockHz);
  const budget = new ExtensionBudget(settings.now, timing.etuMs * (protocol === 1 ? WTX_ETU : NULL_ETU));
  const agreement: Agreement = { protocol, ta1, card, timing, budget };
  const port = await reader.open(agreement, signal);
  if (port === undefined) return { kind: 'failed', reason: 'the reader refuses the parameters' };
  if (protocol === 0)
    return { kind: 'open', link: t0Link(port, { waitMs: timing.workWaitingMs }), agreement };
  const terminal = new T1Terminal({
    budget,
    blockWaitingMs: timing.blockWaitingMs,
    cardFieldSize: card.t1.cardFieldSize,
    check: card.t1.check,
    ...(settings.nad !== undefined && { nad: settings.nad }),
    ...(settings.emvRecovery === true && { retries: 2, resynchronise: false }),
  });
  const fault = await announceFieldSize(port, terminal, MAX_FIELD, signal);
  if (fault !== undefined) return { kind: 'failed', reason: `the card does not take a field size: ${fault}` };
  return { kind: 'open', link: t1Link(port, terminal), agreement };
}

/** @returns the reason as text when the card must be reset */
async function selectProtocol(
  reader: ContactReader,
  card: CardParameters,
  { protocol, bears = () => false, clockHz = USUAL_CLOCK_HZ }: ActivationSettings,
  signal: AbortSignal,
): Promise<{ readonly protocol: number; readonly ta1: number } | string> {
  const { specificMode, firstProtocol } = card;
  if (specificMode !== undefined) {
    if (specificMode.implicit) return 'the card asks for parameters that it does not name';
    return { protocol: specificMode.protocol, ta1: card.ta1 };
  }
  const request = selectionFor(card, { bears, ...(protocol !== undefined && { protocol }) });
  if (request === undefined) return { protocol: firstProtocol, ta1: DEFAULT_TA1 };
  const { etuMs } = lineTiming(card, DEFAULT_TA1, clockHz);
  const answer = await reader.select(encodePps(request), SELECTION_ETU * etuMs, signal);
  if (answer.kind !== 'answer') return 'the card does not answer the protocol selection';
  const verdict = judgePps(request, answer.bytes);
  return verdict.kind === 'agreed' ? verdict : verdict.reason;
}
