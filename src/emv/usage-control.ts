import { toHex } from '../platform/bytes.ts';
import type { DataStore } from './data-store.ts';
import { TAG } from './tags.ts';
import type { TransactionParameters } from './transaction.ts';

/** Application usage control and what it depends on (Book 3, section 10.4.2; Book 4, annex A1). */

/** An automated teller machine: an unattended terminal of a financial institution that pays out cash. */
export function isAtm(data: DataStore): boolean {
  const type = data.byte(TAG.terminalType, 0);
  return type >= 0x14 && type <= 0x16 && (data.byte(TAG.additionalCapabilities, 0) & 0x80) !== 0;
}

/** Terminal types whose second digit is 4, 5 or 6 stand alone. */
export function isUnattended(data: DataStore): boolean {
  return (data.byte(TAG.terminalType, 0) & 0x0f) >= 4;
}

export function isCash(parameters: TransactionParameters): boolean {
  return parameters.transactionType === 0x01 || parameters.transactionType === 0x17;
}

export function isCashback(parameters: TransactionParameters): boolean {
  return parameters.transactionType === 0x09 || (!isCash(parameters) && parameters.otherMinor > 0);
}

/** Why the card does not allow this service here; `undefined` when it does or says nothing. */
export function serviceAllowed(data: DataStore, parameters: TransactionParameters): string | undefined {
  const auc = data.get(TAG.auc);
  if (auc === undefined) return undefined;
  const [first = 0, second = 0] = auc;
  if (isAtm(data)) {
    if ((first & 0x02) === 0) return 'not valid at ATMs';
  } else if ((first & 0x01) === 0) return 'not valid at terminals other than ATMs';
  const issuer = data.get(TAG.issuerCountry);
  const terminal = data.get(TAG.terminalCountry);
  if (issuer === undefined || terminal === undefined) return undefined;
  const domestic = toHex(issuer) === toHex(terminal);
  const place = domestic ? 'domestic' : 'international';
  const has = (byte: number, domesticMask: number) =>
    (byte & (domestic ? domesticMask : domesticMask >> 1)) !== 0;
  if (isCash(parameters)) return has(first, 0x80) ? undefined : `no ${place} cash`;
  if (isCashback(parameters) && !has(second, 0x80)) return `no ${place} cashback`;
  return isPurchase(parameters) && !has(first, 0x20) && !has(first, 0x08)
    ? `no ${place} goods or services`
    : undefined;
}

function isPurchase(parameters: TransactionParameters): boolean {
  return parameters.transactionType === 0x00 || parameters.transactionType === 0x09;
}
