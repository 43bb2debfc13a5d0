import type { Pan } from '../../platform/secret.ts';
import type { TagContext } from '../../tlv/dictionary.ts';
import type { KernelContext } from '../kernel.ts';
import type { SeenTags, SignedRecords } from '../records.ts';
import type { CvmMethod, OnlineAnswer, Outcome } from '../transaction.ts';
import type { ContactlessCandidate } from './directory.ts';
import type { Indicators } from './pre-processing.ts';

/** The state of one contactless transaction. */
export interface ContactlessContext extends KernelContext {
  /** That of the kernel, once one is activated. */
  tagContext: TagContext;
  candidates: readonly ContactlessCandidate[];
  selected: ContactlessCandidate | undefined;
  /** The answer to SELECT of the application. */
  fci: Uint8Array | undefined;
  indicators: Indicators | undefined;
  readonly signed: SignedRecords;
  seen: SeenTags;
  pan: Pan | undefined;
  cvm: CvmMethod;
  onlineSent: boolean;
  answer: OnlineAnswer | undefined;
  /** Of the second presentment; empty when there was none. */
  readonly scriptResults: Uint8Array[];
}

/** What a kernel gives back to Entry Point: an outcome, or the wish to try the next combination. */
export type KernelResult = Outcome | 'select-next';
