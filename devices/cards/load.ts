import { dirname, resolve } from 'node:path';
import { loadConfig } from '../../src/platform/config.ts';
import { PossumError } from '../../src/platform/errors.ts';
import type { Random } from '../../src/platform/random.ts';
import type { StripeTracks } from '../../src/ports/index.ts';
import type { CardState, EmulatedCard } from './card.ts';
import { createIcc } from './icc/icc.ts';
import { createReplayFace } from './replay.ts';
import { type CardFile, cardFile, type IssuerPart, issuerKeyFile, type ReplayFile } from './schema.ts';

/**
 * Reads a card file of any kind. Keys that it names in a key file are filled in, so that the result stands
 * alone.
 * @throws PossumError `CONFIG` that names file, line and field
 */
export function loadCard(path: string): CardFile {
  const file = loadConfig<CardFile>(path, cardFile, 'card');
  if (file.issuer === undefined || file.issuer.imkAc !== undefined) return file;
  return { ...file, issuer: withKeys(file.issuer, path) } as CardFile;
}

function withKeys(issuer: IssuerPart, path: string): IssuerPart {
  const { keyFile = '', keySet = '', ...rest } = issuer;
  const keyPath = resolve(dirname(path), keyFile);
  const keys = loadConfig(keyPath, issuerKeyFile, 'issuer-keys').sets[keySet];
  if (keys === undefined) {
    throw new PossumError('CONFIG', `issuer.keySet: ${keyPath} has no set "${keySet}"`, { where: path });
  }
  return { ...rest, ...keys };
}

/**
 * The emulated card of a file.
 * @param services.random what the card's challenges and dynamic numbers are made of
 * @throws PossumError `CONFIG` or `KEY` when the personalisation data contradict each other
 */
export function createCard(file: CardFile, services: { readonly random: Random }): EmulatedCard {
  switch (file.kind) {
    case 'icc':
      return createIcc(file, services.random);
    case 'magstripe':
      return { kind: 'magstripe', tracks: file.stripe as StripeTracks, ...stateless };
    case 'replay':
      return replayCard(file);
  }
}

function replayCard(file: ReplayFile): EmulatedCard {
  const face = createReplayFace(file);
  return file.interface === 'contact'
    ? { kind: 'replay', contact: face, ...stateless }
    : { kind: 'replay', contactless: face, ...stateless };
}

const stateless = {
  state: (): CardState => ({ cardBlocked: false, applications: {} }),
  restore: (): void => {},
};
