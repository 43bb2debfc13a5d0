import { createCard, loadCard } from '../../../devices/cards/load.ts';
import type { IccFile } from '../../../devices/cards/schema.ts';
import { readCaKeys } from '../../../src/emv/ca-key-file.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import type { CardChannel } from '../../../src/ports/index.ts';

/** CA keys under which the shipped cards are certified. */
export const testCaKeys = () => readCaKeys('../capk/test-ca.yaml', 'emv-fixtures/terminals/demo.yaml');

/** Changes an answer of the card on its way. */
export type Change = (command: Uint8Array, response: Uint8Array) => Uint8Array;
/** Changes the objects of one record. */
export type Edit = (objects: Map<number, Uint8Array>) => void;

export interface Tampering {
  readonly face?: 'contact' | 'contactless';
  readonly edit?: Edit;
  readonly change?: Change;
  readonly file?: (file: IccFile) => IccFile;
}

export interface TamperedCard extends CardChannel {
  /** Every command that was sent, in hex. */
  readonly commands: string[];
  triesLeft(): number | undefined;
}

/** A shipped card whose records or answers may be changed; an empty answer is a card that left. */
export function emulatedCard(name: string, tampering: Tampering = {}): TamperedCard {
  const { face = 'contact', edit, change, file = (unchanged: IccFile) => unchanged } = tampering;
  const copy = structuredClone(loadCard(`emv-fixtures/cards/${name}.yaml`)) as IccFile;
  for (const { data } of copy[face]?.applications[0]?.records ?? []) edit?.(data as Map<number, Uint8Array>);
  const card = createCard(file(copy), { random: seededRandom(4) });
  const side = card[face];
  if (side === undefined) throw new Error(`${name} has no ${face} interface`);
  side.reset();
  const commands: string[] = [];
  return {
    interface: face,
    answerToReset: side.answerToReset,
    commands,
    triesLeft: () => card.state().pin?.triesLeft,
    async transmit(command) {
      commands.push(toHex(command));
      const given = side.respond(command);
      const response = change?.(command, given) ?? given;
      return response.length === 0 ? { kind: 'fault', fault: 'removed' } : { kind: 'response', response };
    },
    async release() {},
  };
}

/** Removes objects. */
export const without =
  (...tags: number[]): Edit =>
  (objects) => {
    for (const tag of tags) objects.delete(tag);
  };

/** Gives an object that is there another value. */
export const set =
  (tag: number, value: string): Edit =>
  (objects) => {
    if (objects.has(tag)) objects.set(tag, fromHex(value));
  };

/** Turns a bit inside an object. */
export const flip =
  (tag: number): Edit =>
  (objects) => {
    const value = objects.get(tag);
    if (value !== undefined)
      objects.set(
        tag,
        value.map((byte, i) => (i === 9 ? byte ^ 1 : byte)),
      );
  };

/** Answers one instruction with these bytes. */
export const answer =
  (ins: number, response: string): Change =>
  (command, given) =>
    command[1] === ins ? fromHex(response) : given;
