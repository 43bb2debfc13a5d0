/**
 * Exceptions mean wrong use or broken configuration. Faults of a card, a line, a device or a host are
 * outcomes: values that the caller must handle.
 */

/** Exit codes of every `possum` command. */
export const EXIT = { done: 0, failed: 1, usage: 2, unavailable: 3, internal: 70 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What kind of thing went wrong; callers test codes, never texts. */
export type ErrorCode =
  | 'USAGE' // a wrong option, argument or call
  | 'CONFIG' // a configuration, card, terminal, host or scenario file
  | 'FORMAT' // bytes or text that do not follow their format
  | 'KEY' // a key that is missing, of the wrong kind, or must not be used so
  | 'STATE' // something that must not happen in this state
  | 'STORAGE' // the database or its files
  | 'LOCKED' // another process holds it
  | 'UNAVAILABLE' // a device or line that does not answer
  | 'CANCELLED' // the caller's signal was aborted
  | 'INTERNAL'; // a mistake in Possum

const EXIT_OF: Record<ErrorCode, ExitCode> = {
  USAGE: EXIT.usage,
  CONFIG: EXIT.usage,
  FORMAT: EXIT.usage,
  KEY: EXIT.usage,
  STATE: EXIT.usage,
  STORAGE: EXIT.unavailable,
  LOCKED: EXIT.unavailable,
  UNAVAILABLE: EXIT.unavailable,
  CANCELLED: EXIT.failed,
  INTERNAL: EXIT.internal,
};

export interface ErrorContext {
  /** The file, field, port or address it is about, e.g. `cards/visa.yaml:12:3`. */
  readonly where?: string;
  /** What the reader can do about it, as a sentence. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/** The one exception class: what happened (`message`), where, and what to do. */
export class PossumError extends Error {
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = 'PossumError';
    this.code = code;
    this.where = context.where;
    this.remedy = context.remedy;
  }

  get exitCode(): ExitCode {
    return EXIT_OF[this.code];
  }

  /** `where: what. What to do.` in one line. */
  describe(): string {
    const place = this.where === undefined ? '' : `${this.where}: `;
    const remedy = this.remedy === undefined ? '' : ` ${this.remedy}`;
    return `${place}${this.message}${this.message.endsWith('.') ? '' : '.'}${remedy}`;
  }
}

export function isPossumError(value: unknown, code?: ErrorCode): value is PossumError {
  // By name: each chunk of the command line carries its own copy of the class.
  const isOurs = value instanceof Error && value.name === 'PossumError' && 'exitCode' in value;
  return isOurs && (code === undefined || (value as PossumError).code === code);
}
