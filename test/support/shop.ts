import { onTestFinished } from 'vitest';
import {
  type CardDrawer,
  cardDrawer,
  cardPath,
  createHost,
  createRedactingTrace,
  createTerminal,
  createVirtualDevices,
  type EmulatedCard,
  obligingHand,
  type PowerPoint,
  type PowerSupply,
  type RunningHost,
  type RunningTerminal,
  type SwitchedLine,
  switchedLine,
  type VirtualDevices,
} from '../../src/app.ts';
import { loadHost } from '../../src/host/config.ts';
import type { TransactionRecord } from '../../src/journal/transactions.ts';
import { type Timer, VirtualClock } from '../../src/platform/clock.ts';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { seededRandom } from '../../src/platform/random.ts';
import type { Trace, TraceEvent } from '../../src/platform/trace.ts';
import { loadTerminalSettings, type TerminalSettings } from '../../src/terminal/config.ts';
import type { RecoveryReport } from '../../src/terminal/recovery.ts';
import type { TransactionResult } from '../../src/terminal/result.ts';
import { temporaryFolder } from './folder.ts';

export const MORNING = Date.UTC(2026, 10, 21, 9, 0, 0);
/** How long a hand takes. */
const HAND_MS = 1000;

/** One thing that a customer does when a card is asked for. */
export type Presentation =
  | { readonly card: string; readonly by?: 'insert' | 'tap' | 'swipe'; readonly mute?: boolean }
  | ((shop: Shop) => void);

export interface Purchase {
  readonly amountMinor?: number;
  /** Keys on the PIN pad, see the virtual pad. */
  readonly keys?: string;
  readonly forceOnline?: boolean;
  readonly signal?: AbortSignal;
}

export interface ShopOptions {
  readonly settings?: (settings: TerminalSettings) => TerminalSettings;
  readonly chooseApplication?: (labels: readonly string[]) => Promise<number | undefined>;
  readonly freeBytes?: () => number;
}

/** A whole shop in one process: terminal, virtual devices, cards, host and the line between them. */
export class Shop {
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly devices: VirtualDevices;
  readonly events: TraceEvent[] = [];
  readonly folder = temporaryFolder();
  readonly host: RunningHost;
  readonly line: SwitchedLine;
  readonly settings: TerminalSettings;
  /** Sees each power point of the terminal that has power. */
  onPower: ((kind: PowerPoint, supply: PowerSupply) => void) | undefined;
  readonly #options: ShopOptions;
  readonly #cards: CardDrawer = cardDrawer((name) => seededRandom(`shop/card/${name}`));
  #terminal: RunningTerminal | undefined;
  #boots = 0;

  private constructor(host: RunningHost, line: SwitchedLine, clock: VirtualClock, options: ShopOptions) {
    this.clock = clock;
    this.trace = createRedactingTrace(clock);
    this.devices = createVirtualDevices(clock);
    this.host = host;
    this.line = line;
    this.#options = options;
    const demo = loadTerminalSettings(fixturePath('terminals', 'demo.yaml'));
    this.settings = options.settings?.(demo) ?? demo;
    this.trace.subscribe((event) => this.events.push(event));
    obligingHand(this.trace, clock, this.devices);
  }

  /** Opens in the morning, with a terminal that has booted. */
  static async open(options: ShopOptions = {}): Promise<Shop> {
    const clock = new VirtualClock(MORNING);
    const host = await createHost({
      config: loadHost(fixturePath('hosts', 'demo.yaml')),
      clock,
      random: seededRandom('shop/host'),
      listen: '127.0.0.1:0',
    });
    const shop = new Shop(host, switchedLine(host.address, clock), clock, options);
    onTestFinished(async () => {
      shop.#terminal?.close();
      await host.close();
    });
    await shop.boot();
    return shop;
  }

