import { EXIT, isPossumError, PossumError } from '../platform/errors.ts';
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

/** An error of ours that names no place gets this one. */
export function placed(cause: unknown, where: string): unknown {
  if (!isPossumError(cause) || cause.where !== undefined) return cause;
  const { code, message, remedy } = cause;
  return new PossumError(code, message, { where, cause, ...(remedy === undefined ? {} : { remedy }) });
}

/** Runs `work`, whose errors are about the file at `where`. */
export function about<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw placed(cause, where);
  }
}
