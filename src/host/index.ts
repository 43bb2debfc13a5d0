export type { BatchDifference, BatchTotals, SideTotals } from './batch.ts';
export { type AnswerRule, answerRuleSchema, type HostConfig, hostJsonSchema, loadHost } from './config.ts';
export {
  type BatchView,
  createHost,
  type Host,
  type LedgerView,
  type LineState,
  type TransactionView,
} from './host.ts';
export type { LedgerEntry, Posting } from './ledger.ts';
export { type HostStore, openHostStore } from './store.ts';
export type { HostAlarm } from './switch.ts';
