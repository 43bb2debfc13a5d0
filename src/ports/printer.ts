/** One line of a slip. */
export interface PrintLine {
  readonly text: string;
  readonly align?: 'left' | 'center' | 'right';
  readonly bold?: boolean;
}

export type PrintOutcome =
  | { readonly kind: 'printed' }
  | { readonly kind: 'failed'; readonly reason: 'paper-out' | 'offline' | 'timeout' | 'fault' };

/** A slip printer. A failure never changes a transaction: the terminal offers a reprint. */
export interface Printer {
  /** Characters per line. */
  readonly columns: number;
  print(lines: readonly PrintLine[], signal: AbortSignal, deadlineMs: number): Promise<PrintOutcome>;
}
