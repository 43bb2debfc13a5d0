import { EXIT } from '../../platform/errors.ts';
import { CATALOGUE } from '../catalogue.ts';

const COLUMN = 10;

/** `possum`, `possum --help`, `possum help`. */
export async function main(): Promise<number> {
  const commands = CATALOGUE.map(([name, summary]) => `  ${name.padEnd(COLUMN)}${summary}`).join('\n');
  process.stdout.write(
    `Possum plays POS: an emulated payment terminal, its cards and its host. TEST - NOT A PAYMENT.

Usage: possum COMMAND [options]

${commands}

  possum COMMAND --help shows the options of a command with an example.
  possum --version prints the version.
`,
  );
  return EXIT.done;
}

/** Tells that there is no such command, and which one may be meant. */
export function unknownCommand(name: string): number {
  const near = CATALOGUE.map(([known]) => known).find((known) => known.startsWith(name.slice(0, 2)));
  const hint = near === undefined ? '' : ` Did you mean \`possum ${near}\`?`;
  process.stderr.write(
    `possum: there is no command "${name.replace(/\p{Cc}/gu, '?')}".${hint} \`possum --help\` lists them.\n`,
  );
  return EXIT.usage;
}
