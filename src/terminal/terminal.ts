import type { Settlement, SettlementProgress } from '../acquirer/settlement.ts';
import type { TransactionRecord } from '../journal/transactions.ts';
import { NEVER } from '../platform/clock.ts';
import { PossumError } from '../platform/errors.ts';
import { show, type TerminalContext, tellOperator } from './context.ts';
import { endOfDay } from './end-of-day.ts';
import { refusalReason } from './guards.ts';
import { purchase } from './purchase.ts';
import { type RecoveryReport, recover, reverseInterrupted } from './recovery.ts';
import { printReceipts } from './report.ts';
import type { PurchaseRequest, TransactionResult } from './result.ts';
import { voidTransaction } from './void.ts';

/** The terminal application: one flow at a time, idle in between. */
export interface Terminal {
  readonly context: TerminalContext;
  /** Recovery after whatever happened before; has to be called once, first. */
  boot(signal?: AbortSignal): Promise<RecoveryReport>;
  sale(request: Omit<PurchaseRequest, 'kind'>, signal?: AbortSignal): Promise<TransactionResult>;
  refund(request: Omit<PurchaseRequest, 'kind'>, signal?: AbortSignal): Promise<TransactionResult>;
  void(invoice: number, signal?: AbortSignal): Promise<TransactionResult>;
  settle(signal?: AbortSignal, progress?: SettlementProgress): Promise<Settlement>;
  /** Prints a receipt again, marked as duplicate. @throws PossumError `USAGE` for an unknown invoice */
  reprint(invoice: number, copy?: 'customer' | 'merchant', signal?: AbortSignal): Promise<TransactionRecord>;
  /** Closes the journal; the terminal is off. */
  close(): void;
}

/** Puts the flows on a machine. */
export function createTerminalApplication(context: TerminalContext): Terminal {
  let busy: string | undefined;
  let interrupted = false;
  const alone = async <T>(what: string, flow: () => Promise<T>): Promise<T> => {
    if (busy !== undefined) {
      throw new PossumError('STATE', `the terminal is busy with a ${busy}`, {
        remedy: 'Wait for it or cancel it.',
      });
    }
    busy = what;
    try {
      return await flow();
    } finally {
      busy = undefined;
      if (context.trace.wants('state')) context.trace.emit({ kind: 'state', part: 'terminal', to: 'idle' });
    }
  };
  const trade = <T>(what: string, flow: () => Promise<T>): Promise<T> =>
    alone(what, async () => {
      // A flow that ended in an exception may have left a request behind; without keys it stays where it is.
      if (interrupted && context.secure.tampering() === undefined) reverseInterrupted(context);
      interrupted = true;
      try {
        const result = await flow();
        interrupted = false;
        return result;
      } finally {
        // Tampering ends what was going on; the last screen has to tell.
        if (context.secure.tampering() !== undefined) show(context, 'tampered');
      }
    });
  return {
    context,
    boot: (signal = NEVER) =>
      alone('boot', async () => {
        if (isOutOfService(context)) return nothingRecovered();
        const report = await recover(context, signal);
        show(context, report.mustSettle ? 'must-settle' : 'welcome');
        return report;
      }),
    sale: (request, signal = NEVER) =>
      trade('sale', () => purchase(context, { ...request, kind: 'sale' }, signal)),
    refund: (request, signal = NEVER) =>
      trade('refund', () => purchase(context, { ...request, kind: 'refund' }, signal)),
    void: (invoice, signal = NEVER) => trade('void', () => voidTransaction(context, invoice, signal)),
    settle: (signal = NEVER, progress) =>
      trade('settlement', async () => {
        requireWorking(context);
        return endOfDay(context, signal, progress);
      }),
    reprint: (invoice, copy = 'customer', signal = NEVER) =>
      alone('reprint', async () => {
        requireWorking(context);
        const record = context.journal.transactions.findByInvoice(invoice);
        if (record === undefined)
          throw new PossumError('USAGE', `there is no invoice ${invoice}`, {
            remedy: 'See `possum txn list`.',
          });
        await printReceipts(context, record, [copy], signal, true);
        return record;
      }),
    close: () => context.journal.close(),
  };
}

/** Shows why nothing can be done, when that is so. */
function isOutOfService(context: TerminalContext): boolean {
  const { secure } = context;
  const status = secure.status();
  if (status === 'tampered') show(context, 'tampered');
  if (status !== 'failed') return status === 'tampered';
  show(context, 'out-of-service');
  tellOperator(context, 'out-of-service', secure.fault());
  return true;
}

/** Without keys nothing that is sealed can be opened; what was interrupted waits for the next start. */
function nothingRecovered(): RecoveryReport {
  return { interrupted: 0, waiting: 0, mustSettle: false };
}

/** @throws PossumError `STATE` while the secure module is out of service, or has destroyed its keys */
function requireWorking(context: TerminalContext): void {
  if (!isOutOfService(context)) return;
  const isTampered = context.secure.tampering() !== undefined;
  const reason = refusalReason(context, isTampered ? 'tampered' : 'out-of-service');
  throw new PossumError('STATE', `the terminal is ${reason}`, {
    where: 'secure module',
    remedy: isTampered
      ? 'Start anew: `possum keys inject --fresh`, or another --data folder.'
      : 'Start it again.',
  });
}
