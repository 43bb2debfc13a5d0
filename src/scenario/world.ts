import { join } from 'node:path';
import {
  type CardDrawer,
  cardDrawer,
  createEmbeddedHost,
  createRedactingTrace,
  createTerminal,
  createVirtualDevices,
  type EmbeddedHost,
  type EmulatedCard,
  obligingHand,
  type PowerPoint,
  type PowerSupply,
  type RunningTerminal,
  type SwitchedLine,
  type VirtualDevices,
} from '../app.ts';
import { loadHost } from '../host/config.ts';
import type { Host } from '../host/host.ts';
import { VirtualClock } from '../platform/clock.ts';
import { fixturePath } from '../platform/fixtures.ts';
import { seededRandom } from '../platform/random.ts';
import type { Trace } from '../platform/trace.ts';
import { loadTerminalSettings, type TerminalSettings } from '../terminal/config.ts';
import type { RecoveryReport } from '../terminal/recovery.ts';
import { embeddedHost } from './embedded-host.ts';
import { scenarioCardPath } from './references.ts';
import type { Scenario } from './schema.ts';

/** A terminal, its host, its cards and its clock, all in this process, joined by loopback TCP. */
export class World {
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly devices: VirtualDevices;
  readonly host: Host;
  readonly line: SwitchedLine;
  readonly settings: TerminalSettings;
  readonly folder: string;
  readonly #scenario: Scenario;
  readonly #embedded: EmbeddedHost;
  readonly #drawer: CardDrawer;
  #boots = 0;
  #onPower: ((kind: PowerPoint, number: number, supply: PowerSupply) => void) | undefined;
  #terminal: RunningTerminal | undefined;

  private constructor(
    scenario: Scenario,
    folder: string,
    kept: boolean,
    parts: Pick<World, 'clock' | 'trace' | 'devices' | 'settings'> & { readonly embedded: EmbeddedHost },
  ) {
    this.#scenario = scenario;
    this.folder = folder;
    this.clock = parts.clock;
    this.trace = parts.trace;
    this.devices = parts.devices;
    this.#embedded = parts.embedded;
    this.host = parts.embedded.host;
    this.line = parts.embedded.line;
    this.settings = parts.settings;
    const cards = kept ? join(folder, 'cards') : undefined;
    this.#drawer = cardDrawer((name) => seededRandom(`${scenario.seed}/card/${name}`), cards);
  }

  /**
   * Starts host and terminal of a scenario on the data folder.
   * @param kept the folder outlives the run: host and cards are kept in it too
   * @param keysMarked somebody said that the keys of the terminal file are test keys
   */
  static async start(scenario: Scenario, folder: string, kept = false, keysMarked = false): Promise<World> {
    const clock = new VirtualClock(Date.parse(`${scenario.start}Z`));
    const trace = createRedactingTrace(clock);
    const read = loadTerminalSettings(
      scenario.terminal === undefined
        ? fixturePath('terminals', 'demo.yaml')
        : scenario.resolve(scenario.terminal),
    );
    const settings = keysMarked ? { ...read, keysMarked } : read;
    const config =
      scenario.host === undefined ? embeddedHost(settings) : loadHost(scenario.resolve(scenario.host));
    const embedded = await createEmbeddedHost({
      config,
      clock,
      random: seededRandom(`${scenario.seed}/host`),
      trace,
      ...(kept ? { database: join(folder, 'host.db') } : {}),
    });
    const devices = createVirtualDevices(clock);
    obligingHand(trace, clock, devices);
    const world = new World(scenario, folder, kept, { clock, trace, devices, embedded, settings });
    try {
      await world.boot();
    } catch (cause) {
      await world.close();
      throw cause;
    }
    return world;
  }

  /** The terminal that has power now. */
  get terminal(): RunningTerminal {
    if (this.#terminal === undefined) throw new Error('the world has no terminal yet');
    return this.#terminal;
  }

  /** Switches a terminal on, on the same folder, and lets it recover. */
  async boot(): Promise<RecoveryReport> {
    this.#boots++;
    this.#terminal = await createTerminal({
      settings: this.settings,
      folder: this.folder,
      clock: this.clock,
      random: seededRandom(`${this.#scenario.seed}/terminal/${this.#boots}`),
      devices: this.devices,
      line: this.line,
      trace: this.trace,
      onPowerPoint: (kind, number, supply) => this.#onPower?.(kind, number, supply),
    });
    return this.clock.run(this.#terminal.boot());
  }

  /** Takes the power away and gives it back. */
  async powerCycle(): Promise<RecoveryReport> {
    this.#onPower = undefined;
    this.terminal.power.cut();
    this.terminal.close();
    this.devices.reader.remove();
    return this.boot();
  }

  /** Cuts the power before the `count`-th point of `kind` from now on. */
  armPowerCut(kind: PowerPoint, count: number): void {
    let left = count;
    this.#onPower = (seen, _number, supply) => {
      if (seen === kind && --left === 0) supply.cut();
    };
  }

  /** What did not come to its count does not strike later. */
  disarmPowerCut(): void {
    this.#onPower = undefined;
  }

  /** A card of this world: its counters go on from step to step, and survive the terminal's power. */
  card(name: string): EmulatedCard {
    return this.#drawer.take(scenarioCardPath(name, this.#scenario.resolve));
  }

  /** Keeps what the cards remember, when the world is kept. */
  keepCards(): void {
    this.#drawer.keep();
  }

  async close(): Promise<void> {
    this.#terminal?.close();
    await this.#embedded.close();
  }
}
