import { toHex } from '../../platform/bytes.ts';
import {
  type CvmList,
  type CvmRule,
  cvmConditionName,
  cvmMethodName,
  parseCvmList,
} from '../../tlv/cvm-list.ts';
import { decide, end, performed, raise, type Step } from '../kernel.ts';
import { TAG } from '../tags.ts';
import type { Outcome } from '../transaction.ts';
import { TSI, TVR } from '../tvr.ts';
import { isCash, isCashback, isUnattended } from '../usage-control.ts';
import type { ContactContext } from './context.ts';
import type { CvmAttempt, PinState } from './cvm-attempt.ts';
import { isRecognised, performMethod, terminalSupports } from './cvm-methods.ts';

const SPEC = 'EMV 4.3 Book 3, 10.5';
const RESULT = { unknown: 0x00, failed: 0x01, successful: 0x02 } as const;

/**
 * Cardholder verification (Book 3, section 10.5): the rules of the card's CVM list in order, until one succeeds
 * or one that ends the list fails. CVM Results (9F34) are kept as Book 4, section 6.3.4.5 says.
 */
export async function cvm(context: ContactContext): Promise<Step> {
  setResults(context, 0x3f, 0x00, RESULT.unknown);
  if ((context.data.byte(TAG.aip, 0) & 0x10) === 0) {
    decide(context, 'cvm', 'Not supported by the card', 'the AIP says so', SPEC);
    return 'continue';
  }
  const value = context.data.get(TAG.cvmList);
  const list = value === undefined ? undefined : parseCvmList(value);
  // A list without rules counts as no list.
  if (list === undefined || list.rules.length === 0) {
    raise(context, 'cvm', TVR.iccDataMissing, 'the AIP promises CVM rules, there are none', SPEC);
    return 'continue';
  }
  const outcome = await applyRules(context, list);
  if (outcome !== undefined) return outcome;
  performed(context, 'cvm', TSI.cvm, SPEC);
  return 'continue';
}

async function applyRules(context: ContactContext, list: CvmList): Promise<Outcome | undefined> {
  const pin: PinState = { bypassed: false, wrong: 0 };
  setResults(context, 0x3f, 0x00, RESULT.failed);
  for (const rule of list.rules) {
    const name = `${cvmMethodName(rule.method)} (${toHex(Uint8Array.of(rule.code, rule.condition))})`;
    if (!conditionHolds(context, list, rule)) {
      decide(context, 'cvm', name, `does not apply: ${cvmConditionName(rule.condition)}`, SPEC);
      continue;
    }
    const attempt = await attemptRule(context, rule, pin);
    if ('code' in attempt) return attempt;
    if (attempt.performed) setResults(context, rule.code, rule.condition, RESULT[attempt.result]);
    decide(context, 'cvm', name, attempt.reason, SPEC);
    if (attempt.result !== 'failed') {
      context.cvm = attempt.cvm;
      return undefined;
    }
    if (!rule.continues || rule.method === 0) break;
  }
  context.cvm = 'failed';
  raise(context, 'cvm', TVR.cvmFailed, 'no rule of the CVM list succeeded', SPEC);
  return undefined;
}

async function attemptRule(
  context: ContactContext,
  rule: CvmRule,
  pin: PinState,
): Promise<CvmAttempt | Outcome> {
  if (!isRecognised(rule.method)) {
    raise(context, 'cvm', TVR.unrecognisedCvm, `method ${rule.method} is unknown`, SPEC);
    return { performed: false, result: 'failed', cvm: 'failed', reason: 'not recognised' };
  }
  if (context.services.signal.aborted) return end('CANCELLED', 'the transaction was cancelled');
  return performMethod(context, rule.method, pin);
}

/** Condition codes of Book 3, table 40. A condition whose data is missing does not hold. */
function conditionHolds(context: ContactContext, list: CvmList, rule: CvmRule): boolean {
  const { data, parameters } = context;
  const unattendedCash = isCash(parameters) && isUnattended(data);
  const manualCash = isCash(parameters) && !isUnattended(data);
  switch (rule.condition) {
    case 0x00:
      return true;
    case 0x01:
      return unattendedCash;
    case 0x02:
      return !isCash(parameters) && !isCashback(parameters);
    case 0x03:
      return terminalSupports(context, rule.method);
    case 0x04:
      return manualCash;
    case 0x05:
      return isCashback(parameters);
    case 0x06:
      return inCardCurrency(context) && parameters.amountMinor < list.amountX;
    case 0x07:
      return inCardCurrency(context) && parameters.amountMinor > list.amountX;
    case 0x08:
      return inCardCurrency(context) && parameters.amountMinor < list.amountY;
    case 0x09:
      return inCardCurrency(context) && parameters.amountMinor > list.amountY;
    default:
      return false;
  }
}

function inCardCurrency({ data }: ContactContext): boolean {
  const card = data.get(TAG.applicationCurrency);
  const terminal = data.get(TAG.currency);
  return card !== undefined && terminal !== undefined && toHex(card) === toHex(terminal);
}

function setResults(context: ContactContext, code: number, condition: number, result: number): void {
  context.data.set(TAG.cvmResults, Uint8Array.of(code, condition, result));
}
