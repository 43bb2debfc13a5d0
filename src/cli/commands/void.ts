import { EXIT, PossumError } from '../../platform/errors.ts';
import { isApproved } from '../../terminal/result.ts';
import { addMachineOptions, type MachineOptions, reportTransaction, withMachine } from '../machine.ts';
import { command, runCommand } from '../program.ts';

/** `possum void INVOICE` */
export async function main(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  const program = addMachineOptions(
    command({
      name: 'void',
      summary:
        'Takes an approved transaction of the open batch back, at its full amount. Exits 1 when it is refused.',
      examples: ['possum void 3'],
    }),
  )
    .argument('<invoice>', 'invoice number, see `possum txn list`')
    .action(async (invoice: string, options: MachineOptions) => {
      if (!/^\d{1,6}$/.test(invoice)) {
        throw new PossumError('USAGE', `"${invoice}" is no invoice number`, {
          remedy: 'See `possum txn list`.',
        });
      }
      await withMachine(options, async (machine) => {
        const result = await machine.terminal.void(Number(invoice));
        reportTransaction(machine, result, options.json === true);
        if (!isApproved(result)) code = EXIT.failed;
      });
    });
  return runCommand(program, argv, () => code);
}