  get terminal(): RunningTerminal {
    if (this.#terminal === undefined) throw new Error('the terminal has no power');
    return this.#terminal;
  }

  /** Switches a terminal on, on the same folder, and lets it recover. */
  async boot(): Promise<RecoveryReport> {
    this.#boots++;
    this.#terminal = await createTerminal({
      ...this.#options,
      settings: this.settings,
      folder: this.folder,
      clock: this.clock,
      random: seededRandom(`shop/terminal/${this.#boots}`),
      devices: this.devices,
      line: this.line,
      trace: this.trace,
      onPowerPoint: (kind, _number, supply) => this.onPower?.(kind, supply),
    });
    return this.clock.run(this.#terminal.boot());
  }

  /** Takes the power away for good; the card is pulled. */
  cut(): void {
    this.onPower = undefined;
    this.#terminal?.power.cut();
    this.#terminal?.close();
    this.devices.reader.remove();
    this.devices.pinPad.forget();
  }

  card(name: string): EmulatedCard {
    return this.#cards.take(cardPath(name));
  }

  sale(purchase: Purchase, ...presentations: Presentation[]): Promise<TransactionResult> {
    return this.#purchase('sale', purchase, presentations);
  }

  refund(purchase: Purchase, ...presentations: Presentation[]): Promise<TransactionResult> {
    return this.#purchase('refund', purchase, presentations);
  }

  void(invoice: number, signal?: AbortSignal): Promise<TransactionResult> {
    return this.clock.run(this.terminal.void(invoice, signal));
  }

  settle(): ReturnType<RunningTerminal['settle']> {
    return this.clock.run(this.terminal.settle());
  }

  records(): readonly TransactionRecord[] {
    return this.terminal.context.journal.transactions.list();
  }

  /** Names of the commits so far. */
  commits(): readonly string[] {
    return this.events.flatMap((event) => (event.kind === 'commit' ? [event.what] : []));
  }

  /** First lines of all screens so far. */
  screens(): readonly string[] {
    return this.events.flatMap((event) => (event.kind === 'screen' ? [event.lines[0] ?? ''] : []));
  }

  /** Screens as the checks of promises want them. */
  told(): readonly string[] {
    return this.events.flatMap((event) =>
      event.kind === 'screen' ? [`screen ${event.lines.join(' | ')}`] : [],
    );
  }

  slips(): string {
    return this.devices.printer.slips.flat().join('\n');
  }

  /** MTIs of what the terminal sent. */
  sent(): readonly string[] {
    return this.events.flatMap((event) =>
      event.kind === 'message' && event.direction === 'sent' ? [event.mti] : [],
    );
  }

  async #purchase(
    kind: 'sale' | 'refund',
    { amountMinor = 12_000, keys, forceOnline, signal }: Purchase,
    presentations: Presentation[],
  ): Promise<TransactionResult> {
    if (keys !== undefined) this.devices.pinPad.type(keys);
    const stop = this.#presentInTurn([...presentations]);
    const request = { amountMinor, ...(forceOnline === undefined ? {} : { forceOnline }) };
    try {
      return await this.clock.run(this.terminal[kind](request, signal));
    } finally {
      stop();
      this.devices.reader.remove();
      this.devices.pinPad.forget();
    }
  }

  /** A hand that presents the first card now, and the next each time a card is asked for again. */
  #presentInTurn(presentations: Presentation[]): () => void {
    let hand: Timer | undefined;
    const stop = this.trace.subscribe((event) => {
      if (event.kind !== 'state' || event.part !== 'terminal' || event.to !== 'awaiting card') return;
      hand = this.clock.after(HAND_MS, () => {
        const next = presentations.shift();
        if (next !== undefined) this.#present(next);
      });
    });
    return () => {
      hand?.cancel();
      stop();
    };
  }

  #present(presentation: Presentation): void {
    if (typeof presentation === 'function') {
      presentation(this);
      return;
    }
    const { reader } = this.devices;
    const { card, by = 'insert', mute = false } = presentation;
    reader.remove();
    if (by === 'swipe') reader.swipe(this.card(card));
    else reader[by](this.card(card), { mute });
  }
}
