import { toHex } from '../platform/bytes.ts';
import type { CaKey } from './oda/ca-keys.ts';
import type { IssuerKeyCache } from './oda/issuer-key-cache.ts';

/** What the kernels know of their terminal: data objects, applications, CA keys. */

/** Reader parameters of one application for contactless (Book A, section 5.8). Absent differs from zero. */
export interface ContactlessConfig {
  readonly kernel: number;
  readonly ttq?: Uint8Array;
  readonly limits: ReaderLimits;
  /** Append the extended selection value of the directory to SELECT. */
  readonly extendedSelection: boolean;
  /** Refuse cash and cashback that the application usage control does not allow. */
  readonly usageControlCheck: boolean;
  /** What follows when an online request's data authentication fails (TTQ byte 1, bit 1). */
  readonly onlineOdaFailure: 'online' | 'decline';
  /** Dynamic reader limits, keyed by the beginning of tag 9F5A. */
  readonly dynamicLimits: readonly (ReaderLimits & { readonly programId: Uint8Array })[];
}

/** All in minor units; absent means that the check is off. */
export interface ReaderLimits {
  readonly transactionLimitMinor?: number;
  readonly floorLimitMinor?: number;
  readonly cvmLimitMinor?: number;
  readonly statusCheck?: boolean;
  readonly zeroAmountAllowed?: boolean;
}

export interface ActionCodes {
  readonly default: Uint8Array;
  readonly denial: Uint8Array;
  readonly online: Uint8Array;
}

/** One application that the terminal supports. */
export interface AidConfig {
  readonly aid: Uint8Array;
  readonly match: 'exact' | 'partial';
  readonly label?: string;
  /** Tag 9F09. */
  readonly version: Uint8Array;
  readonly floorLimitMinor: number;
  readonly randomSelection: {
    readonly thresholdMinor: number;
    readonly targetPercent: number;
    readonly maxTargetPercent: number;
  };
  readonly tac: ActionCodes;
  readonly defaultDdol?: Uint8Array;
  readonly defaultTdol?: Uint8Array;
  readonly contact: boolean;
  readonly contactless?: ContactlessConfig;
  /** Terminal objects that differ for this application. */
  readonly data: ReadonlyMap<number, Uint8Array>;
}

export interface EmvConfig {
  /** Terminal objects by tag. */
  readonly data: ReadonlyMap<number, Uint8Array>;
  readonly aids: readonly AidConfig[];
  readonly caKeys: readonly CaKey[];
  /** Try the payment system environment before the list of AIDs. */
  readonly pse: boolean;
  /** Several candidates are offered to the cardholder; otherwise the best one is taken. */
  readonly cardholderChoice: boolean;
  /** Keys that certificates gave before; lives as long as the configuration. */
  readonly issuerKeys: IssuerKeyCache;
}

/** Default kernel by RID, for applications that name none (Book B, table 3-6). */
const KERNEL_BY_RID: Readonly<Record<string, number>> = {
  A000000004: 2,
  A000000003: 3,
  A000000025: 4,
  A000000065: 5,
  A000000152: 6,
  A000000324: 6,
  A000000333: 7,
};

/** The kernel of Book B that is used when neither card nor terminal names one; 0 when there is none. */
export function defaultKernel(aid: Uint8Array): number {
  return KERNEL_BY_RID[toHex(aid.subarray(0, 5))] ?? 0;
}
