import { type Clock, cancelled, until } from '../../src/platform/clock.ts';
import type { Printer, PrintLine, PrintOutcome } from '../../src/ports/index.ts';
import type { PrinterStatus } from './answers.ts';
import { type DeviceServices, EscposDevice, type Opened } from './device.ts';
import { type EscposLink, isReady, type Progress } from './link.ts';
import { encodeDrawerKick, encodeSlip, type SlipPart } from './slip.ts';

/** A slip printer that speaks ESC/POS on a byte stream. */
export interface EscposPrinter extends Printer {
  readonly isOnline: boolean;
  /** What the printer calls itself, if it does. */
  readonly name: string | undefined;
  /**
   * What came of the last slip. `unknown`: it may have come out although it failed, or the line has no answers; a
   * person looks before it is printed again.
   */
  readonly lastSlip: 'none' | 'printed' | 'not printed' | 'unknown';
  /**
   * Opens the line and asks the printer who and how it is. From then on the driver keeps a heartbeat and opens the
   * line again when it was lost; a printer that gives another name is refused. One without paper is opened, too.
   * @param deadlineMs a reading of the wire's clock
   * @throws PossumError `CANCELLED` when `signal` is aborted, `STATE` when it is open already or was closed
   */
  open(signal: AbortSignal, deadlineMs: number): Promise<Opened>;
  /**
   * Prints text, pictures and codes.
   * @param deadlineMs a reading of the business clock
   * @throws PossumError `CANCELLED` when `signal` is aborted, `USAGE` for a part that cannot be printed
   */
  printParts(parts: readonly SlipPart[], signal: AbortSignal, deadlineMs: number): Promise<PrintOutcome>;
  /** Opens the cash drawer, at most once; `printed` when the printer took the command. */
  openDrawer(signal: AbortSignal, deadlineMs: number): Promise<PrintOutcome>;
  /** Asks now; `undefined` when there is no answer. @throws PossumError `CANCELLED` when `signal` is aborted */
  status(signal: AbortSignal): Promise<PrinterStatus | undefined>;
  /** Nothing is opened again. */
  close(): Promise<void>;
}

export function createEscposPrinter(services: DeviceServices): EscposPrinter {
  return new DrivenPrinter(services);
}

type FailedOutcome = Extract<PrintOutcome, { readonly kind: 'failed' }>;

class DrivenPrinter implements EscposPrinter {
  readonly columns: number;
  readonly #clock: Clock;
  readonly #device: EscposDevice;
  #lastSlip: EscposPrinter['lastSlip'] = 'none';
  #turn: Promise<unknown> = Promise.resolve();
  #users = 0;

  constructor(services: DeviceServices) {
    this.#clock = services.clock;
    this.#device = new EscposDevice(services, () => this.#users === 0);
    this.columns = this.#device.settings.columns;
  }

  get isOnline(): boolean {
    return this.#device.link !== undefined;
  }

  get name(): string | undefined {
    return this.#device.name;
  }

  get lastSlip(): EscposPrinter['lastSlip'] {
    return this.#lastSlip;
  }

  open(signal: AbortSignal, deadlineMs: number): Promise<Opened> {
    return this.#device.open(signal, deadlineMs);
  }

  close(): Promise<void> {
    return this.#device.close();
  }

  print(lines: readonly PrintLine[], signal: AbortSignal, deadlineMs: number): Promise<PrintOutcome> {
    const parts = lines.map((line): SlipPart => ({ kind: 'line', line }));
    return this.printParts([...parts, { kind: 'cut' }], signal, deadlineMs);
  }

