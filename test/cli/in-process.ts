import { vi } from 'vitest';
import { fail } from '../../src/cli/failure.ts';

/** What a command printed, and its exit code. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Command {
  main(argv: readonly string[]): Promise<number>;
}

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  batch: () => import('../../src/cli/commands/batch.ts'),
  card: () => import('../../src/cli/commands/card.ts'),
  crypto: () => import('../../src/cli/commands/crypto.ts'),
  decode: () => import('../../src/cli/commands/decode.ts'),
  emv: () => import('../../src/cli/commands/emv.ts'),
  host: () => import('../../src/cli/commands/host.ts'),
  keys: () => import('../../src/cli/commands/keys.ts'),
  receipt: () => import('../../src/cli/commands/receipt.ts'),
  refund: () => import('../../src/cli/commands/refund.ts'),
  run: () => import('../../src/cli/commands/run.ts'),
  sale: () => import('../../src/cli/commands/sale.ts'),
  settle: () => import('../../src/cli/commands/settle.ts'),
  txn: () => import('../../src/cli/commands/txn.ts'),
  void: () => import('../../src/cli/commands/void.ts'),
};

export const COMMAND_NAMES = Object.keys(COMMANDS);

/** Runs a command as the program does, in this process: a process of its own takes many times as long to start. */
export async function possum(command: string, ...argv: readonly string[]): Promise<Said> {
  const printed = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      printed[name] += String(text);
      return true;
    }),
  );
  try {
    const load = COMMANDS[command] as () => Promise<Command>;
    const code = await (await load()).main(argv).catch(fail);
    return { code, ...printed };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
