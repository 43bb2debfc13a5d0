import type { Random } from '../../../src/platform/random.ts';
import type { CryptogramType } from './card-verification.ts';
import type { ApplicationMemory, CardMemory } from './memory.ts';
import type { Application, CardKeys, Environment } from './profile.ts';

/**
 * Where a transaction stands: nothing selected, an environment (PSE, PPSE), an application, processing options
 * given, an ARQC given, or all cryptograms given.
 */
export type Phase = 'idle' | 'environment' | 'selected' | 'initiated' | 'online' | 'done';

/** What a chip forgets when it loses power; most of it already at the next SELECT. */
export interface Session {
  phase: Phase;
  /** Directory records of the selected environment. */
  directory: readonly Uint8Array[];
  application: Application | undefined;
  memory: ApplicationMemory | undefined;
  /** Values that the terminal sent in answers to DOLs, newest first by overwriting. */
  readonly terminal: Map<number, Uint8Array>;
  pdolData: Uint8Array;
  cdol1Data: Uint8Array;
  pinPerformed: boolean;
  pinFailed: boolean;
  ddaPerformed: boolean;
  firstType: CryptogramType;
  velocityExceeded: boolean;
  arqc: Uint8Array | undefined;
  /** What GET CHALLENGE gave, for the next command only. */
  challenge: Uint8Array | undefined;
  issuerAuthentication: 'none' | 'passed' | 'failed';
  /** From the card status update of ARPC method 2. */
  issuerApproves: boolean | undefined;
  /** Application found by the last SELECT by name, for "next occurrence". */
  cursor: number;
}

/** One powered interface of a card: what every command works on. */
export interface Chip {
  readonly interface: 'contact' | 'contactless';
  readonly applications: readonly Application[];
  /** The payment system environment; contact cards may do without. */
  readonly environment: Environment | undefined;
  readonly keys: CardKeys;
  readonly memory: CardMemory;
  readonly random: Random;
  readonly session: Session;
}

/** An application in use, with its durable state. */
export interface Selected {
  readonly application: Application;
  readonly memory: ApplicationMemory;
}

const NOTHING = new Uint8Array(0);
const NO_RECORDS: readonly Uint8Array[] = [];

export function newSession(): Session {
  return {
    phase: 'idle',
    directory: NO_RECORDS,
    application: undefined,
    memory: undefined,
    terminal: new Map(),
    pdolData: NOTHING,
    cdol1Data: NOTHING,
    pinPerformed: false,
    pinFailed: false,
    ddaPerformed: false,
    firstType: 'aac',
    velocityExceeded: false,
    arqc: undefined,
    challenge: undefined,
    issuerAuthentication: 'none',
    issuerApproves: undefined,
    cursor: -1,
  };
}

/** Forgets the transaction, keeps the place in the list of applications. */
export function resetSession(session: Session): void {
  session.phase = 'idle';
  session.directory = NO_RECORDS;
  session.application = undefined;
  session.memory = undefined;
  session.terminal.clear();
  session.pdolData = NOTHING;
  session.cdol1Data = NOTHING;
  session.pinPerformed = false;
  session.pinFailed = false;
  session.ddaPerformed = false;
  session.firstType = 'aac';
  session.velocityExceeded = false;
  session.arqc = undefined;
  session.challenge = undefined;
  session.issuerAuthentication = 'none';
  session.issuerApproves = undefined;
}

/** The selected application, when the transaction is in one of `phases`. */
export function selectedIn(chip: Chip, ...phases: readonly Phase[]): Selected | undefined {
  const { phase, application, memory } = chip.session;
  if (application === undefined || memory === undefined || !phases.includes(phase)) return undefined;
  return { application, memory };
}
