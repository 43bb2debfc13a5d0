import type { ByteStream } from '../ports/stream.ts';
import type { Batch, BatchDifference, BatchTotals, HostTransaction } from './batch.ts';
import { type AnswerRule, answerRuleSchema, type HostConfig } from './config.ts';
import { serveConnection } from './connection.ts';
import type { LedgerEntry } from './ledger.ts';
import { type HostAlarm, HostSwitch, type SwitchServices } from './switch.ts';

/** `down`: connections are closed at once. `silent`: they are accepted and nothing is ever answered. */
export type LineState = 'up' | 'down' | 'silent';

/** A transaction as the host shows it: the card number masked. */
export interface TransactionView {
  readonly id: number;
  readonly type: string;
  readonly tid: string;
  readonly stan: string;
  readonly invoice: string;
  readonly pan: string;
  readonly amountMinor: number;
  readonly rrn: string;
  /** Empty when it was not approved. */
  readonly approvalCode: string;
  readonly code: string;
  readonly state: HostTransaction['state'];
  readonly atMs: number;
  readonly flagged?: string;
}

export interface BatchView {
  readonly tid: string;
  readonly state: Batch['state'];
  /** Known once the terminal has asked for settlement. */
  readonly number?: string;
  readonly totals: BatchTotals;
  readonly transactions: readonly TransactionView[];
  /** Records of the last upload. */
  readonly uploaded: number;
  readonly differences: readonly BatchDifference[];
}

export interface LedgerView {
  readonly entries: readonly LedgerEntry[];
  /** Balances by account; the sum over all is zero. Customers' card numbers are masked. */
  readonly balances: Readonly<Record<string, number>>;
}

/** The acquirer and issuer at the other end of the line. */
export interface Host {
  readonly config: HostConfig;
  /** Serves one connection; resolves when it has ended, never rejects. */
  connection(stream: ByteStream): Promise<void>;
  /** Answers the next request that fits in another way; see {@link AnswerRule}. */
  setAnswer(rule: AnswerRule): void;
  clearAnswers(): void;
  setLine(state: LineState): void;
  line(): LineState;
  transactions(): readonly TransactionView[];
  batches(): readonly BatchView[];
  ledger(): LedgerView;
  alarms(): readonly HostAlarm[];
  /** Forgets the device keys and KSNs of a terminal. */
  resetTerminal(tid: string): void;
  /** Ends every connection. */
  close(): Promise<void>;
}

/** A host from its configuration. It listens to nothing itself: the caller hands it streams. */
export function createHost(config: HostConfig, services: SwitchServices): Host {
  const core = new HostSwitch(config, services);
  const connections = new Set<Promise<void>>();
  let line: LineState = 'up';
  let cut = new AbortController();
  const alarm = (what: string) => core.raise({ atMs: services.clock.now(), what });
  return {
    config,
    connection(stream) {
      if (line === 'down') return stream.close().catch(() => {});
      const served = serveConnection(stream, {
        profile: config.profile,
        clock: services.clock,
        frameTimeoutMs: config.frameTimeoutMs,
        signal: cut.signal,
        process: (message) => (line === 'silent' ? { kind: 'nothing' } : core.process(message)),
        alarm,
      });
      connections.add(served);
      return served.finally(() => connections.delete(served));
    },
    setAnswer: (rule) => core.rules.add(answerRuleSchema().parse(rule)),
    clearAnswers: () => core.rules.clear(),
    setLine(state) {
      line = state;
      if (state !== 'down') return;
      cut.abort();
      cut = new AbortController();
    },
    line: () => line,
    transactions: () => core.books.transactions().map(viewTransaction),
    batches: () => core.books.batches().map((batch) => viewBatch(batch, core.books.totals(batch))),
    ledger: () => ({
      entries: core.books.ledger.entries().map((entry) => ({
        ...entry,
        postings: entry.postings.map(({ account, amountMinor }) => ({
          account: maskAccount(account),
          amountMinor,
        })),
      })),
      balances: maskedBalances(core.books.ledger.balances()),
    }),
    alarms: () => core.alarms(),
    resetTerminal: (tid) => core.resetTerminal(tid),
    async close() {
      line = 'down';
      cut.abort();
      await Promise.all(connections);
    },
  };
}

function viewTransaction(transaction: HostTransaction): TransactionView {
  const { id, type, tid, stan, invoice, pan, amountMinor, rrn, approvalCode, code, state, atMs, flagged } =
    transaction;
  const view = { id, type, tid, stan, invoice, pan, amountMinor, rrn, approvalCode, code, state, atMs };
  return flagged === undefined ? view : { ...view, flagged };
}

function viewBatch(batch: Batch, totals: BatchTotals): BatchView {
  return {
    tid: batch.tid,
    state: batch.state,
    ...(batch.number === undefined ? {} : { number: batch.number }),
    totals: batch.totals ?? totals,
    transactions: batch.transactions.map(viewTransaction),
    uploaded: batch.uploads.size,
    differences: batch.differences,
  };
}

function maskAccount(name: string): string {
  return name.startsWith('customer/') ? name.slice(0, name.lastIndexOf('/')) : name;
}

/** Two cards may look alike when masked: their balances are added. */
function maskedBalances(balances: ReadonlyMap<string, number>): Record<string, number> {
  const masked: Record<string, number> = {};
  for (const [name, amountMinor] of balances) {
    const shown = maskAccount(name);
    masked[shown] = (masked[shown] ?? 0) + amountMinor;
  }
  return masked;
}
