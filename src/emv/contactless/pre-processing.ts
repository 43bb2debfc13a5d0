import type { AidConfig, ContactlessConfig, ReaderLimits } from '../parameters.ts';
import type { TransactionParameters } from '../transaction.ts';

/** Pre-processing of one combination (Book B, section 3.1.1). */

export interface Indicators {
  readonly statusCheckRequested: boolean;
  readonly notAllowed: boolean;
  readonly zeroAmount: boolean;
  readonly floorLimitExceeded: boolean;
  readonly cvmRequired: boolean;
}

/** An application with its kernel, ready for this transaction. */
export interface Combination {
  readonly config: AidConfig;
  readonly contactless: ContactlessConfig;
  readonly indicators: Indicators;
  /** Terminal Transaction Qualifiers of this transaction; absent when none are configured. */
  readonly ttq?: Uint8Array;
}

const OFFLINE_ONLY_READER = 0x08;
const ONLINE_CRYPTOGRAM = 0x80;
const CVM_REQUIRED = 0x40;

/** Applies limits to an amount, and the result to a copy of the qualifiers (steps 3.1.1.2 to 3.1.1.12). */
export function preProcess(
  config: AidConfig,
  contactless: ContactlessConfig,
  limits: ReaderLimits,
  parameters: TransactionParameters,
  currencyExponent: number,
): Combination {
  const { amountMinor } = parameters;
  const ttq = contactless.ttq?.slice();
  const floor = limits.floorLimitMinor ?? config.floorLimitMinor;
  const statusCheckRequested = limits.statusCheck === true && amountMinor === 10 ** currencyExponent;
  const zeroAmount = amountMinor === 0;
  const floorLimitExceeded = amountMinor > floor;
  const cvmRequired = limits.cvmLimitMinor !== undefined && amountMinor >= limits.cvmLimitMinor;
  let notAllowed =
    (zeroAmount && limits.zeroAmountAllowed === false) ||
    (limits.transactionLimitMinor !== undefined && amountMinor >= limits.transactionLimitMinor);
  if (ttq !== undefined) {
    const offlineOnly = ((ttq[0] as number) & OFFLINE_ONLY_READER) !== 0;
    ttq[1] = (ttq[1] as number) & ~(ONLINE_CRYPTOGRAM | CVM_REQUIRED);
    if (zeroAmount && offlineOnly) notAllowed = true;
    const forced = parameters.forceOnline === true;
    if (forced || floorLimitExceeded || statusCheckRequested || (zeroAmount && !offlineOnly))
      ttq[1] |= ONLINE_CRYPTOGRAM;
    if (cvmRequired) ttq[1] |= CVM_REQUIRED;
  }
  const indicators = { statusCheckRequested, notAllowed, zeroAmount, floorLimitExceeded, cvmRequired };
  return { config, contactless, indicators, ...(ttq === undefined ? {} : { ttq }) };
}
