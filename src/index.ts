/**
 * The public face for programs that embed a terminal, its cards or its host.
 *
 * @example
 * ```ts
 * import { createHost, createTerminal, createVirtualDevices, loadHost, loadTerminalSettings, … } from 'possum';
 * ```
 */
export {
  type CardDrawer,
  type CardFile,
  type CardState,
  cardDrawer,
  cardPath,
  createCard,
  createEmbeddedHost,
  createHost,
  createRedactingTrace,
  createTerminal,
  createVirtualDevices,
  type EmbeddedHost,
  type EmulatedCard,
  type HostOptions,
  issuerOf,
  loadCard,
  obligingHand,
  type PowerPoint,
  type PowerSupply,
  powerCard,
  type RunningHost,
  type RunningTerminal,
  type SwitchedLine,
  switchedLine,
  type TerminalOptions,
  type VirtualDevices,
} from './app.ts';
export { runContact } from './emv/contact/run.ts';
export { runContactless } from './emv/contactless/entry-point.ts';
export { type EmvDocument, emvDocument } from './emv/document.ts';
export { createRecord, type KeptRecord } from './emv/record.ts';
export type {
  EmvResult,
  EmvServices,
  OnlineAnswer,
  OnlineRequest,
  Outcome,
  OutcomeCode,
  TransactionParameters,
} from './emv/transaction.ts';
export { type AnswerRule, type HostConfig, loadHost } from './host/config.ts';
export type { Host } from './host/host.ts';
export {
  type Codec,
  compileCodec,
  describeMessage,
  type HostProfile,
  type IsoMessage,
  isoMessage,
  loadProfile,
} from './iso8583/index.ts';
export { type JournalView, viewJournal } from './journal/journal.ts';
export { type Clock, realClock, VirtualClock } from './platform/clock.ts';
export { EXIT, isPossumError, PossumError } from './platform/errors.ts';
export { type Random, seededRandom, systemRandom } from './platform/random.ts';
export { Pan, Secret } from './platform/secret.ts';
export type { Trace, TraceEvent } from './platform/trace.ts';
export { playScenario, type ScenarioReport } from './scenario/runner.ts';
export { loadScenario, type Scenario } from './scenario/schema.ts';
export { loadTerminalSettings, type TerminalSettings } from './terminal/config.ts';
export { isApproved, type TransactionResult } from './terminal/result.ts';
export type { Terminal } from './terminal/terminal.ts';
export { parseTlv, type Tlv } from './tlv/ber.ts';
