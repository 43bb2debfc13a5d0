import { type IsoMessage, textField } from '../iso8583/index.ts';

const FINANCIAL = /^0[124]/;

/** Compared whenever both sides have them (host-protocol 15.1); the currency belongs to the amount. */
const COMPARED = [3, 4, 11, 41, 42, 49] as const;

/**
 * Whether `answer` belongs to `request`.
 * @returns the reason why it does not, or `undefined` when it does
 */
export function mismatch(request: IsoMessage, answer: IsoMessage): string | undefined {
  const expected = answerMti(request.mti);
  if (answer.mti !== expected) return `MTI ${answer.mti} instead of ${expected}`;
  for (const field of COMPARED) {
    const sent = textField(request, field);
    const came = textField(answer, field);
    if (came === undefined) {
      if (mustBeThere(field, request.mti)) return `field ${field} is missing`;
    } else if (sent !== undefined && came.trimEnd() !== sent.trimEnd()) {
      return `field ${field} differs`;
    }
  }
  return undefined;
}

function mustBeThere(field: number, mti: string): boolean {
  return field === 3 || field === 11 || field === 41 || (field === 4 && FINANCIAL.test(mti));
}

/** 0200 → 0210, 0220 → 0230: the third digit counts up by one. */
export function answerMti(mti: string): string {
  return mti.slice(0, 2) + String(Number(mti[2]) + 1) + mti.slice(3);
}
