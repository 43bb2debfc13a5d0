import { createHash } from 'node:crypto';
import { concat, equalBytes } from '../../platform/bytes.ts';
import { findTlv, parseTlv, type Tlv } from '../../tlv/ber.ts';
import { buildDol, dolHas } from '../../tlv/dol.ts';
import { generateAcCommand, type RequestedType } from '../commands.ts';
import { answerDol, decide, end, faultOutcome, performed, raise, swText } from '../kernel.ts';
import { readCdaDynamicData, verifySdad } from '../oda/signatures.ts';
import { TAG } from '../tags.ts';
import type { Outcome } from '../transaction.ts';
import { TSI, TVR } from '../tvr.ts';
import { type ContactContext, selectedConfig } from './context.ts';

/** What both GENERATE ACs have in common (Book 3, sections 6.5.5 and 9.3; CDA: Book 2, section 6.6). */

export interface Cryptogram {
  readonly type: RequestedType;
  /** CDA was asked for, and its signature does not hold. */
  readonly cdaFailed: boolean;
}

const RANK = { AAC: 0, ARQC: 1, TC: 2 } as const;
const TYPES: readonly (RequestedType | undefined)[] = ['AAC', 'TC', 'ARQC', undefined];
const CDA_SPEC = 'EMV 4.3 Book 2, 6.6';

/** The data of a CDOL, with the TC Hash Value computed when the list asks for it (Book 3, section 5.4). */
export function answerCdol(context: ContactContext, cdol: Uint8Array) {
  if (dolHas(cdol, TAG.tcHash)) {
    const fromCard = context.data.get(TAG.tdol);
    if (fromCard === undefined) {
      raise(context, 'gac1', TVR.defaultTdol, 'the card has no TDOL', 'EMV 4.3 Book 3, 10.6');
    }
    const tdol = fromCard ?? selectedConfig(context).defaultTdol ?? new Uint8Array(0);
    const input = buildDol(tdol, (tag) => context.data.get(tag), context.tagContext);
    if (!input.ok) return input;
    context.data.set(TAG.tcHash, Uint8Array.from(createHash('sha1').update(input.value).digest()));
  }
  return answerDol(context, cdol);
}

/**
 * Sends GENERATE AC and takes the answer apart.
 * @param signedBefore the CDOL data of earlier commands, for the transaction data hash
 */
export async function generateAc(
  context: ContactContext,
  phase: 'gac1' | 'gac2',
  request: RequestedType,
  cda: boolean,
  signedBefore: readonly Uint8Array[],
  cdolData: Uint8Array,
): Promise<Cryptogram | Outcome> {
  const answer = await context.card.send(generateAcCommand(request, cda, cdolData));
  if (answer.kind === 'fault') return faultOutcome(context, answer.fault);
  if (answer.sw !== 0x9000) return end('CARD_ERROR', `GENERATE AC gave ${swText(answer.sw)}`);
  const template = takeAnswer(context, answer.data);
  if (typeof template === 'string') return end('CARD_ERROR', `GENERATE AC: ${template}`);
  const cid = context.data.byte(TAG.cid, 0);
  const type = TYPES[cid >> 6];
  if (type === undefined) return end('CARD_ERROR', 'the card gave a reserved cryptogram type');
  if (RANK[type] > RANK[request]) {
    return end('CARD_ERROR', `the card gave ${type} where ${request} was asked for`);
  }
  decide(context, phase, `Card gave ${type}`, `${request} was asked for`, 'EMV 4.3 Book 3, 10.8');
  const signed = cda && type !== 'AAC';
  if (signed) return { type, cdaFailed: !verifyCda(context, phase, template, [...signedBefore, cdolData]) };
  if (!context.data.has(TAG.cryptogram)) return end('CARD_ERROR', 'the answer holds no cryptogram');
  return { type, cdaFailed: false };
}

