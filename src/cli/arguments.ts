import { PossumError } from '../platform/errors.ts';

/** Reads an invoice number as people type it. @throws PossumError `USAGE` */
export function invoiceNumber(text: string): number {
  return sixDigits(text, 'invoice', 'See `possum txn list`.');
}

/** Reads a batch number as people type it. @throws PossumError `USAGE` */
export function batchNumber(text: string): number {
  return sixDigits(text, 'batch', 'See `possum batch`.');
}

function sixDigits(text: string, what: string, remedy: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new PossumError('USAGE', `"${text}" is no ${what} number`, { remedy });
}
