import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Pan } from '../platform/secret.ts';
import type { CardChannel, ExchangeFault, PinService } from '../ports/index.ts';
import type { DataStore } from './data-store.ts';
import type { EmvConfig } from './parameters.ts';

/** What goes into the kernels and what comes out of them. */

/** The names by which a transaction can be followed, and stopped, in the order of contact EMV. */
export const PHASES = [
  'selection',
  'gpo',
  'read',
  'oda',
  'restrictions',
  'cvm',
  'risk',
  'taa',
  'gac1',
  'online',
  'gac2',
] as const;
export type PhaseName = (typeof PHASES)[number];

export const OUTCOME_CODES = [
  'APPROVED_OFFLINE',
  'APPROVED_ONLINE',
  'DECLINED_OFFLINE',
  'DECLINED_ONLINE',
  'REFERRED',
  'CARD_ERROR',
  'CARD_BLOCKED',
  'NOT_ACCEPTED',
  'TRY_ANOTHER_APPLICATION',
  'TRY_ANOTHER_INTERFACE',
  'TRY_AGAIN',
  'CANCELLED',
  'STOPPED',
] as const;
export type OutcomeCode = (typeof OUTCOME_CODES)[number];

export interface Outcome {
  readonly code: OutcomeCode;
  /** One line for people. */
  readonly reason: string;
  /** What the cardholder is asked for instead of the usual (user interface requests, Book A, section 9.4). */
  readonly ask?: 'see-phone' | 'insert-card';
}

export interface TransactionParameters {
  /** Tag 9F02, minor units, cashback included. */
  readonly amountMinor: number;
  /** Tag 9F03, minor units. */
  readonly otherMinor: number;
  /** Tag 9C: 0x00 goods and services, 0x01 cash, 0x09 cashback, 0x20 refund. */
  readonly transactionType: number;
  /** Tag 9A. */
  readonly dateYymmdd: string;
  /** Tag 9F21. */
  readonly timeHhmmss: string;
  /** Tag 9F41, up to eight digits. */
  readonly sequence: number;
  /** The merchant wants this transaction online (Book 3, section 10.6). */
  readonly forceOnline?: boolean;
}

/** An application that both sides support (Book 1, section 12.3). */
export interface Candidate {
  /** DF name or ADF name as the card gave it. */
  readonly aid: Uint8Array;
  /** Preferred name when the terminal can show it, else the label, else empty. */
  readonly label: string;
  /** Low nibble of tag 87: 1 is best, 0 means none was given. */
  readonly priority: number;
  /** The cardholder has to confirm this application (tag 87, bit 8). */
  readonly confirm: boolean;
}

/** What the kernel wants authorised; `data` holds every object of a field 55. */
export interface OnlineRequest {
  readonly interface: 'contact' | 'contactless';
  readonly data: DataStore;
  readonly pan: Pan;
  readonly cvm: CvmMethod;
}

export type OnlineAnswer =
  | {
      readonly kind: 'answered';
      /** Two characters for tag 8A. */
      readonly arc: string;
      readonly approved: boolean;
      /** The issuer wants a call; implies not approved. */
      readonly referral?: boolean;
      /** Issuer data by tag, above all 91. */
      readonly tags: ReadonlyMap<number, Uint8Array>;
      /** Templates 71 and 72 with tag and length, in the order in which they came. */
      readonly scripts?: readonly Uint8Array[];
    }
  | {
      readonly kind: 'unable';
      /** Bytes of the request left: the host may have approved it, so the card must not approve offline now. */
      readonly requestLeft?: boolean;
    };

/** How the cardholder was verified. */
export type CvmMethod =
  | 'none'
  | 'signature'
  | 'online-pin'
  | 'offline-pin'
  | 'offline-pin-and-signature'
  | 'cdcvm'
  | 'failed';

/** Where decisions and exchanges go. */
export interface EmvRecord {
  /** False when decisions go nowhere: costly reasons need not be written then. */
  wantsDecisions(): boolean;
  decision(phase: string, rule: string, reason: string, spec: string): void;
  apdu(command: Uint8Array, answer: Uint8Array | ExchangeFault): void;
}

export interface EmvServices {
  readonly channel: CardChannel;
  readonly config: EmvConfig;
  readonly random: Random;
  readonly clock: Clock;
  /** Aborting it ends the transaction with `CANCELLED` (no approval). */
  readonly signal: AbortSignal;
  readonly pin: PinService;
  readonly record: EmvRecord;
  /** Index of the application that the cardholder wants, `undefined` when cancelled. */
  chooseApplication(candidates: readonly Candidate[]): Promise<number | undefined>;
  /** Sum of earlier amounts of the same PAN in the terminal's log, minor units (Book 3, section 10.6.1). */
  recentAmountMinor(pan: Pan): number;
  onExceptionFile?(pan: Pan): boolean;
  /** Contact calls it between the two GENERATE ACs, contactless at its end. */
  authorise(request: OnlineRequest): Promise<OnlineAnswer>;
  /**
   * Has the same contactless card presented once more, for what its issuer sent. When absent, the card is taken to
   * lie in the field still.
   * @param refused the card that was presented last is another one
   * @returns `undefined` when no card came
   */
  presentAgain?(refused: boolean): Promise<CardChannel | undefined>;
  /** Ends with `STOPPED` after this phase. */
  readonly until?: PhaseName;
  /** The first unpredictable number; later ones are random. */
  readonly fixedUnpredictableNumber?: Uint8Array;
}

export interface EmvResult {
  readonly outcome: Outcome;
  readonly candidates: readonly Candidate[];
  /** DF name of the selected application. */
  readonly aid?: Uint8Array;
  /** Every object of card, terminal and issuer as they stood at the end. */
  readonly data: DataStore;
  readonly cvm: CvmMethod;
  readonly pan?: Pan;
  /** `authorise` was called. */
  readonly onlineSent: boolean;
  /** Issuer script results, five bytes per script (Book 4, annex A5); absent without scripts. */
  readonly scriptResults?: Uint8Array;
  /** The issuer approved, and the transaction ended otherwise: the host's approval has to be reversed. */
  readonly hostApprovedCardDeclined: boolean;
  /** The chip failed before a transaction began on it: the stripe may be used instead. */
  readonly fallbackAllowed: boolean;
}
