import { EXIT } from '../../platform/errors.ts';
import { addMachineOptions, type MachineOptions, withMachine } from '../machine.ts';
import { printJson, printProgress, printText } from '../output.ts';
import { command, runCommand } from '../program.ts';

/** `possum settle` */
export async function main(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  const program = addMachineOptions(
    command({
      name: 'settle',
      summary:
        'Settles the open batch with the host and prints the end-of-day slip. Exits 1 when the host disagrees, 3 without a line.',
      examples: ['possum settle --data .possum/demo'],
    }),
  ).action(async (options: MachineOptions) => {
    await withMachine(options, async ({ terminal, devices }) => {
      const settlement = await terminal.settle(undefined, (step, done, of) => {
        if (of > 0) printProgress(`${step} ${done}/${of}`);
      });
      if (options.json === true) printJson(settlement);
      else if (settlement.kind === 'empty') printText('Nothing to settle.');
      else if (settlement.kind === 'failed') {
        printText(
          `Settlement failed: ${settlement.reason}${settlement.code === undefined ? '' : ` (${settlement.code})`}. The batch stays open; settle again.`,
        );
      }
      if (options.json !== true) for (const slip of devices.printer.slips) printText(slip.join('\n'));
      if (settlement.kind === 'failed') {
        code =
          settlement.reason === 'no-line' || settlement.reason === 'no-answer'
            ? EXIT.unavailable
            : EXIT.failed;
      }
    });
  });
  return runCommand(program, argv, () => code);
}
