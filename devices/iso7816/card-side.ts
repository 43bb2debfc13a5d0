import type { CharacterLine } from './character-line.ts';
import type { ContactCard } from './contact-card.ts';

/** The stream whose other end is a terminal, and the times of the card's end. */
export interface CardSide {
  readonly line: CharacterLine;
  /** A break within a block that is longer than this ends it. */
  readonly characterWaitingMs: number;
  /** Longest wait for the terminal; the card then still waits on. */
  readonly idleMs?: number;
}

const IDLE_MS = 60_000;

/**
 * Plays a card on a line of characters until the line closes: sends the answer to reset, then answers what comes.
 * @throws PossumError `CANCELLED` when `signal` is aborted
 */
export async function playCard(card: ContactCard, side: CardSide, signal: AbortSignal): Promise<void> {
  const { line, characterWaitingMs, idleMs = IDLE_MS } = side;
  let said = card.powerOn();
  for (let inBlock = false; ; ) {
    if (said.length > 0 && !(await line.send(said, signal))) return;
    const next = await line.receive(inBlock ? characterWaitingMs : idleMs, signal);
    if (next.kind === 'gone') return;
    inBlock = next.kind === 'bytes';
    said = next.kind === 'bytes' ? card.take(next.bytes) : card.silence();
  }
}
