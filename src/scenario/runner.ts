import { PowerCut, type PowerPoint } from '../app.ts';
import { parseAmount } from '../platform/money.ts';
import type { RecoveryReport } from '../terminal/recovery.ts';
import type { TransactionResult } from '../terminal/result.ts';
import { checkExpectation, type Settlement, type StepFacts } from './expectations.ts';
import { type CardAction, durationMs, type Scenario, type ScenarioStep } from './schema.ts';
import { type DayTotals, dayTotals } from './totals.ts';
import { World } from './world.ts';

export interface StepReport {
  /** From 1. */
  readonly number: number;
  readonly name: string;
  readonly action: string;
  /** What it came to, in a word. */
  readonly outcome: string;
  /** Why, as the operator is told. */
  readonly reason?: string;
  /** One sentence each; none when all was as expected. */
  readonly failures: readonly string[];
  /** Slips printed in this step. */
  readonly slips: readonly (readonly string[])[];
}

export interface ScenarioReport {
  readonly file: string;
  readonly name: string;
  readonly passed: boolean;
  readonly steps: readonly StepReport[];
  readonly day: DayTotals;
}

export interface RunnerEvents {
  /** @param of how many steps are played in all, repetitions counted */
  stepStarted?(number: number, of: number, step: ScenarioStep): void;
  stepDone?(report: StepReport, of: number): void;
}

/**
 * Plays a scenario on a data folder. Steps after a failed one are still played: their reports say what follows
 * from it.
 * @param kept the folder outlives the run: host and cards are kept in it too
 * @param keysMarked somebody said that the keys of the terminal file are test keys
 */
export async function playScenario(
  scenario: Scenario,
  folder: string,
  events: RunnerEvents = {},
  kept = false,
  keysMarked = false,
): Promise<ScenarioReport> {
  const world = await World.start(scenario, folder, kept, keysMarked);
  try {
    const reports: StepReport[] = [];
    const run = new ScenarioRun(world);
    const steps = scenario.steps.flatMap((step) => Array<ScenarioStep>(step.repeat).fill(step));
    for (const [index, step] of steps.entries()) {
      events.stepStarted?.(index + 1, steps.length, step);
      const report = await run.play(index + 1, step);
      reports.push(report);
      events.stepDone?.(report, steps.length);
    }
    const passed = reports.every((report) => report.failures.length === 0);
    return { file: scenario.file, name: scenario.name, passed, steps: reports, day: dayTotals(world) };
  } finally {
    await world.close();
  }
}

/** What a step came to by itself; what was seen around it is added. */
type StepOutcome = Omit<StepFacts, 'slips' | 'screens' | 'prompts'>;

/** How long a hand takes to present a card. */
const HAND_MS = 1000;

class ScenarioRun {
  readonly #world: World;
  readonly #invoices = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  async play(number: number, step: ScenarioStep): Promise<StepReport> {
    const { printer, display, pinPad } = this.#world.devices;
    const slipsBefore = printer.slips.length;
    const lastScreen = display.history.at(-1);
    const promptsBefore = pinPad.prompts.length;
    const facts = await this.#act(step);
    const slips = printer.slips.slice(slipsBefore);
    const seen: StepFacts = {
      ...facts,
      slips,
      screens: display.history.slice(
        lastScreen === undefined ? 0 : display.history.lastIndexOf(lastScreen) + 1,
      ),
      prompts: pinPad.prompts.slice(promptsBefore).map(({ hint }) => hint ?? 'enter-pin'),
    };
    if (step.name !== undefined && facts.record !== undefined)
      this.#invoices.set(step.name, facts.record.invoice);
    return {
      number,
      name: step.name ?? actionOf(step),
      action: actionOf(step),
      outcome: facts.outcome,
      ...(facts.reason === undefined ? {} : { reason: facts.reason }),
      failures: checkExpectation(step.expect, seen, this.#world),
      slips,
    };
  }

