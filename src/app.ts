import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { EmulatedCard } from '../devices/cards/card.ts';
import { issuerOf } from '../devices/cards/issuer.ts';
import { createCard, loadCard } from '../devices/cards/load.ts';
import { parseTcpAddress } from '../devices/transport/address.ts';
import { listenTcp, type TcpOptions, tcpDialler } from '../devices/transport/tcp.ts';
import { createVirtualDisplay, type VirtualDisplay } from '../devices/virtual/display.ts';
import { createVirtualPinPad, type VirtualPinPad } from '../devices/virtual/pin-pad.ts';
import { type PowerPoint, type PowerSupply, powerSupply } from '../devices/virtual/power.ts';
import { createVirtualPrinter, type VirtualPrinter } from '../devices/virtual/printer.ts';
import { createVirtualReader, type VirtualReader } from '../devices/virtual/reader.ts';
import { keptLine } from './acquirer/kept-line.ts';
import { acquirerContext } from './acquirer/settings.ts';
import type { HostConfig } from './host/config.ts';
import { createHost as createHostEmulator, type Host } from './host/host.ts';
import { openHostStore } from './host/store.ts';
import { loadProfile } from './iso8583/profile.ts';
import { type Journal, openJournal } from './journal/journal.ts';
import { type Clock, NEVER } from './platform/clock.ts';
import { PossumError } from './platform/errors.ts';
import { fixturePath } from './platform/fixtures.ts';
import { type Random, systemRandom } from './platform/random.ts';
import { spellingHint } from './platform/spelling-hint.ts';
import { createTrace, silentTrace, type Trace } from './platform/trace.ts';
import type { ByteStream, CardChannel, Dialler, Listener } from './ports/index.ts';
import { createSecureModule, type SecureModule } from './secure/secure-module.ts';
import { openSecureStorage, type SecureStorage } from './secure/storage.ts';
import type { TerminalSettings } from './terminal/config.ts';
import { createTerminalApplication, type Terminal } from './terminal/terminal.ts';
import { createRedactor } from './tlv/redact.ts';

/** Composition: the one place where firmware, hardware and host meet. */

export type { CardState, EmulatedCard } from '../devices/cards/card.ts';
export { type CardDrawer, cardDrawer } from '../devices/cards/drawer.ts';
export type { CardFile } from '../devices/cards/schema.ts';
export { describeAtr, parseAtr } from '../devices/iso7816/atr.ts';
export { judgeEmvAtr } from '../devices/iso7816/emv-atr.ts';
export { PowerCut, type PowerPoint, type PowerSupply, powerSupply } from '../devices/virtual/power.ts';
export { createCard, issuerOf, loadCard };

/** The terminal's hardware as it comes without a cable: a hand can reach into each of it. */
export interface VirtualDevices {
  readonly reader: VirtualReader;
  readonly pinPad: VirtualPinPad;
  readonly printer: VirtualPrinter;
  readonly display: VirtualDisplay;
}

export function createVirtualDevices(clock: Clock): VirtualDevices {
  return {
    reader: createVirtualReader({ clock }),
    pinPad: createVirtualPinPad(),
    printer: createVirtualPrinter(),
    display: createVirtualDisplay({ columns: 40 }),
  };
}

/**
 * A hand that takes the card out when the terminal asks for it.
 * @returns a function that lets the hand rest
 */
export function obligingHand(
  trace: Trace,
  clock: Clock,
  { reader }: VirtualDevices,
  delayMs = 1000,
): () => void {
  return trace.subscribe(
    (event) => {
      if (event.kind === 'state' && event.part === 'terminal' && event.to === 'awaiting removal') {
        clock.after(delayMs, () => reader.remove());
      }
    },
    ['state'],
  );
}

/** A trace that masks what must not leave the firmware. */
export function createRedactingTrace(clock: Clock): Trace {
  return createTrace(clock, createRedactor());
}

/** The line to the host, which a hand can cut and mend. Cutting it ends what is connected over it. */
export interface SwitchedLine extends Dialler {
  up: boolean;
}

/** Dials `address` while the line is up. @throws PossumError `USAGE` for an address that cannot be used */
export function switchedLine(address: string, clock: Clock, options?: TcpOptions): SwitchedLine {
  return switched(tcpDialler(address, clock, options));
}

