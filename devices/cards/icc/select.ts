import { equalBytes, fromHex } from '../../../src/platform/bytes.ts';
import { answer, type Command, SW, status } from './apdu.ts';
import { type Chip, resetSession } from './chip.ts';

const BY_NAME = 0x04;
const FIRST = 0x00;
const NEXT = 0x02;

/**
 * SELECT by name: environment, application, or the next application that begins with the name. A contactless
 * application that waits for its issuer remembers its ARQC again.
 */
export function select(chip: Chip, command: Command): Uint8Array {
  if (command.p1 !== BY_NAME || (command.p2 !== FIRST && command.p2 !== NEXT)) return status(SW.wrongP1P2);
  const name = command.data;
  if (name.length === 0 || name.length > 16) return status(SW.wrongLength);
  if (chip.memory.cardBlocked) return status(SW.functionNotSupported);
  if (command.p2 === FIRST) {
    const environment = selectEnvironment(chip, name);
    if (environment !== undefined) return environment;
  }
  const from = command.p2 === NEXT ? chip.session.cursor + 1 : 0;
  const index = chip.applications.findIndex(
    ({ file }, i) => i >= from && file.aid.length >= name.length && startsWith(file.aid, name),
  );
  const application = chip.applications[index];
  const memory = application && chip.memory.applications.get(application.aidHex);
  if (application === undefined || memory === undefined) return status(SW.fileNotFound);
  const { session } = chip;
  resetSession(session);
  session.cursor = index;
  session.phase = 'selected';
  session.application = application;
  session.memory = memory;
  if (chip.interface === 'contactless' && memory.waitsForIssuer !== undefined) {
    session.arqc = fromHex(memory.waitsForIssuer.arqc);
    session.terminal.set(0x9f37, fromHex(memory.waitsForIssuer.unpredictable));
  }
  return answer(application.fci, memory.blocked ? SW.applicationBlocked : SW.ok);
}

function selectEnvironment(chip: Chip, name: Uint8Array): Uint8Array | undefined {
  const { environment, session } = chip;
  if (environment === undefined || !equalBytes(name, environment.name)) return undefined;
  resetSession(session);
  session.cursor = -1;
  session.phase = 'environment';
  session.directory = environment.directory;
  return answer(environment.fci);
}

function startsWith(whole: Uint8Array, head: Uint8Array): boolean {
  return equalBytes(whole.subarray(0, head.length), head);
}
