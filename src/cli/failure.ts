import { EXIT, isPossumError } from '../platform/errors.ts';
import { printProgress } from './output.ts';

/** Tells what went wrong on stderr. @returns the exit code */
export function fail(cause: unknown): number {
  if (isPossumError(cause)) {
    printProgress(`possum: ${cause.describe()}`);
    return cause.exitCode;
  }
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  printProgress(`possum: internal error, please report it\n${text}`);
  return EXIT.internal;
}
