import { isPossumError, type PossumError } from '../../src/platform/errors.ts';

/** The error with which `work` is refused; whatever else it throws goes on. */
export function refusalOf(work: () => unknown): PossumError {
  try {
    work();
  } catch (cause) {
    if (isPossumError(cause)) return cause;
    throw cause;
  }
  throw new Error('it was not refused');
}
