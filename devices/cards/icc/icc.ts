import { PossumError } from '../../../src/platform/errors.ts';
import type { Random } from '../../../src/platform/random.ts';
import type { StripeTracks } from '../../../src/ports/index.ts';
import type { CardFace, EmulatedCard } from '../card.ts';
import type { ApplicationFile, IccFile } from '../schema.ts';
import { type Command, parseCommand, SW, status } from './apdu.ts';
import { externalAuthenticate, getChallenge, internalAuthenticate } from './authentication.ts';
import { type Chip, newSession, resetSession } from './chip.ts';
import { generateAc } from './generate-ac.ts';
import { type CardMemory, createMemory, loadMemory, saveMemory } from './memory.ts';
import { verify } from './pin.ts';
import { getProcessingOptions } from './processing-options.ts';
import {
  type Application,
  type CardKeys,
  cardKeys,
  compileApplication,
  contactEnvironment,
  contactlessEnvironment,
} from './profile.ts';
import { getData, readRecord } from './read.ts';
import { isScriptInstruction, runScript } from './scripts.ts';
import { select } from './select.ts';

type Handler = (chip: Chip, command: Command) => Uint8Array;

/** Commands by class and instruction, `cla * 256 + ins`. */
const HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [0x00a4, select],
  [0x00b2, readRecord],
  [0x0020, verify],
  [0x0082, externalAuthenticate],
  [0x0084, getChallenge],
  [0x0088, internalAuthenticate],
  [0x80a8, getProcessingOptions],
  [0x80ae, generateAc],
  [0x80ca, getData],
]);

const INS_VERIFY = 0x20;
const INSTRUCTIONS: ReadonlySet<number> = new Set([...HANDLERS.keys()].map((key) => key & 0xff));
const CLASSES: ReadonlySet<number> = new Set([0x00, 0x80, 0x84, 0x8c]);

/** The commands that are still answered by a card that its issuer blocked. */
const BLOCKED_CARD_COMMANDS: ReadonlySet<number> = new Set([0x00a4]);

/**
 * An emulated chip card: contact and contactless interface share keys and durable state, each has a session of
 * its own.
 * @throws PossumError `CONFIG` or `KEY` when the personalisation data contradict each other
 */
export function createIcc(file: IccFile, random: Random): EmulatedCard {
  const keys = cardKeys(file);
  const compile = (applications: readonly ApplicationFile[] = []) =>
    applications.map((application) => checked(compileApplication(application), keys));
  const contact = compile(file.contact?.applications);
  const contactless = compile(file.contactless?.applications);
  const memory = createMemory(file, [...contact, ...contactless]);
  const shared = { keys, memory, random };
  return {
    kind: 'icc',
    ...(file.contact && {
      contact: createFace(file.contact.atr, {
        ...shared,
        interface: 'contact',
        applications: contact,
        environment: file.contact.pse ? contactEnvironment(contact) : undefined,
        session: newSession(),
      }),
    }),
    ...(file.contactless && {
      contactless: createFace(file.contactless.ats, {
        ...shared,
        interface: 'contactless',
        applications: contactless,
        environment: contactlessEnvironment(contactless),
        session: newSession(),
      }),
    }),
    ...(file.stripe && { tracks: file.stripe as StripeTracks }),
    state: () => saveMemory(memory),
    restore: (state) => loadMemory(memory, state),
  };
}

function createFace(answerToReset: Uint8Array, chip: Chip): CardFace {
  return {
    interface: chip.interface,
    answerToReset,
    reset() {
      resetSession(chip.session);
      chip.session.cursor = -1;
    },
    respond: (bytes) => dispatch(chip, bytes),
  };
}

function dispatch(chip: Chip, bytes: Uint8Array): Uint8Array {
  const command = parseCommand(bytes);
  if (command === undefined) return status(SW.wrongLength);
  const { cla, ins } = command;
  // A challenge is good for the command that follows it.
  if (ins !== INS_VERIFY) chip.session.challenge = undefined;
  const handler = HANDLERS.get(cla * 256 + ins);
  if (handler !== undefined) {
    return blocksCommand(chip.memory, cla * 256 + ins)
      ? status(SW.conditionsNotSatisfied)
      : handler(chip, command);
  }
  if ((cla === 0x84 || cla === 0x8c) && isScriptInstruction(ins)) return runScript(chip, command);
  const known = INSTRUCTIONS.has(ins) || isScriptInstruction(ins);
  return status(known || !CLASSES.has(cla) ? SW.classNotSupported : SW.instructionNotSupported);
}

/** A card that was blocked in the middle of a transaction still ends that transaction, with an AAC. */
function blocksCommand(memory: CardMemory, key: number): boolean {
  return memory.cardBlocked && !BLOCKED_CARD_COMMANDS.has(key) && key !== 0x80ae;
}

/** Refuses personalisations whose promises the card cannot keep. */
function checked(application: Application, keys: CardKeys): Application {
  const { file, aidHex } = application;
  const aip = file.aip[0] as number;
  if ((aip & 0x21) !== 0 && keys.signer === undefined) {
    throw new PossumError('CONFIG', `${aidHex}: the AIP promises DDA or CDA, and the file has no rsa key`);
  }
  if (file.profile === 'qvsdc' && !application.pdol.entries.some(({ tag }) => tag === 0x9f66)) {
    throw new PossumError('CONFIG', `${aidHex}: a qvsdc application asks for 9F66 in its pdol`);
  }
  if (file.profile === 'emv' && application.cdol1 === undefined) {
    throw new PossumError('CONFIG', `${aidHex}: no record holds a CDOL1 (8C)`);
  }
  return application;
}
