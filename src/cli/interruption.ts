import { printProgress } from './output.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs `work` with a signal that is aborted when the program is interrupted or told to end: it may finish what
 * it must. A second time ends the program at once.
 * @param notice told when it happens
 */
export async function untilInterrupted<T>(
  work: (signal: AbortSignal) => Promise<T>,
  notice?: string,
): Promise<T> {
  const interruption = new AbortController();
  const interrupt = () => {
    for (const name of SIGNALS) process.off(name, interrupt);
    if (notice !== undefined) printProgress(notice);
    interruption.abort();
  };
  for (const name of SIGNALS) process.on(name, interrupt);
  try {
    return await work(interruption.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, interrupt);
  }
}
