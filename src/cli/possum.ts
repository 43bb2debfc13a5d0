import { fail } from './failure.ts';

/** A command's chunk: parses its arguments, does its work, answers with the exit code. */
export interface CommandModule {
  main(argv: readonly string[]): Promise<number>;
}

// Each command is a chunk of its own, loaded when it is asked for: `possum --version` loads none.
const COMMANDS: Readonly<Record<string, () => Promise<CommandModule>>> = {
  run: () => import('./commands/run.ts'),
  emv: () => import('./commands/emv.ts'),
  sale: () => import('./commands/sale.ts'),
  refund: () => import('./commands/refund.ts'),
  void: () => import('./commands/void.ts'),
  settle: () => import('./commands/settle.ts'),
  txn: () => import('./commands/txn.ts'),
  batch: () => import('./commands/batch.ts'),
  receipt: () => import('./commands/receipt.ts'),
  host: () => import('./commands/host.ts'),
  card: () => import('./commands/card.ts'),
  decode: () => import('./commands/decode.ts'),
  help: () => import('./commands/help.ts'),
};

async function main(argv: readonly string[]): Promise<number> {
  const [name = 'help', ...rest] = argv;
  if (name === '--version' || name === '-V') {
    process.stdout.write(`${POSSUM_VERSION}\n`);
    return 0;
  }
  const isHelp = name === '--help' || name === '-h';
  const load = COMMANDS[isHelp ? 'help' : name];
  if (load === undefined) {
    const help = await import('./commands/help.ts');
    return help.unknownCommand(name);
  }
  const command = await load();
  return command.main(rest);
}

// A reader that has seen enough (`possum … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (cause) => {
    process.exitCode = fail(cause);
  },
);
