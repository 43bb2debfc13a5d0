import { EXIT } from '../platform/errors.ts';
import { parseAmount } from '../platform/money.ts';
import { isApproved } from '../terminal/result.ts';
import {
  addMachineOptions,
  type CardOptions,
  presentCard,
  reportTransaction,
  withMachine,
} from './machine.ts';
import { command, runCommand } from './program.ts';

/** A sale or refund from the command line: one card, one transaction, its slips. */
export async function cardStep(kind: 'sale' | 'refund', argv: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  const program = addMachineOptions(
    command({
      name: kind,
      summary: `One ${kind} with a card file on the data folder; prints the slips. Exits 1 when it is not approved.`,
      examples: [`possum ${kind} --card visa-credit --amount 10.00 --pin 1234`],
    }),
  )
    .requiredOption('--card <card>', 'a shipped card by name, or a card file')
    .requiredOption('--amount <amount>', 'e.g. 10.00')
    .option('--pin <digits>', 'what the cardholder types (a published test PIN)')
    .option('--by <way>', 'insert, tap or swipe')
    .action(async (options: CardOptions) => {
      await withMachine(options, async (machine) => {
        const amountMinor = parseAmount(options.amount, machine.settings.currency.exponent);
        presentCard(machine, options);
        const result = await machine.terminal[kind]({ amountMinor });
        reportTransaction(machine, result, options.json === true);
        if (!isApproved(result)) code = EXIT.failed;
      });
    });
  return runCommand(program, argv, () => code);
}
