import { EXIT } from '../platform/errors.ts';
import { parseAmount } from '../platform/money.ts';
import { resolveData } from './data-folder.ts';
import { checkHand, type HandOptions, presentCard, WAYS } from './hand.ts';
import { addMachineOptions, type MachineOptions, reportTransaction, withMachine } from './machine.ts';
import { printProgress } from './output.ts';
import { command, Option, runCommand } from './program.ts';

interface Options extends MachineOptions, HandOptions {
  readonly amount: string;
}

/** A sale or refund from the command line: one card, one transaction, its slips. */
export async function cardStep(kind: 'sale' | 'refund', argv: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  const program = addMachineOptions(
    command({
      name: kind,
      summary: `One ${kind} with a card file on the data folder; prints the slips. Exits 1 when it is not approved, 3 when that is for want of a line.`,
      examples: [
        `possum ${kind} --card visa-credit --amount 10.00 --pin 1234`,
        `possum ${kind} --card visa-contactless --amount 8.50 --by tap --host 127.0.0.1:8583 --json`,
      ],
    }),
  )
    .requiredOption('--card <card>', 'a shipped card by name, or a card file')
    .requiredOption('--amount <amount>', 'e.g. 10.00')
    .option('--pin <digits>', 'what the cardholder types (a published test PIN); passed over when absent')
    .addOption(new Option('--by <way>', 'how it is presented (as the card allows)').choices([...WAYS]))
    .action(async (options: Options) => {
      const data = resolveData(options);
      const amountMinor = parseAmount(options.amount, data.settings.currency.exponent);
      checkHand(options);
      await withMachine(data, options, async (machine) => {
        const result = await machine.terminal[kind]({ amountMinor }, presentCard(machine, options));
        code = reportTransaction(machine, result, options.json === true);
        if (options.pin === undefined && machine.devices.pinPad.prompts.length > 0)
          printProgress('The terminal asked for a PIN; --pin gives one.');
      });
    });
  return runCommand(program, argv, () => code);
}
