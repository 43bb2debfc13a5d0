import { type IsoMessage, isoMessage } from '../iso8583/message.ts';
import type { MessageSpec } from '../iso8583/spec.ts';
import { concat, fromHex } from '../platform/bytes.ts';
import { dateParts } from '../platform/clock.ts';
import { encodeTlv } from '../tlv/ber.ts';
import type { AnswerRule } from './config.ts';
import type { Outcome } from './financial.ts';

/** Fields of an answer that repeat the request. */
const ECHOED = { financial: [3, 4, 11, 24, 25, 41], other: [3, 11, 24, 41] } as const;
const ISSUER_AUTHENTICATION_DATA = 0x91;

/** The MTI of the answer, or `undefined` when `mti` is no request. */
export function answerMti(mti: string): string | undefined {
  const functionDigit = Number(mti[2]);
  if (!/^0\d\d[01]$/.test(mti) || functionDigit % 2 !== 0) return undefined;
  return `${mti.slice(0, 2)}${functionDigit + 1}0`;
}

/** An answer with a code, the time, and what it repeats of the request. */
export function answerTo(
  request: IsoMessage,
  mti: string,
  kind: 'financial' | 'other',
  code: string,
  nowMs: number,
  rrn: string | undefined,
): IsoMessage {
  const { hhmmss, mmdd } = dateParts(nowMs);
  const answer = isoMessage(mti, { 12: hhmmss, 13: mmdd, 37: rrn, 39: code });
  for (const field of ECHOED[kind]) answer.fields[field] = request.fields[field];
  return answer;
}

/** What the issuer adds: approval code, partial amount, balance, chip data. */
export function addOutcome(
  answer: IsoMessage,
  outcome: Outcome,
  currency: string,
  approved: boolean,
  rule: AnswerRule | undefined,
): void {
  answer.fields[38] = approved ? outcome.approvalCode : undefined;
  if (outcome.amountMinor !== undefined) answer.fields[4] = String(outcome.amountMinor).padStart(12, '0');
  if (outcome.balanceMinor !== undefined) {
    const sign = outcome.balanceMinor < 0 ? 'D' : 'C';
    answer.fields[54] = `0002${currency}${sign}${String(Math.abs(outcome.balanceMinor)).padStart(12, '0')}`;
  }
  const parts: Uint8Array[] = [];
  if (outcome.chip !== undefined) {
    parts.push(
      encodeTlv(ISSUER_AUTHENTICATION_DATA, outcome.chip.issuerAuthenticationData(outcome.code, approved)),
    );
  }
  for (const { tag, value } of rule?.scripts ?? []) {
    parts.push(encodeTlv(Number.parseInt(tag, 16), fromHex(value)));
  }
  if (parts.length > 0) answer.fields[55] = concat(...parts);
}

/** Overwrites or removes fields as a rule says. */
export function overwriteFields(answer: IsoMessage, rule: AnswerRule | undefined, spec: MessageSpec): void {
  for (const [key, value] of Object.entries(rule?.fields ?? {})) {
    const field = Number(key);
    if (value === null) answer.fields[field] = undefined;
    else answer.fields[field] = spec.fields[key]?.format === 'b' ? fromHex(value) : value;
  }
}