  async #act(step: ScenarioStep): Promise<StepOutcome> {
    const world = this.#world;
    if (step.sale !== undefined) return this.#cardStep('sale', step.sale);
    if (step.refund !== undefined) return this.#cardStep('refund', step.refund);
    if (step.void !== undefined)
      return transactionFacts(await world.clock.run(world.terminal.void(this.#invoiceOf(step.void))));
    if (step.settle !== undefined) {
      const cut = step.settle === true ? undefined : step.settle.powerCut;
      return this.#withCut(cut, async () => settlementFacts(await world.clock.run(world.terminal.settle())));
    }
    if (step.host !== undefined) this.#instructHost(step.host);
    if (step.line !== undefined) world.line.up = step.line === 'up';
    if (step.power !== undefined) return recoveryFacts(await world.powerCycle());
    if (step.advance !== undefined) await world.clock.advance(durationMs(step.advance));
    return { outcome: 'done' };
  }

  async #cardStep(kind: 'sale' | 'refund', action: CardAction): Promise<StepOutcome> {
    const world = this.#world;
    const { reader, pinPad } = world.devices;
    const request = {
      amountMinor: parseAmount(action.amount, world.settings.currency.exponent),
      ...(action.forceOnline === undefined ? {} : { forceOnline: action.forceOnline }),
    };
    for (const pin of [action.pin ?? []].flat()) pinPad.type(pin === 'cancel' ? 'C' : `${pin}E`);
    if (action.tearAt !== undefined) reader.tearAt(action.tearAt);
    const presentations = [action, ...(action.next ?? [])];
    const stop = this.#presentInTurn(presentations);
    try {
      return await this.#withCut(action.powerCut, async () =>
        transactionFacts(await world.clock.run(world.terminal[kind](request))),
      );
    } finally {
      stop();
      reader.remove();
      pinPad.forget();
      world.keepCards();
    }
  }

  #instructHost(order: NonNullable<ScenarioStep['host']>): void {
    const { host } = this.#world;
    if (typeof order === 'object') {
      host.setAnswer(order.answer);
      return;
    }
    host.setLine(order);
    if (order === 'up') host.clearAnswers();
  }

  /** A hand that presents the first card now and the next each time the terminal asks for a card again. */
  #presentInTurn(presentations: readonly Pick<CardAction, 'card' | 'by' | 'mute'>[]): () => void {
    const { clock, devices } = this.#world;
    let next = 0;
    const present = () => {
      const presentation = presentations[next++];
      if (presentation === undefined) return;
      devices.reader.remove();
      const options = presentation.mute === true ? { mute: true } : {};
      const card = this.#world.card(presentation.card);
      if (presentation.by === 'insert') devices.reader.insert(card, options);
      else if (presentation.by === 'tap') devices.reader.tap(card, options);
      else devices.reader.swipe(card);
    };
    return this.#world.trace.subscribe(
      (event) => {
        if (event.kind === 'state' && event.part === 'terminal' && event.to === 'awaiting card') {
          clock.after(HAND_MS, present);
        }
      },
      ['state'],
    );
  }

  /** Plays `work`; when the power fails in it, the terminal is switched on again and recovers. */
  async #withCut<T extends { outcome: string }>(
    cut: { before: PowerPoint; count: number } | undefined,
    work: () => Promise<T>,
  ): Promise<T | ReturnType<typeof recoveryFacts>> {
    if (cut === undefined) return work();
    const world = this.#world;
    const rowsBefore = world.terminal.context.journal.transactions.list().length;
    world.armPowerCut(cut.before, cut.count);
    try {
      return await work();
    } catch (cause) {
      if (!(cause instanceof PowerCut)) throw cause;
      const recovery = await world.powerCycle();
      const record = world.terminal.context.journal.transactions.list()[rowsBefore];
      return recoveryFacts(recovery, record);
    } finally {
      world.disarmPowerCut();
    }
  }

  #invoiceOf(reference: number | string): number {
    return typeof reference === 'number' ? reference : (this.#invoices.get(reference) ?? 0);
  }
}

function actionOf(step: ScenarioStep): string {
  const { name: _, repeat: __, expect: ___, ...action } = step;
  return Object.keys(action)[0] ?? '';
}

function transactionFacts(result: TransactionResult) {
  return {
    outcome: result.code,
    reason: result.reason,
    ...(result.record === undefined ? {} : { record: result.record }),
  };
}

function settlementFacts(settlement: Settlement) {
  return {
    outcome: settlement.kind,
    ...(settlement.kind === 'failed' ? { reason: settlement.reason } : {}),
    settlement,
  };
}

/** @param record the transaction that the power cut met, as recovery left it */
function recoveryFacts(recovery: RecoveryReport, record?: StepFacts['record']) {
  return { outcome: 'powerCut', recovery, ...(record === undefined ? {} : { record }) };
}
