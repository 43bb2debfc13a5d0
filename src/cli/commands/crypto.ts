import { EXIT } from '../../platform/errors.ts';
import { addCalculator } from '../crypto/calculator-command.ts';
import { CALCULATORS } from '../crypto/calculators.ts';
import { serveRequests } from '../crypto/ndjson.ts';
import { TOPICS } from '../crypto/topics.ts';
import { command, runCommand } from '../program.ts';

/** `possum crypto CALCULATOR [OPERATION] [options]`, `possum crypto --ndjson` */
export async function main(argv: readonly string[]): Promise<number> {
  const program = command({
    name: 'crypto',
    summary: 'Calculates with test keys: DUKPT, PIN blocks, MACs, key blocks, cryptograms, card values.',
    examples: [
      'possum crypto kcv --key 0123456789ABCDEFFEDCBA9876543210',
      'possum crypto dukpt --bdk 0123456789ABCDEFFEDCBA9876543210 --ksn FFFF9876543210E00001 --explain',
      `echo '{"id":1,"topic":"kcv","op":"kcv","key":"0123456789ABCDEF"}' | possum crypto --ndjson`,
    ],
  })
    .addHelpText('after', `\nTopics and operations of --ndjson:\n${operations()}`)
    .option('--ndjson', 'answer one JSON line for each request line of standard input, in order');
  for (const calculator of CALCULATORS) addCalculator(program, calculator);
  program.action(async ({ ndjson }: { ndjson?: boolean }) => {
    if (ndjson !== true) program.help({ error: true });
    await serveRequests();
  });
  return runCommand(program, argv, () => EXIT.done);
}

function operations(): string {
  return Object.entries(TOPICS)
    .map(([topic, names]) => `  ${topic.padEnd(16)}${Object.keys(names).join(', ')}`)
    .join('\n');
}
