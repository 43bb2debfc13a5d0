import { bytesToUint } from '../platform/bytes.ts';

/** One cardholder verification rule (EMV Book 3, annex C3). */
export interface CvmRule {
  /** First byte as it is, with the bit that says what happens on failure. */
  readonly code: number;
  readonly condition: number;
  /** Bits 6 to 1 of the code. */
  readonly method: number;
  /** Apply the next rule when this one fails. */
  readonly continues: boolean;
}

/** Cardholder Verification Method List, tag 8E. */
export interface CvmList {
  /** Amounts of conditions 06 to 09, in minor units of the application currency. */
  readonly amountX: number;
  readonly amountY: number;
  readonly rules: readonly CvmRule[];
}

/** Reads tag 8E; `undefined` when it is shorter than its two amounts or ends inside a rule. */
export function parseCvmList(value: Uint8Array): CvmList | undefined {
  if (value.length < 8 || value.length % 2 !== 0) return undefined;
  const rules: CvmRule[] = [];
  for (let i = 8; i < value.length; i += 2) {
    rules.push(cvmRule(value[i] as number, value[i + 1] as number));
  }
  return { amountX: bytesToUint(value.subarray(0, 4)), amountY: bytesToUint(value.subarray(4, 8)), rules };
}

function cvmRule(code: number, condition: number): CvmRule {
  return { code, condition, method: code & 0x3f, continues: (code & 0x40) !== 0 };
}

const METHODS: Readonly<Record<number, string>> = {
  0: 'Fail CVM processing',
  1: 'Plaintext PIN verified by ICC',
  2: 'Enciphered PIN verified online',
  3: 'Plaintext PIN verified by ICC and signature',
  4: 'Enciphered PIN verified by ICC',
  5: 'Enciphered PIN verified by ICC and signature',
  30: 'Signature',
  31: 'No CVM required',
  63: 'No CVM performed',
};

const CONDITIONS = [
  'always',
  'if unattended cash',
  'if not unattended cash, not manual cash and not purchase with cashback',
  'if the terminal supports the CVM',
  'if manual cash',
  'if purchase with cashback',
  'if the amount is under X',
  'if the amount is over X',
  'if the amount is under Y',
  'if the amount is over Y',
] as const;

const RESULTS = ['unknown', 'failed', 'successful'] as const;

/** A rule's method (bits 6 to 1 of its first byte) in words. */
export function cvmMethodName(method: number): string {
  return METHODS[method & 0x3f] ?? 'RFU';
}

/** A rule's condition in words. */
export function cvmConditionName(condition: number): string {
  return CONDITIONS[condition] ?? 'RFU';
}

/** CVM Results, tag 9F34 (Book 4, annex A4), in words. */
export function describeCvmResults(value: Uint8Array): string {
  const [code = 0, condition = 0, result = 0] = value;
  return `${cvmMethodName(code)}, ${cvmConditionName(condition)}: ${RESULTS[result] ?? 'RFU'}`;
}
