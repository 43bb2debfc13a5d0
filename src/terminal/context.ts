import type { AcquirerContext } from '../acquirer/settings.ts';
import type { Journal } from '../journal/journal.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Trace } from '../platform/trace.ts';
import type { CardReader, Display, Printer } from '../ports/index.ts';
import type { SecureModule } from '../secure/secure-module.ts';
import type { TerminalSettings } from './config.ts';
import { type MessageId, messageText } from './messages.ts';

/** The plugged-together machine on which the flows run. */
export interface TerminalContext {
  readonly settings: TerminalSettings;
  readonly journal: Journal;
  readonly secure: SecureModule;
  readonly acquirer: AcquirerContext;
  readonly readers: readonly CardReader[];
  /** Readers whose card was used and may still be there. */
  readonly usedReaders: Set<CardReader>;
  readonly printer?: Printer;
  readonly displays: readonly Display[];
  readonly clock: Clock;
  readonly random: Random;
  readonly trace: Trace;
  /** Which of several applications the cardholder wants; the first when absent. */
  readonly chooseApplication?: (labels: readonly string[]) => Promise<number | undefined>;
}

/** Shows a message to the customer. @param detail a second line: an amount, a code */
export function show(context: TerminalContext, id: MessageId, detail?: string): void {
  const text = messageText(id, context.settings.language);
  const lines = detail === undefined ? [text] : [text, detail];
  for (const display of context.displays) display.show(lines);
  if (context.trace.wants('screen')) context.trace.emit({ kind: 'screen', target: 'customer', lines });
}

/** Tells the operator. @param detail a second line */
export function tellOperator({ settings, trace }: TerminalContext, id: MessageId, detail?: string): void {
  const text = messageText(id, settings.language);
  const lines = detail === undefined ? [text] : [text, detail];
  if (trace.wants('screen')) trace.emit({ kind: 'screen', target: 'operator', lines });
}
