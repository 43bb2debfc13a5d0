import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PossumError } from '../../src/platform/errors.ts';
import type { Random } from '../../src/platform/random.ts';
import type { CardState, EmulatedCard } from './card.ts';
import { createCard, loadCard } from './load.ts';

/** The cards of one world: each is made once, and its counters go on from transaction to transaction. */
export interface CardDrawer {
  /** The card of a file. @throws PossumError `CONFIG` */
  take(path: string): EmulatedCard;
  /** Keeps what the cards remember, when the drawer has a folder. */
  keep(): void;
}

/**
 * @param random gives each card its own source, by the name of its file
 * @param folder where states are kept between processes; only in memory when absent
 */
export function cardDrawer(random: (name: string) => Random, folder?: string): CardDrawer {
  const cards = new Map<string, EmulatedCard>();
  const stateFile = (path: string) => join(folder ?? '', `${basename(path).replace(/\.ya?ml$/, '')}.json`);
  return {
    take(path) {
      const known = cards.get(path);
      if (known !== undefined) return known;
      const card = createCard(loadCard(path), { random: random(basename(path)) });
      if (folder !== undefined && existsSync(stateFile(path))) card.restore(readState(stateFile(path)));
      cards.set(path, card);
      return card;
    },
    keep() {
      if (folder === undefined) return;
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      for (const [path, card] of cards) {
        if (card.kind !== 'icc') continue;
        writeFileSync(`${stateFile(path)}.new`, JSON.stringify(card.state()));
        renameSync(`${stateFile(path)}.new`, stateFile(path));
      }
    },
  };
}

function readState(file: string): CardState {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as CardState;
  } catch (cause) {
    throw new PossumError('CONFIG', 'the state of a card cannot be read', {
      where: file,
      remedy: 'Remove the file: the card begins again as its card file says.',
      cause,
    });
  }
}
