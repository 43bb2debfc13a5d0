import { Command, CommanderError, Option } from 'commander';
import { EXIT } from '../platform/errors.ts';
import { printProgress } from './output.ts';

export { Command, Option };

export interface CommandText {
  readonly name: string;
  readonly summary: string;
  /** Shown below the options, without the prompt sign. */
  readonly examples: readonly string[];
}

/** A command with the manners of all: examples in its help, errors instead of exits. */
export function command({ name, summary, examples }: CommandText): Command {
  return new Command(`possum ${name}`)
    .description(summary)
    .helpOption('-h, --help', 'show this help')
    .addHelpText(
      'after',
      `\nExample${examples.length > 1 ? 's' : ''}:\n${examples.map((line) => `  ${line}`).join('\n')}`,
    )
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      outputError: (text) => printProgress(`possum: ${text.replace(/^error: /, '').trimEnd()}`),
    })
    .showHelpAfterError(`See \`possum ${name} --help\`.`)
    .exitOverride();
}

/**
 * Parses `argv` and runs the action.
 * @param exitCode what the action came to
 * @returns 0 after `--help`, 2 for a wrong option or argument (it has been told by then)
 */
export async function runCommand(
  program: Command,
  argv: readonly string[],
  exitCode: () => number,
): Promise<number> {
  // Wrong use is the caller's mistake wherever it stands, in sub-commands too.
  for (const sub of program.commands) sub.exitOverride();
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode();
  } catch (cause) {
    if (!(cause instanceof CommanderError)) throw cause;
    return cause.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}
