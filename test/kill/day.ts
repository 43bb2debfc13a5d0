import type { RunningTerminal, VirtualDevices } from '../../src/app.ts';

/** What the child does, in order. Each action is safe to begin again: the day goes on where it was cut. */
export type DayAction =
  | {
      readonly do: 'sale' | 'refund';
      readonly amountMinor: number;
      readonly card: string;
      readonly by: 'insert' | 'tap' | 'swipe';
      readonly pin?: string;
      readonly line?: 'down';
    }
  | { readonly do: 'void' }
  | { readonly do: 'settle' };

export const DAY: readonly DayAction[] = [
  { do: 'sale', amountMinor: 12_000, card: 'visa-credit', by: 'insert', pin: '1234' },
  { do: 'sale', amountMinor: 850, card: 'visa-contactless', by: 'tap', line: 'down' },
  { do: 'sale', amountMinor: 3_000, card: 'mastercard-cda', by: 'insert', pin: '1234' },
  { do: 'void' },
  // The host processes this one and its answer is lost, see the parent.
  { do: 'sale', amountMinor: 4_500, card: 'visa-credit', by: 'insert', pin: '1234' },
  { do: 'sale', amountMinor: 1_111, card: 'stripe-only', by: 'swipe' },
  { do: 'refund', amountMinor: 500, card: 'visa-credit', by: 'insert', pin: '1234' },
  { do: 'sale', amountMinor: 950, card: 'visa-contactless', by: 'tap', line: 'down' },
  { do: 'sale', amountMinor: 900_000, card: 'visa-credit', by: 'insert', pin: '1234' },
  { do: 'settle' },
  { do: 'sale', amountMinor: 2_000, card: 'visa-credit', by: 'insert', pin: '1234' },
  { do: 'settle' },
];

/** The amount whose answer the host keeps to itself. */
export const LOST_ANSWER_MINOR = 4_500;

export interface DayHands {
  readonly terminal: RunningTerminal;
  readonly devices: VirtualDevices;
  present(card: string, by: 'insert' | 'tap' | 'swipe'): void;
  setLine(up: boolean): void;
}

/** Plays one action; the last approved sale of the open batch is what a void takes back. */
export async function playAction(
  action: DayAction,
  { terminal, devices, present, setLine }: DayHands,
): Promise<void> {
  if (action.do === 'settle') {
    await terminal.settle();
    return;
  }
  if (action.do === 'void') {
    const { journal } = terminal.context;
    const batchId = journal.batches.current()?.id ?? 0;
    const candidates = journal.transactions
      .list({ batchId, state: 'APPROVED' })
      .filter((record) => record.kind === 'sale' && record.online && record.voidedBy === undefined);
    const last = candidates.at(-1);
    if (last !== undefined) await terminal.void(last.invoice);
    return;
  }
  setLine(action.line !== 'down');
  if (action.pin !== undefined) devices.pinPad.type(`${action.pin}E`);
  present(action.card, action.by);
  await terminal[action.do]({ amountMinor: action.amountMinor });
  devices.reader.remove();
  devices.pinPad.forget();
  setLine(true);
}
