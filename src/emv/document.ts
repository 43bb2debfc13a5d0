import * as z from 'zod';
import { toHex } from '../platform/bytes.ts';
import { isTestPan } from '../platform/test-cards.ts';
import { tagFromHex } from '../tlv/ber.ts';
import { maskVerifyData, redactCommand, redactResponse, redactValue } from '../tlv/redact.ts';
import type { KeptRecord, RecordedExchange } from './record.ts';
import { TAG } from './tags.ts';
import { type EmvResult, OUTCOME_CODES } from './transaction.ts';

/** The JSON document of one transaction, as `possum emv --json` prints it. */

const hexText = z.string().regex(/^([0-9A-F]{2})*$/);

/** Schema of {@link EmvDocument}. Hex is upper-case without spaces; objects that do not exist are empty strings. */
export const emvDocumentSchema = z.strictObject({
  outcome: z.strictObject({ code: z.enum(OUTCOME_CODES), reason: z.string() }),
  candidates: z.array(
    z.strictObject({ aid: hexText, label: z.string(), priority: z.number().int().min(0).max(15) }),
  ),
  aid: hexText,
  tvr: hexText,
  tsi: hexText,
  cvmResults: hexText,
  cid: hexText,
  objects: z.record(hexText, hexText),
  decisions: z.array(
    z.strictObject({ phase: z.string(), rule: z.string(), reason: z.string(), spec: z.string() }),
  ),
  apdus: z.array(z.strictObject({ command: hexText, response: hexText, fault: z.string().optional() })),
});

export type EmvDocument = z.output<typeof emvDocumentSchema>;

/** JSON Schema of the document, as it lies in `emv-fixtures/document.schema.json`. */
export function emvDocumentJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(emvDocumentSchema) as Record<string, unknown>;
}

/**
 * Builds the document. PAN-bearing values stand in full only when the PAN belongs to a test card or to our own
 * issuer; PINs never.
 */
export function emvDocument(result: EmvResult, record: KeptRecord): EmvDocument {
  const open = result.pan !== undefined && isTestPan(result.pan.reveal());
  const { data } = result;
  const text = (tag: number) => toHex(data.get(tag) ?? new Uint8Array(0));
  return {
    outcome: { code: result.outcome.code, reason: result.outcome.reason },
    candidates: result.candidates.map(({ aid, label, priority }) => ({ aid: toHex(aid), label, priority })),
    aid: toHex(result.aid ?? new Uint8Array(0)),
    tvr: text(TAG.tvr),
    tsi: text(TAG.tsi),
    cvmResults: text(TAG.cvmResults),
    cid: text(TAG.cid),
    objects: open ? data.toObjects() : maskedObjects(data.toObjects(), result),
    decisions: record.decisions.map(({ phase, rule, reason, spec }) => ({ phase, rule, reason, spec })),
    apdus: record.exchanges.map((exchange) => describeExchange(exchange, open)),
  };
}

function maskedObjects(objects: Record<string, string>, result: EmvResult): Record<string, string> {
  const masked: Record<string, string> = {};
  for (const name of Object.keys(objects)) {
    const tag = tagFromHex(name);
    masked[name] = toHex(redactValue(tag, result.data.get(tag) ?? new Uint8Array(0)));
  }
  return masked;
}

function describeExchange(exchange: RecordedExchange, open: boolean): EmvDocument['apdus'][number] {
  const command = open ? maskVerifyData(exchange.command) : redactCommand(exchange.command);
  const response = open ? exchange.response : redactResponse(exchange.response);
  return {
    command: toHex(command),
    response: toHex(response),
    ...(exchange.fault === undefined ? {} : { fault: exchange.fault }),
  };
}