/** Stores the objects of an answer in either format. @returns its template, or what is wrong */
function takeAnswer(context: ContactContext, response: Uint8Array): Tlv | string {
  const { data } = context;
  const parsed = parseTlv(response);
  if (!parsed.ok) return parsed.error.message;
  const template = parsed.items.length === 1 ? parsed.items[0] : undefined;
  for (const tag of [TAG.cid, TAG.atc, TAG.cryptogram, TAG.sdad]) data.delete(tag);
  if (template?.tag === TAG.responseFormat1) {
    const { value } = template;
    if (value.length < 11 || value.length > 43) return 'an answer of format 1 has a wrong length';
    data.set(TAG.cid, value.subarray(0, 1));
    data.set(TAG.atc, value.subarray(1, 3));
    data.set(TAG.cryptogram, value.subarray(3, 11));
    if (value.length > 11) data.set(TAG.issuerApplicationData, value.subarray(11));
    return template;
  }
  if (template?.tag !== TAG.responseTemplate) return 'the answer is neither format 1 nor format 2';
  return takeObjects(context, template) ?? template;
}

const LENGTHS: ReadonlyMap<number, readonly [min: number, max: number]> = new Map([
  [TAG.cid, [1, 1]],
  [TAG.atc, [2, 2]],
  [TAG.cryptogram, [8, 8]],
  [TAG.issuerApplicationData, [0, 32]],
]);

function takeObjects(context: ContactContext, template: Tlv): string | undefined {
  const seen = new Set<number>();
  for (const { tag, value, children } of template.children ?? []) {
    if (children !== undefined) continue;
    if (seen.has(tag)) return 'an object occurs twice';
    seen.add(tag);
    const limits = LENGTHS.get(tag);
    if (limits === undefined && tag !== TAG.sdad) continue;
    if (limits !== undefined && (value.length < limits[0] || value.length > limits[1])) {
      return 'an object has a wrong length';
    }
    context.data.set(tag, value);
  }
  return seen.has(TAG.cid) && seen.has(TAG.atc) ? undefined : 'cryptogram information or ATC is missing';
}

/** Book 2, section 6.6.2: the signature must cover this cryptogram and all data that was exchanged. */
function verifyCda(
  context: ContactContext,
  phase: 'gac1' | 'gac2',
  template: Tlv,
  cdolData: readonly Uint8Array[],
): boolean {
  const reason = cdaDefect(context, template, cdolData);
  performed(context, phase, TSI.oda, CDA_SPEC);
  if (reason === undefined) {
    decide(context, phase, 'CDA succeeded', 'signature and transaction data hash hold', CDA_SPEC);
    return true;
  }
  raise(context, phase, TVR.cdaFailed, reason, CDA_SPEC);
  return false;
}

function cdaDefect(
  context: ContactContext,
  template: Tlv,
  cdolData: readonly Uint8Array[],
): string | undefined {
  const { data, iccKey } = context;
  const sdad = data.get(TAG.sdad);
  if (iccKey === undefined || sdad === undefined) return 'the answer holds no signature';
  const dynamic = verifySdad(iccKey, sdad, data.get(TAG.unpredictableNumber) ?? new Uint8Array(0));
  if (!dynamic.ok) return dynamic.reason;
  const signed = readCdaDynamicData(dynamic.value);
  if (!signed.ok) return signed.reason;
  const { cid, cryptogram, iccDynamicNumber, transactionDataHash } = signed.value;
  if (cid !== data.byte(TAG.cid, 0))
    return 'the signed cryptogram information differs from that of the answer';
  const hashed = concat(context.pdolData, ...cdolData, withoutSignature(template));
  const hash = createHash('sha1').update(hashed).digest();
  if (!equalBytes(hash, transactionDataHash)) return 'the transaction data hash does not match';
  data.set(TAG.cryptogram, cryptogram);
  data.set(TAG.iccDynamicNumber, iccDynamicNumber);
  return undefined;
}

/** The objects of the answer as they were sent, except for 9F4B. */
function withoutSignature(template: Tlv): Uint8Array {
  const { value, children = [] } = template;
  const sdad = findTlv(children, TAG.sdad);
  if (sdad === undefined) return value;
  const start = sdad.value.byteOffset - value.byteOffset;
  const before = children[children.indexOf(sdad) - 1];
  const headerAt =
    before === undefined ? 0 : before.value.byteOffset - value.byteOffset + before.value.length;
  return concat(value.subarray(0, headerAt), value.subarray(start + sdad.value.length));
}
