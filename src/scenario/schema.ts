import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { answerRuleSchema } from '../host/config.ts';
import { dateParts } from '../platform/clock.ts';
import { loadConfig } from '../platform/config.ts';
import { lazily } from '../platform/lazily.ts';
import { brokenReferences } from './references.ts';

/** A scenario file: a list of steps, each one action and what is expected of it. */

const amount = lazily(() =>
  z
    .union([z.string(), z.number()])
    .transform(String)
    .refine((text) => /^\d{1,12}(\.\d+)?$/.test(text), { error: 'must be an amount, e.g. 10.00' }),
);

/** What customers owe: negative when they got more than they paid. */
const balance = lazily(() =>
  z
    .union([z.string(), z.number()])
    .transform(String)
    .refine((text) => /^-?\d{1,12}(\.\d+)?$/.test(text), { error: 'must be an amount, e.g. 10.00' }),
);
/** Digits, with `B` for clear, `C` for cancel and `E` for enter in between; none pass the PIN over. */
const pinKeys = lazily(() =>
  z
    .union([z.string(), z.int().nonnegative()])
    .transform(String)
    .refine((keys) => /^([\dBCE]*|cancel)$/.test(keys), { error: 'must be digits, or cancel' }),
);

// One of each serves all keys: making a schema costs more than using it.
const text = lazily(() => z.string().optional());
const texts = lazily(() => z.array(z.string()).optional());
const count = lazily(() => z.int().min(0).optional());
const flag = lazily(() => z.boolean().optional());

/** Where the power fails inside a step: before the n-th point of a kind. */
const powerCut = lazily(() =>
  z.strictObject({
    before: z.enum(['sql', 'dial', 'write', 'read', 'apdu', 'print']),
    count: z.int().min(1).default(1),
  }),
);

const cardAction = lazily(() =>
  z.strictObject({
    amount: amount(),
    /** A shipped card by name, or a file relative to the scenario. */
    card: z.string(),
    by: z.enum(['insert', 'tap', 'swipe']).default('insert'),
    /** Digits of one entry, or of several, one after the other; `cancel` presses cancel. */
    pin: z.union([pinKeys(), z.array(pinKeys())]).optional(),
    forceOnline: flag(),
    /** Nothing answers when the chip is powered. */
    mute: flag(),
    /** The card is pulled at this command, counted from 0. */
    tearAt: count(),
    /** What else is presented when the terminal asks again, one after the other. */
    next: z
      .array(
        z.strictObject({
          card: z.string(),
          by: z.enum(['insert', 'tap', 'swipe']).default('insert'),
          mute: flag(),
        }),
      )
      .optional(),
    powerCut: powerCut().optional(),
  }),
);

const totals = lazily(() => z.strictObject({ count: count(), amount: amount().optional() }));

const expectation = lazily(() =>
  z.strictObject({
    /** Outcome of a sale, refund or void; `settled`, `failed` or `empty` of a settlement; `powerCut` of a cut. */
    outcome: text(),
    /** A text in the reason that the operator is told. */
    reason: text(),
    /** Field 39: of the transaction, or of a settlement that failed. */
    response: z
      .union([z.string(), z.int().min(0)])
      .transform((code) => String(code).padStart(2, '0'))
      .optional(),
    /** State of the row. */
    state: text(),
    online: flag(),
    /** What the host has of this transaction. */
    host: z.enum(['approved', 'declined', 'voided', 'reversed', 'none']).optional(),
    /** Texts that stand on the slips of this step, each in one line; columns may be any number of spaces apart. */
    receipt: texts(),
    /** How many slips were printed in this step. */
    slips: count(),
    /** Texts that were shown to the customer in this step. */
    screen: texts(),
    /** What the PIN pad asked for in this step, in order. */
    prompts: z.array(z.enum(['enter-pin', 'wrong-pin', 'last-try'])).optional(),
    sales: totals().optional(),
    refunds: totals().optional(),
    uploaded: count(),
    /** Messages that still wait for the host. */
    waiting: count(),
    /** Transactions that boot found interrupted. */
    interrupted: count(),
    /** The batch that is not closed: `must-settle` once its settlement has begun, `none` before the first sale. */
    batch: z.enum(['none', 'open', 'must-settle']).optional(),
    /** What customers were charged by the host's ledger, less what they got back. */
    ledger: balance().optional(),
    /** The host's ledger adds up and agrees with the terminal's totals. */
    balanced: flag(),
  }),
);

