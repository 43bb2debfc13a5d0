import { bytesToUint } from '../../platform/bytes.ts';
import { getDataObject } from '../get-data.ts';
import { decide, performed, raise, type Step } from '../kernel.ts';
import { TAG } from '../tags.ts';
import { terminalPower } from '../terminal-type.ts';
import { TSI, TVR } from '../tvr.ts';
import { type ContactContext, selectedConfig } from './context.ts';

const SPEC = 'EMV 4.3 Book 3, 10.6';

/**
 * Terminal risk management (Book 3, section 10.6) when the card asks for it: floor limit, random selection,
 * velocity. The exception file and the merchant's wish to go online count in any case.
 */
export async function risk(context: ContactContext): Promise<Step> {
  const { services, pan, parameters } = context;
  if (pan !== undefined && services.onExceptionFile?.(pan) === true) {
    raise(context, 'risk', TVR.exceptionFile, 'the PAN is on the exception file', SPEC);
  }
  if (parameters.forceOnline === true) {
    raise(context, 'risk', TVR.merchantForcedOnline, 'the merchant wants an authorisation', SPEC);
  }
  if ((context.data.byte(TAG.aip, 0) & 0x08) === 0) {
    decide(context, 'risk', 'Not wanted by the card', 'the AIP says so', SPEC);
    return 'continue';
  }
  checkFloorLimit(context);
  if (terminalPower(context.data) === 'both') selectRandomly(context);
  const outcome = await checkVelocity(context);
  if (outcome !== 'continue') return outcome;
  performed(context, 'risk', TSI.terminalRisk, SPEC);
  return 'continue';
}

/** Section 10.6.1: this amount and earlier ones of the same PAN against the floor limit. */
function checkFloorLimit(context: ContactContext): void {
  const { floorLimitMinor } = selectedConfig(context);
  const earlier = context.pan === undefined ? 0 : context.services.recentAmountMinor(context.pan);
  const sum = context.parameters.amountMinor + earlier;
  const text = `${context.parameters.amountMinor} + ${earlier} against a floor limit of ${floorLimitMinor}`;
  if (sum >= floorLimitMinor) raise(context, 'risk', TVR.floorLimit, text, `${SPEC}.1`);
  else decide(context, 'risk', 'Below the floor limit', text, `${SPEC}.1`);
}

/** Section 10.6.2: by chance, and the more likely the nearer the amount is to the floor limit. */
function selectRandomly(context: ContactContext): void {
  const { floorLimitMinor, randomSelection } = selectedConfig(context);
  const { thresholdMinor, targetPercent, maxTargetPercent } = randomSelection;
  const amount = context.parameters.amountMinor;
  if (amount >= floorLimitMinor) return;
  let percent = targetPercent;
  if (amount >= thresholdMinor) {
    const share = (amount - thresholdMinor) / (floorLimitMinor - thresholdMinor);
    percent = targetPercent + (maxTargetPercent - targetPercent) * share;
  }
  const drawn = context.services.random.below(99) + 1;
  const text = `drew ${drawn} of 99, ${percent.toFixed(1)} and below go online`;
  if (drawn <= percent) raise(context, 'risk', TVR.randomlySelected, text, `${SPEC}.2`);
  else decide(context, 'risk', 'Not selected randomly', text, `${SPEC}.2`);
}

/** Section 10.6.3: how many transactions in a row stayed offline. */
async function checkVelocity(context: ContactContext): Promise<Step> {
  const lower = context.data.get(TAG.lowerOfflineLimit)?.[0];
  const upper = context.data.get(TAG.upperOfflineLimit)?.[0];
  if (lower === undefined || upper === undefined) {
    decide(context, 'risk', 'No velocity check', 'the card sets no limits', `${SPEC}.3`);
    return 'continue';
  }
  const current = await readCounter(context, TAG.atc);
  if (typeof current === 'object') return current;
  const lastOnline = await readCounter(context, TAG.lastOnlineAtc);
  if (typeof lastOnline === 'object') return lastOnline;
  if (lastOnline === 0) raise(context, 'risk', TVR.newCard, 'it was never online', `${SPEC}.3`);
  if (current === undefined || lastOnline === undefined || current <= lastOnline) {
    const reason = 'the counters are missing or contradict each other';
    raise(context, 'risk', TVR.lowerOfflineLimit, reason, `${SPEC}.3`);
    raise(context, 'risk', TVR.upperOfflineLimit, reason, `${SPEC}.3`);
    return 'continue';
  }
  const offline = current - lastOnline;
  const text = `${offline} transactions since the last online one, limits ${lower} and ${upper}`;
  if (offline > lower) raise(context, 'risk', TVR.lowerOfflineLimit, text, `${SPEC}.3`);
  if (offline > upper) raise(context, 'risk', TVR.upperOfflineLimit, text, `${SPEC}.3`);
  if (offline <= lower) decide(context, 'risk', 'Velocity', text, `${SPEC}.3`);
  return 'continue';
}

async function readCounter(context: ContactContext, tag: number) {
  const read = await getDataObject(context, tag);
  if (read.kind === 'outcome') return read.outcome;
  return read.kind === 'value' && read.value.length === 2 ? bytesToUint(read.value) : undefined;
}
