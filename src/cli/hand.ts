import { cardPath, type EmulatedCard, loadCard } from '../app.ts';
import { PossumError } from '../platform/errors.ts';
import { about } from './failure.ts';
import type { Machine } from './machine.ts';
import { printProgress } from './output.ts';

export const WAYS = ['insert', 'tap', 'swipe'] as const;

export interface HandOptions {
  readonly card: string;
  readonly pin?: string;
  readonly by?: (typeof WAYS)[number];
}

/** PIN entries of one transaction at most: those of the chip and those of the host. */
const MAX_ENTRIES = 10;

/**
 * Finds mistakes in what the hand is to do, before a terminal is switched on for it.
 * @throws PossumError `USAGE`, `CONFIG`
 */
export function checkHand({ card, pin }: HandOptions): void {
  loadCard(cardPath(card));
  if (pin !== undefined && !/^\d{4,12}$/.test(pin)) {
    throw new PossumError('USAGE', '--pin is not 4 to 12 digits', { remedy: 'Give a published test PIN.' });
  }
}

/**
 * A hand that presents the card once, as its file allows or as `--by` says, and types the same PIN whenever it is
 * asked for, or passes the PIN over. When the terminal wants a card again it gives up.
 * @returns the signal that cancels the transaction
 * @throws PossumError `USAGE` when the card cannot be presented so
 */
export function presentCard(machine: Machine, options: HandOptions): AbortSignal {
  const { devices, cards, signal } = machine;
  const path = cardPath(options.card);
  const card = about(path, () => cards.take(path));
  const by = options.by ?? usualWay(card);
  devices.pinPad.type(`${options.pin ?? ''}E`.repeat(MAX_ENTRIES));
  if (by === 'insert') devices.reader.insert(card);
  else if (by === 'swipe') devices.reader.swipe(card);
  else if (card.contactless !== undefined) devices.reader.tap(card);
  else {
    throw new PossumError('USAGE', `${options.card} is not contactless`, {
      remedy: `Use --by ${usualWay(card)}.`,
    });
  }
  return AbortSignal.any([signal, givingUp(machine)]);
}

function usualWay(card: EmulatedCard): (typeof WAYS)[number] {
  if (card.contact !== undefined) return 'insert';
  return card.contactless !== undefined ? 'tap' : 'swipe';
}

function givingUp({ devices, trace }: Machine): AbortSignal {
  const giveUp = new AbortController();
  let waits = 0;
  trace.subscribe(
    (event) => {
      if (event.kind !== 'state' || event.part !== 'terminal' || event.to !== 'awaiting card') return;
      if (++waits === 1) return;
      printProgress(
        `The terminal shows "${devices.display.lines[0] ?? ''}". A scenario can present a card again.`,
      );
      giveUp.abort();
    },
    ['state'],
  );
  return giveUp.signal;
}
