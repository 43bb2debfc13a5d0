import { EXIT } from '../../platform/errors.ts';
import { invoiceNumber } from '../arguments.ts';
import { resolveData } from '../data-folder.ts';
import { addMachineOptions, type MachineOptions, reportTransaction, withMachine } from '../machine.ts';
import { command, runCommand } from '../program.ts';

/** `possum void INVOICE` */
export async function main(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  const program = addMachineOptions(
    command({
      name: 'void',
      summary:
        'Takes an approved transaction of the open batch back, at its full amount. Exits 1 when it is refused, 3 when that is for want of a line.',
      examples: ['possum void 3'],
    }),
  )
    .argument('<invoice>', 'invoice number, see `possum txn list`', invoiceNumber)
    .action(async (invoice: number, options: MachineOptions) => {
      await withMachine(resolveData(options), options, async (machine) => {
        const result = await machine.terminal.void(invoice, machine.signal);
        code = reportTransaction(machine, result, options.json === true);
      });
    });
  return runCommand(program, argv, () => code);
}
