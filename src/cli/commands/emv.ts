import * as z from 'zod';
import { type CardFile, cardPath, createCard, loadCard, powerCard } from '../../app.ts';
import { runContact } from '../../emv/contact/run.ts';
import { runContactless } from '../../emv/contactless/entry-point.ts';
import { DataStore } from '../../emv/data-store.ts';
import { emvDocument } from '../../emv/document.ts';
import { createRecord, type KeptRecord } from '../../emv/record.ts';
import {
  type Candidate,
  type EmvResult,
  type EmvServices,
  type OutcomeCode,
  PHASES,
  type PhaseName,
  type TransactionParameters,
} from '../../emv/transaction.ts';
import { fromHex, isHex, toHex } from '../../platform/bytes.ts';
import { dateParts, NEVER, realClock } from '../../platform/clock.ts';
import { loadConfig } from '../../platform/config.ts';
import { EXIT, PossumError } from '../../platform/errors.ts';
import { fixturePath } from '../../platform/fixtures.ts';
import { parseAmount } from '../../platform/money.ts';
import { seededRandom, systemRandom } from '../../platform/random.ts';
import { loadEmvConfig } from '../../terminal/config.ts';
import { hostAnswer } from '../emv/host-answer.ts';
import { scriptedPin } from '../emv/pin.ts';
import { emvStory } from '../emv/story.ts';
import { about } from '../failure.ts';
import { printJson, printText } from '../output.ts';
import { command, Option, runCommand } from '../program.ts';

interface Options {
  readonly card: string;
  readonly terminal?: string;
  readonly amount: string;
  readonly other?: string;
  readonly type: string;
  readonly interface?: 'contact' | 'contactless';
  readonly date?: string;
  readonly time?: string;
  readonly un?: string;
  readonly pin?: string;
  readonly choose?: string;
  readonly log?: string;
  readonly host: string;
  readonly until?: PhaseName;
  readonly seed?: string;
  readonly json?: boolean;
}

/** `possum emv` */
export async function main(argv: readonly string[]): Promise<number> {
  const program = command({
    name: 'emv',
    summary:
      'Runs one transaction through the kernel: no journal, no network, no keys. Every outcome exits 0.',
    examples: [
      'possum emv --card visa-credit --amount 10.00 --pin 1234',
      'possum emv --card my-card.yaml --terminal my-terminal.yaml --amount 10.00 --host decline --json',
      'possum emv --card sda --amount 10.00 --seed 1 --un 01020304 --date 2026-11-21 --until oda',
    ],
  })
    .requiredOption('--card <file>', 'card file, or a shipped card by name')
    .option('--terminal <file>', 'terminal file (the demo terminal when absent)')
    .requiredOption('--amount <amount>', 'amount authorised, e.g. 10.00')
    .option('--other <amount>', 'cashback amount, tag 9F03')
    .option('--type <hex>', 'transaction type, tag 9C', '00')
    .addOption(
      new Option('--interface <side>', 'side of a card that has both').choices(['contact', 'contactless']),
    )
    .option('--date <date>', 'YYYY-MM-DD, today when absent')
    .option('--time <time>', 'hh:mm:ss; now when absent, 12:00:00 with --date')
    .option('--un <hex>', 'the first unpredictable number')
    .option('--pin <digits>', 'what the cardholder types when a PIN is asked for (a published test PIN)')
    .option(
      '--choose <application>',
      'which of several applications: its AID, or its number in the list from 1',
    )
    .option('--log <file>', 'list of earlier amounts of the same card (YAML or JSON)')
    .option('--host <answer>', 'approve, decline, refer, unable, or a file {arc, tags}', 'approve')
    .addOption(
      new Option('--until <phase>', 'stop after this phase; the outcome is STOPPED').choices([...PHASES]),
    )
    .option('--seed <number>', 'makes the random numbers repeatable')
    .option('--json', 'print the JSON document')
    .action(run);
  return runCommand(program, argv, () => EXIT.done);
}

async function run(options: Options): Promise<void> {
  const { emv, currency } = loadEmvConfig(options.terminal ?? fixturePath('terminals', 'demo.yaml'));
  const path = cardPath(options.card);
  const file = loadCard(path);
  const parameters = parametersOf(options, currency.exponent);
  const random = options.seed === undefined ? systemRandom() : seededRandom(seedOf(options.seed));
  const choice = options.choose === undefined ? undefined : choiceOf(options.choose);
  const clock = realClock();
  const card = about(path, () => createCard(file, { random }));
  const side = options.interface ?? (card.contact === undefined ? 'contactless' : 'contact');
  const record = createRecord(side);
  const earlierMinor = options.log === undefined ? 0 : sumOf(options.log, currency.exponent);
  const answer = hostAnswer(options.host, file);
  const channel = await powerCard(card, side, clock);
  const services: Omit<EmvServices, 'channel'> = {
    config: emv,
    random,
    clock,
    signal: NEVER,
    pin: scriptedPin(pinOf(options.pin), random),
    record,
    chooseApplication: async (candidates) => chosen(candidates, choice),
    recentAmountMinor: () => earlierMinor,
    authorise: async (request) => answer(request),
    ...(options.until === undefined ? {} : { until: options.until }),
    ...(options.un === undefined ? {} : { fixedUnpredictableNumber: hexOption('--un', options.un, 4) }),
  };
  const kernel = side === 'contact' ? runContact : runContactless;
  const result =
    channel === undefined ? withoutChip(file, record) : await kernel(parameters, { ...services, channel });
  const document = emvDocument(stoppedAfter(options.until, result, record), record);
  if (options.json === true) printJson(document);
  else printText(emvStory(document));
}