function switched(dialler: Dialler): SwitchedLine {
  const streams = new Set<ByteStream>();
  let isUp = true;
  return {
    address: dialler.address,
    get up() {
      return isUp;
    },
    set up(up) {
      isUp = up;
      if (up) return;
      for (const stream of streams) void stream.close();
      streams.clear();
    },
    async dial(signal, deadlineMs) {
      if (!isUp) return { kind: 'refused', reason: 'the line is down' };
      const dialled = await dialler.dial(signal, deadlineMs);
      if (dialled.kind === 'refused') return dialled;
      const { stream } = dialled;
      const close = () => {
        streams.delete(stream);
        return stream.close();
      };
      streams.add(stream);
      return { kind: 'connected', stream: { ...stream, close } };
    },
  };
}

export interface TerminalOptions {
  readonly settings: TerminalSettings;
  /** The data folder: `terminal.db`, `terminal.lock`, `secure/`. */
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly devices: VirtualDevices;
  readonly line: Dialler;
  readonly trace?: Trace;
  /** Sees each point at which the power could fail. */
  readonly onPowerPoint?: (kind: PowerPoint, number: number, supply: PowerSupply) => void;
  readonly chooseApplication?: (labels: readonly string[]) => Promise<number | undefined>;
  /** Bytes that the disk of the folder has left; asked of the system when absent. */
  readonly freeBytes?: () => number;
}

/** A terminal that has power. It is ready after {@link Terminal.boot}. */
export interface RunningTerminal extends Terminal {
  readonly power: PowerSupply;
}

/**
 * Builds a terminal on a data folder and loads its initial key when it has none.
 * @throws PossumError `LOCKED`, `STORAGE`, `CONFIG`
 */
export async function createTerminal(options: TerminalOptions): Promise<RunningTerminal> {
  const { folder, trace = silentTrace } = options;
  const power = powerSupply(options.onPowerPoint);
  const isNew = !existsSync(join(folder, 'terminal.db'));
  const storage = openSecureStorage(join(folder, 'secure'), systemRandom(), isNew);
  const journal = await openJournal(folder, storage.sealer, {
    trace,
    onStatement: () => power.point('sql'),
    ...(options.freeBytes === undefined ? {} : { freeBytes: options.freeBytes }),
  });
  try {
    return { ...plugTogether(options, journal, storage, power), power };
  } catch (cause) {
    journal.close();
    throw cause;
  }
}

function plugTogether(
  options: TerminalOptions,
  journal: Journal,
  storage: SecureStorage,
  power: PowerSupply,
): Terminal {
  const { settings, clock, random, devices, trace = silentTrace } = options;
  const pad = () => devices.pinPad;
  const secure = createSecureModule({
    store: journal.keyStore,
    ...storage,
    clock,
    trace,
    pad,
    random,
    ...(settings.pinLimit === undefined ? {} : { pinLimit: settings.pinLimit }),
  });
  provision(secure, settings, trace);
  const profile = loadProfile(settings.host.profile ?? fixturePath('hosts', 'nac.yaml'));
  const { nii } = settings.host;
  const dialler = power.dialler(options.line);
  const kept = (settings.host.keepAlive ?? profile.keepAlive) === true ? keptLine(dialler) : undefined;
  const acquirer = acquirerContext({
    profile: nii === undefined ? profile : { ...profile, nii },
    identity: {
      terminalId: settings.tid,
      merchantId: settings.merchant.id,
      currency: settings.currency.code,
    },
    timeouts: {
      connectMs: settings.host.connectTimeoutMs,
      answerMs: settings.host.answerTimeoutMs,
      repeats: settings.host.repeats,
    },
    dialler: kept ?? dialler,
    journal,
    secure,
    clock,
    trace,
  });
  const terminal = createTerminalApplication({
    settings,
    journal,
    secure,
    acquirer,
    readers: [power.reader(devices.reader)],
    usedReaders: new Set(),
    printer: power.printer(devices.printer),
    displays: [devices.display],
    clock,
    random: secure.random,
    trace,
    ...(options.chooseApplication === undefined ? {} : { chooseApplication: options.chooseApplication }),
  });
  return {
    ...terminal,
    close() {
      void kept?.close();
      secure.close();
      terminal.close();
    },
  };
}

const AES_KSN_LENGTH = 12;

