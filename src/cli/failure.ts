import { EXIT, isPossumError } from '../platform/errors.ts';

/** Tells what went wrong on stderr. @returns the exit code */
export function fail(cause: unknown): number {
  if (isPossumError(cause)) {
    process.stderr.write(`possum: ${cause.describe()}\n`);
    return cause.exitCode;
  }
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  process.stderr.write(`possum: internal error, please report it\n${text}\n`);
  return EXIT.internal;
}
