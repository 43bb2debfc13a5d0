import { EXIT } from '../../platform/errors.ts';
import { resolveData } from '../data-folder.ts';
import { addMachineOptions, type MachineOptions, withMachine } from '../machine.ts';
import { printJson, printProgress, printText } from '../output.ts';
import { command, runCommand } from '../program.ts';

const REASONS = {
  'no-line': 'the host could not be reached',
  'no-answer': 'the host did not answer',
  outbox: 'what waits for the host could not be sent',
  refused: 'the host refused it',
  'upload-refused': 'the host refused a record of the upload',
  'still-different': 'the host still differs after the upload',
} as const;

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
    await withMachine(resolveData(options), options, async ({ terminal, devices, signal }) => {
      const settlement = await terminal.settle(signal, (step, done, of) => {
        if (of > 0) printProgress(`${step} ${done}/${of}`);
      });
      if (options.json === true) printJson(settlement);
      else if (settlement.kind === 'empty') printText('Nothing to settle.');
      else if (settlement.kind === 'failed') {
        const code = settlement.code === undefined ? '' : ` (${settlement.code})`;
        printText(
          `Settlement failed: ${REASONS[settlement.reason]}${code}. The batch stays open; settle again.`,
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
