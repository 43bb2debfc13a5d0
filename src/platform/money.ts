import { PossumError } from './errors.ts';

/** Letters of the currencies whose code a receipt shows; others print their number (ISO 4217). */
const ALPHABETIC: Readonly<Record<string, string>> = {
  '036': 'AUD',
  '124': 'CAD',
  '156': 'CNY',
  '344': 'HKD',
  '356': 'INR',
  '392': 'JPY',
  '410': 'KRW',
  '458': 'MYR',
  '702': 'SGD',
  '756': 'CHF',
  '764': 'THB',
  '826': 'GBP',
  '840': 'USD',
  '978': 'EUR',
};

/** `GBP` for `826`. @param code ISO 4217 numeric, three digits */
export function currencyLetters(code: string): string {
  return ALPHABETIC[code] ?? code;
}

/** `10.00` for 1000 with exponent 2. Amounts are integers in minor units everywhere inside. */
export function formatAmount(minor: number, exponent: number): string {
  const digits = String(Math.abs(minor)).padStart(exponent + 1, '0');
  const cut = digits.length - exponent;
  return `${minor < 0 ? '-' : ''}${digits.slice(0, cut)}${exponent === 0 ? '' : `.${digits.slice(cut)}`}`;
}

/**
 * Minor units of `10.00` or `10`.
 * @throws PossumError `USAGE` when it is no amount, has too many decimals, or more than twelve digits
 */
export function parseAmount(text: string, exponent: number): number {
  const match = /^(\d{1,12})(?:\.(\d+))?$/.exec(text.trim());
  const [, whole = '', fraction = ''] = match ?? [];
  if (
    match === null ||
    fraction.length > exponent ||
    whole.length + exponent > 12 + (whole.startsWith('0') ? 1 : 0)
  ) {
    throw new PossumError('USAGE', `"${text}" is not an amount`, {
      remedy: `Write it as ${exponent === 0 ? '1000' : `10.${'0'.repeat(exponent)}`}.`,
    });
  }
  return Number(whole + fraction.padEnd(exponent, '0'));
}