/** Loads the initial key of the terminal file into a terminal that has none. */
function provision(
  secure: SecureModule,
  { keys, keyBlock, keysMarked = false, file }: TerminalSettings,
  trace: Trace,
): void {
  if (secure.status() === 'unprovisioned') {
    if (keys !== undefined)
      secure.loadInitialKey(keys.initialKey, keys.ksn, keysMarked ? 'marked' : undefined);
    else if (keyBlock !== undefined) secure.loadInitialKeyBlock({ block: keyBlock, marked: keysMarked });
  }
  if (secure.initialKey()?.origin === 'marked-by-flag') {
    trace.emit({
      kind: 'alarm',
      what: 'the initial key is not known as a test key: it was taken on a person’s word',
    });
  }
  if (secure.nextKsn()?.length === AES_KSN_LENGTH) {
    throw new PossumError(
      'CONFIG',
      'the terminal has an AES DUKPT key, and no host profile has room for its KSN',
      {
        where: file,
        remedy: 'Trade with a TDES initial key: use another --data folder, and check `keys`.',
      },
    );
  }
}

export interface HostOptions {
  readonly config: HostConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly trace?: Trace;
  /** `HOST:PORT`; the configured one when absent, port 0 takes a free one. */
  readonly listen?: string;
  /** Where the ledger is kept; in memory when absent. */
  readonly database?: string;
  /** Listens on addresses that are neither loopback nor private. */
  readonly allowPublic?: boolean;
}

/** A host that listens. */
export interface RunningHost {
  readonly host: Host;
  /** `HOST:PORT` under which it is reached. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Starts the acquirer's host on TCP.
 * @throws PossumError `UNAVAILABLE` when the port is taken
 */
export async function createHost(options: HostOptions): Promise<RunningHost> {
  const { host, close } = await hostAtRest(options);
  const listener = await listenTcp(
    parseTcpAddress(options.listen ?? options.config.listen),
    (stream) => host.connection(stream),
    options.clock,
    { allowPublic: options.allowPublic === true },
  );
  return {
    host,
    address: listener.address,
    async close() {
      await listener.close();
      await close();
    },
  };
}

/** A host for one terminal in this process. */
export interface EmbeddedHost {
  readonly host: Host;
  readonly line: SwitchedLine;
  close(): Promise<void>;
}

/** Makes a host and the line to it, which is TCP on the loopback interface from its first use on. */
export async function createEmbeddedHost(
  options: Omit<HostOptions, 'listen' | 'allowPublic'>,
): Promise<EmbeddedHost> {
  const { clock } = options;
  const { host, close } = await hostAtRest(options);
  let listener: Promise<Listener> | undefined;
  const reached = async () => {
    const release = clock.hold();
    try {
      listener ??= listenTcp(ANY_PORT, (stream) => host.connection(stream), clock);
      return tcpDialler((await listener).address, clock);
    } finally {
      release();
    }
  };
  return {
    host,
    line: switched({
      address: ANY_PORT.host,
      dial: async (signal, deadlineMs) => (await reached()).dial(signal, deadlineMs),
    }),
    async close() {
      await (await listener)?.close();
      await close();
    },
  };
}

const ANY_PORT = { host: '127.0.0.1', port: 0 };

/** A host that nobody can reach yet. */
async function hostAtRest(options: HostOptions): Promise<Pick<EmbeddedHost, 'host' | 'close'>> {
  const { config, clock, random, trace = silentTrace } = options;
  const store = options.database === undefined ? undefined : await openHostStore(options.database);
  const host = createHostEmulator(config, {
    clock,
    random,
    trace,
    ...(store === undefined ? {} : { store }),
  });
  return {
    host,
    async close() {
      await host.close();
      store?.close();
    },
  };
}

/**
 * The path of a card that is named without folder or ending: one of the shipped ones. A path is given back as it is.
 * @throws PossumError `USAGE` with a hint when there is no such card
 */
export function cardPath(name: string, folder: string = fixturePath('cards')): string {
  if (/[/\\]|\.ya?ml$/.test(name)) return name;
  const path = join(folder, `${name}.yaml`);
  if (/^[\w-]+$/.test(name) && existsSync(path)) return path;
  const known = readdirSync(folder).flatMap((file) => /^(.+)\.yaml$/.exec(file)?.[1] ?? []);
  throw new PossumError('USAGE', `there is no card "${name}"`, {
    remedy: `${spellingHint(name, known, 'cards')} A card file is named with its folder or its ending.`,
  });
}

/**
 * Powers a card on one interface, without a reader around it.
 * @returns `undefined` when the card does not have that interface
 */
export async function powerCard(
  card: EmulatedCard,
  on: 'contact' | 'contactless',
  clock: Clock,
): Promise<CardChannel | undefined> {
  const reader = createVirtualReader({ clock });
  if (on === 'contact') reader.insert(card);
  else reader.tap(card);
  const presentation = await reader.awaitPresentation([on], NEVER, clock.now());
  return presentation.kind === 'card' ? presentation.channel : undefined;
}