  async printParts(
    parts: readonly SlipPart[],
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<PrintOutcome> {
    const pieces = encodeSlip(parts, this.#device.settings);
    return this.#inTurn(signal, deadlineMs, async (wireDeadlineMs) => {
      this.#lastSlip = 'not printed';
      return this.#run(pieces, signal, wireDeadlineMs, (result) => {
        this.#lastSlip = result;
      });
    });
  }

  openDrawer(signal: AbortSignal, deadlineMs: number): Promise<PrintOutcome> {
    const pieces = [encodeDrawerKick(this.#device.settings)];
    return this.#inTurn(signal, deadlineMs, (wireDeadlineMs) =>
      this.#run(pieces, signal, wireDeadlineMs, () => {}),
    );
  }

  async status(signal: AbortSignal): Promise<PrinterStatus | undefined> {
    const { link, settings, wire } = this.#device;
    if (link === undefined || !settings.answers) return undefined;
    let status: PrinterStatus | undefined;
    await this.#inTurn(signal, this.#clock.now() + settings.openMs, async () => {
      status = await until(wire, wire.now() + settings.openMs, link.status(signal), signal);
      return { kind: 'printed' };
    });
    return status;
  }

  /** One slip after the other. `work` is given the deadline as a reading of the wire's clock. */
  async #inTurn(
    signal: AbortSignal,
    deadlineMs: number,
    work: (wireDeadlineMs: number) => Promise<PrintOutcome>,
  ): Promise<PrintOutcome> {
    if (signal.aborted) throw cancelled();
    const { wire } = this.#device;
    const wireDeadlineMs = wire.now() + Math.max(deadlineMs - this.#clock.now(), 0);
    const before = this.#turn;
    let finish = () => {};
    const own = new Promise<void>((resolve) => {
      finish = resolve;
    });
    this.#turn = before.then(() => own);
    this.#users++;
    try {
      const turn = await until(
        wire,
        wireDeadlineMs,
        before.then(() => 'come' as const),
        signal,
      );
      return turn === 'come' ? await work(wireDeadlineMs) : failed('timeout');
    } finally {
      this.#users--;
      finish();
    }
  }

  async #run(
    pieces: readonly Uint8Array[],
    signal: AbortSignal,
    deadlineMs: number,
    tell: (result: 'printed' | 'unknown') => void,
  ): Promise<PrintOutcome> {
    const { link, settings } = this.#device;
    if (link === undefined) return failed('offline');
    const refusal = settings.answers ? await this.#refusal(link, signal, deadlineMs) : undefined;
    if (refusal !== undefined) return refusal;
    tell('unknown');
    const progress = await this.#deliver(link, pieces, signal, deadlineMs);
    if (progress.kind !== 'done') return this.#failure(link, progress);
    if (settings.answers) tell('printed');
    return { kind: 'printed' };
  }

  async #deliver(
    link: EscposLink,
    pieces: readonly Uint8Array[],
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<Progress> {
    const { settings, wire } = this.#device;
    let end: Progress = { kind: 'silent' };
    try {
      const sent = await link.send(pieces, signal, deadlineMs);
      end =
        sent.kind === 'done' && settings.answers
          ? await link.printed(signal, Math.min(deadlineMs, wire.now() + settings.jobMs))
          : sent;
      return end;
    } finally {
      if (end.kind !== 'done') await this.#abandon(link, end);
    }
  }

  /** Why a slip cannot be begun. */
  async #refusal(
    link: EscposLink,
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<PrintOutcome | undefined> {
    const { wire } = this.#device;
    const status = await until(wire, deadlineMs, link.status(signal), signal);
    if (status === undefined) {
      if (wire.now() >= deadlineMs) return failed('timeout');
      this.#device.lose(link, 'the printer does not answer');
      return failed('offline');
    }
    if (!isReady(status)) return failed(reasonOf(status));
    const settled = await link.settle(signal, deadlineMs);
    return settled.kind === 'done' ? undefined : this.#failure(link, settled);
  }

  /** A slip that failed must not come out when somebody puts paper in. */
  async #abandon(link: EscposLink, progress: Progress): Promise<void> {
    const { answers, clears } = this.#device.settings;
    if (answers && clears && progress.kind !== 'lost') await link.clear();
  }

  #failure(link: EscposLink, progress: Exclude<Progress, { readonly kind: 'done' }>): PrintOutcome {
    if (progress.kind === 'stopped') return failed(reasonOf(progress.status));
    if (progress.kind === 'silent') {
      if (link.isStalled) this.#device.lose(link, 'the printer takes nothing');
      return failed('timeout');
    }
    this.#device.lose(link, 'the line is gone');
    return failed('offline');
  }
}

function failed(reason: FailedOutcome['reason']): PrintOutcome {
  return { kind: 'failed', reason };
}

function reasonOf({ paper, error }: PrinterStatus): FailedOutcome['reason'] {
  if (paper === 'out') return 'paper-out';
  return error ? 'fault' : 'offline';
}
