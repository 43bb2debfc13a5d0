import type { Pan } from '../../platform/secret.ts';
import type { RequestedType } from '../commands.ts';
import type { KernelContext } from '../kernel.ts';
import type { PublicKey } from '../oda/certificates.ts';
import type { AidConfig } from '../parameters.ts';
import type { SeenTags, SignedRecords } from '../records.ts';
import type { Candidate, CvmMethod, OnlineAnswer } from '../transaction.ts';

/** A candidate with the terminal's parameters for it. */
export interface ContactCandidate extends Candidate {
  readonly config: AidConfig;
}

/** The state of one contact transaction; the phases fill it from top to bottom. */
export interface ContactContext extends KernelContext {
  /** All applications in common, best first. */
  candidates: ContactCandidate[];
  /** Those that were not tried yet. */
  remaining: ContactCandidate[];
  selected: ContactCandidate | undefined;
  /** The cardholder chose or confirmed an application: when it is refused, the next one needs a confirmation. */
  chosenByCardholder: boolean;
  pdolData: Uint8Array;
  readonly signed: SignedRecords;
  readonly seen: SeenTags;
  pan: Pan | undefined;
  /** The method of offline data authentication that both sides support. */
  oda: 'none' | 'sda' | 'dda' | 'cda';
  /** For CDA, until the cryptogram is there. */
  iccKey: PublicKey | undefined;
  cvm: CvmMethod;
  request: RequestedType;
  cdaRequested: boolean;
  cdol1Data: Uint8Array;
  /** Application Transaction Counter of the first cryptogram. */
  firstAtc: Uint8Array | undefined;
  /** What the card answered to the first GENERATE AC. */
  firstType: RequestedType | undefined;
  /** CDA of an ARQC failed: complete with an AAC, do not go online. */
  cdaFailedOnArqc: boolean;
  onlineSent: boolean;
  answer: OnlineAnswer | undefined;
  readonly scriptResults: Uint8Array[];
}

/** The selected application's parameters; the phases behind selection may rely on them. */
export function selectedConfig(context: ContactContext): AidConfig {
  if (context.selected === undefined) throw new RangeError('no application is selected');
  return context.selected.config;
}