function parametersOf(options: Options, exponent: number): TransactionParameters {
  const now = dateParts(realClock().now());
  const date = options.date ?? now.isoDate;
  // Whoever states the date wants the same run again.
  const time = options.time ?? (options.date === undefined ? now.isoTime : '12:00:00');
  if (!/^\d{4}-\d\d-\d\d$/.test(date) || Number.isNaN(Date.parse(`${date}T00:00:00Z`)))
    throw wrong('--date', date, 'YYYY-MM-DD');
  if (!/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$/.test(time)) throw wrong('--time', time, 'hh:mm:ss');
  return {
    amountMinor: parseAmount(options.amount, exponent),
    otherMinor: options.other === undefined ? 0 : parseAmount(options.other, exponent),
    transactionType: hexOption('--type', options.type, 1)[0] as number,
    dateYymmdd: date.slice(2).replaceAll('-', ''),
    timeHhmmss: time.replaceAll(':', ''),
    sequence: 1,
  };
}

const logSchema = z.array(
  z
    .union([z.string(), z.number()])
    .transform(String)
    .refine((text) => /^\d{1,12}(\.\d+)?$/.test(text), { error: 'must be an amount, e.g. 10.00' }),
);

function sumOf(file: string, exponent: number): number {
  const amounts = loadConfig(file, () => logSchema as z.ZodType<string[]>);
  return amounts.reduce((sum, amount) => sum + parseAmount(amount, exponent), 0);
}

/** Outcomes by which a phase may end the transaction in order. */
const ENDS: readonly OutcomeCode[] = [
  'APPROVED_OFFLINE',
  'APPROVED_ONLINE',
  'DECLINED_OFFLINE',
  'DECLINED_ONLINE',
  'REFERRED',
];

/** A transaction that `until` was the last phase of stops there as well; the reason tells what it came to. */
function stoppedAfter(until: PhaseName | undefined, result: EmvResult, record: KeptRecord): EmvResult {
  const { code, reason } = result.outcome;
  if (until === undefined || !ENDS.includes(code)) return result;
  const isReached =
    until === 'online' ? result.onlineSent : record.decisions.some(({ phase }) => phase === until);
  if (!isReached) return result;
  return { ...result, outcome: { code: 'STOPPED', reason: `stopped after ${until}: ${code}, ${reason}` } };
}

function seedOf(text: string): string {
  if (!/^-?\d{1,15}$/.test(text)) throw wrong('--seed', text, 'a whole number');
  return text;
}

function choiceOf(text: string): string {
  if (!/^\d{1,3}$/.test(text) && !/^([0-9A-Fa-f]{2}){5,16}$/.test(text))
    throw wrong('--choose', text, 'an AID of 5 to 16 bytes in hex, or a number from 1');
  return text;
}

function chosen(candidates: readonly Candidate[], choice: string | undefined): number | undefined {
  if (choice === undefined) return 0;
  const byAid = candidates.findIndex(({ aid }) => toHex(aid) === choice.toUpperCase());
  if (byAid >= 0) return byAid;
  const number = /^\d{1,3}$/.test(choice) ? Number(choice) : 0;
  return number >= 1 && number <= candidates.length ? number - 1 : undefined;
}

/** A card without a chip on that side never meets a kernel. */
function withoutChip(file: CardFile, record: KeptRecord): EmvResult {
  const reason =
    file.kind === 'magstripe' ? 'the card has a stripe only' : 'the card does not have this interface';
  record.decision('selection', 'No chip', reason, 'EMV 4.3 Book 4, 11.2');
  return {
    outcome: { code: 'TRY_ANOTHER_INTERFACE', reason },
    candidates: [],
    data: new DataStore(),
    cvm: 'none',
    onlineSent: false,
    hostApprovedCardDeclined: false,
    fallbackAllowed: true,
  };
}

function pinOf(pin: string | undefined): string | undefined {
  if (pin !== undefined && !/^\d{4,12}$/.test(pin)) throw wrong('--pin', '…', '4 to 12 digits');
  return pin;
}

function hexOption(name: string, text: string, length: number): Uint8Array {
  if (!isHex(text) || text.length !== 2 * length)
    throw wrong(name, text, `${length} byte${length === 1 ? '' : 's'} in hex`);
  return fromHex(text);
}

function wrong(option: string, value: string, wanted: string): PossumError {
  return new PossumError('USAGE', `${option} ${value} is not ${wanted}`, {
    remedy: `Write it as ${wanted}.`,
  });
}