const ACTIONS = ['sale', 'refund', 'void', 'settle', 'host', 'line', 'power', 'advance', 'check'] as const;

const step = lazily(() =>
  z
    .strictObject({
      name: text(),
      sale: cardAction().optional(),
      refund: cardAction().optional(),
      /** An invoice number, or the name of an earlier step. */
      void: z.union([z.int().min(1), z.string()]).optional(),
      settle: z.union([z.literal(true), z.strictObject({ powerCut: powerCut().optional() })]).optional(),
      /**
       * The host: `down` hangs up at once, `silent` never answers, `up` forgets scripted answers too; or how it
       * answers from now on: the next request, or all that match.
       */
      host: z
        .union([z.enum(['up', 'down', 'silent']), z.strictObject({ answer: answerRuleSchema() })])
        .optional(),
      /** The cable to the host. */
      line: z.enum(['up', 'down']).optional(),
      power: z.literal('cut').optional(),
      /** `90s`, `15m`, `2h`, `1d` */
      advance: z
        .string()
        .regex(/^\d+(ms|s|m|h|d)$/, { error: 'must be a number with ms, s, m, h or d' })
        .optional(),
      /** No action: only looks. */
      check: z.literal(true).optional(),
      /** How often the step is played, one after the other. */
      repeat: z.int().min(1).max(100_000).default(1),
      expect: expectation().optional(),
    })
    .refine((value) => ACTIONS.filter((action) => value[action] !== undefined).length === 1, {
      error: `a step has exactly one of ${ACTIONS.join(', ')}`,
    }),
);

export const scenarioSchema = lazily(() =>
  z.strictObject({
    kind: z.literal('scenario').optional(),
    name: z.string(),
    description: text(),
    /** Files, relative to this one; the demo's when absent. */
    terminal: text(),
    host: text(),
    /** First reading of the clock. */
    start: z
      .string()
      .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/, { error: 'must be YYYY-MM-DDThh:mm:ss' })
      .refine(isMoment, { error: 'there is no such day or time' })
      .default('2026-11-21T09:00:00'),
    seed: z.union([z.int(), z.string()]).default(1),
    steps: z.array(step()).min(1),
  }),
);

export type ScenarioFile = z.output<ReturnType<typeof scenarioSchema>>;
export type ScenarioStep = ScenarioFile['steps'][number];
export type CardAction = z.output<ReturnType<typeof cardAction>>;
export type Expectation = z.output<ReturnType<typeof expectation>>;

/** A scenario with its paths resolved. */
export interface Scenario extends ScenarioFile {
  readonly file: string;
  resolve(path: string): string;
}

/**
 * Reads a scenario.
 * @throws PossumError `CONFIG` with file, line and a hint, also for a card or an earlier step that does not exist
 */
export function loadScenario(file: string): Scenario {
  const folder = dirname(file);
  const schema = scenarioSchema().superRefine((value, context) => {
    for (const broken of brokenReferences(value.steps, folder))
      context.addIssue({ code: 'custom', ...broken });
  });
  const scenario = loadConfig<ScenarioFile>(file, () => schema as z.ZodType<ScenarioFile>);
  return { ...scenario, file, resolve: (path) => resolve(folder, path) };
}

/** JSON Schema of scenario files. */
export function scenarioJsonSchema(): unknown {
  return z.toJSONSchema(scenarioSchema(), { io: 'input', unrepresentable: 'any' });
}

function isMoment(text: string): boolean {
  const ms = Date.parse(`${text}Z`);
  return !Number.isNaN(ms) && dateParts(ms).isoDate === text.slice(0, 10);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `90s`, `15m` … */
export function durationMs(text: string): number {
  const [, count = '0', unit = 'ms'] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  return Number(count) * (UNITS[unit] ?? 1);
}
