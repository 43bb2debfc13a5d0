import { loadChunk } from './chunk.ts';
import * as help from './commands/help.ts';
import { fail } from './failure.ts';

// Each command is a chunk of its own, loaded when it is asked for: `possum --version` loads none.
const COMMANDS: ReadonlySet<string> = new Set([
  'run',
  'emv',
  'sale',
  'refund',
  'void',
  'settle',
  'txn',
  'batch',
  'receipt',
  'host',
  'card',
  'keys',
  'crypto',
  'decode',
]);

async function main(argv: readonly string[]): Promise<number> {
  const [name = 'help', ...rest] = argv;
  if (name === '--version' || name === '-V') {
    process.stdout.write(`${POSSUM_VERSION}\n`);
    return 0;
  }
  if (name === 'help' && COMMANDS.has(rest[0] ?? '')) return main([rest[0] as string, '--help']);
  if (['help', '--help', '-h'].includes(name)) return help.main();
  if (!COMMANDS.has(name)) return help.unknownCommand(name);
  return loadChunk(name).module.main(rest);
}

// A reader that has seen enough (`possum … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

/** Leaves once all output is written, and does not take the heap down piece by piece before. */
function leave(code: number): void {
  process.stdout.write('', () => process.exit(code));
}

main(process.argv.slice(2)).then(leave, (cause) => leave(fail(cause)));
