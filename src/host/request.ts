import { bytesField, type IsoMessage, textField } from '../iso8583/message.ts';
import type { HostProfile } from '../iso8583/profile.ts';

/** A financial request in the host's own words. */
export interface FinancialRequest {
  /** Key of the profile's transaction table; `reversal` for any reversal. */
  readonly type: string;
  readonly mti: string;
  readonly tid: string;
  readonly merchant: string;
  readonly stan: string;
  readonly invoice: string;
  readonly amountMinor: number;
  readonly entryMode: string;
  readonly pan: string;
  readonly expiry: string | undefined;
  readonly track2: string | undefined;
  readonly rrn: string | undefined;
  readonly approvalCode: string | undefined;
  readonly field55: Uint8Array | undefined;
  readonly pinBlock: Uint8Array | undefined;
}

export type ReadRequest =
  | { readonly kind: 'request'; readonly request: FinancialRequest }
  /** `code` is the answer's field 39. */
  | { readonly kind: 'refused'; readonly code: '30' | '12'; readonly reason: string };

/** The card number of field 2 or of the track; `undefined` when there is none or the two differ. */
export function panOf(message: IsoMessage): string | undefined {
  const pan = textField(message, 2);
  const track = /^(\d{8,19})=/.exec(textField(message, 35) ?? '')?.[1];
  if (pan !== undefined && track !== undefined && pan !== track) return undefined;
  return pan ?? track;
}

/** Checks the fields that every financial request must have, and names its type. */
export function readRequest(message: IsoMessage, profile: HostProfile, currency: string): ReadRequest {
  const format = (reason: string): ReadRequest => ({ kind: 'refused', code: '30', reason });
  const type = typeOf(message, profile);
  if (type === undefined) return { kind: 'refused', code: '12', reason: 'no such transaction' };
  const [stan, tid, merchant] = [textField(message, 11), textField(message, 41), textField(message, 42)];
  const [entryMode, condition] = [textField(message, 22), textField(message, 25)];
  if (stan === undefined || stan === '000000' || tid === undefined || merchant === undefined) {
    return format('trace number, terminal or merchant is missing');
  }
  if (entryMode === undefined || condition === undefined) return format('entry mode or condition is missing');
  const pan = panOf(message);
  if (pan === undefined || !/^\d{8,19}$/.test(pan)) return format('no card number, or two that differ');
  const balance = type === 'balance';
  const amount = textField(message, 4);
  if (amount === undefined && !balance) return format('the amount is missing');
  const invoice = textField(message, 62);
  if (!balance && (invoice === undefined || !/^\d{6}$/.test(invoice)))
    return format('the invoice is not six digits');
  if ((textField(message, 49) ?? currency) !== currency) {
    return { kind: 'refused', code: '12', reason: 'another currency' };
  }
  const track2 = textField(message, 35);
  return {
    kind: 'request',
    request: {
      type,
      mti: message.mti,
      tid,
      merchant,
      stan,
      invoice: invoice ?? '',
      amountMinor: Number(amount ?? '0'),
      entryMode,
      pan,
      expiry: textField(message, 14) ?? /=(\d{4})/.exec(track2 ?? '')?.[1],
      track2,
      rrn: textField(message, 37),
      approvalCode: textField(message, 38),
      field55: bytesField(message, 55),
      pinBlock: bytesField(message, 52),
    },
  };
}

/** The profile's name for this MTI, processing code and condition. */
function typeOf(message: IsoMessage, profile: HostProfile): string | undefined {
  const code = textField(message, 3);
  const condition = textField(message, 25);
  if (message.mti === profile.reversalMti) return code === undefined ? undefined : 'reversal';
  const { transactions = {} } = profile;
  const preAuthorised = condition === '06';
  return Object.keys(transactions).find((type) => {
    const row = transactions[type];
    return (
      row?.mti === message.mti && row.processingCode === code && (row.condition === '06') === preAuthorised
    );
  });
}
