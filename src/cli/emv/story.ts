import type { EmvDocument } from '../../emv/document.ts';
import { fromHex } from '../../platform/bytes.ts';
import { describeBits } from '../../tlv/bits.ts';

/** The document as a story: what was decided in each phase, and why. */
export function emvStory(document: EmvDocument): string {
  const lines: string[] = [];
  let phase = '';
  for (const decision of document.decisions) {
    if (decision.phase !== phase) lines.push(`${lines.length === 0 ? '' : '\n'}${decision.phase}`);
    phase = decision.phase;
    lines.push(`  ${decision.rule}: ${decision.reason}  [${decision.spec}]`);
  }
  const bits = (tag: number, value: string) =>
    (describeBits(tag, fromHex(value)) ?? []).map(
      ({ byte, bit, meaning }) => `    byte ${byte} bit ${bit}  ${meaning}`,
    );
  return [
    ...lines,
    '',
    ...document.candidates.map(
      ({ aid, label, priority }, i) => `Candidate ${i + 1}  ${aid} ${label} (priority ${priority})`,
    ),
    `AID          ${document.aid}`,
    `TVR          ${document.tvr}`,
    ...bits(0x95, document.tvr),
    `TSI          ${document.tsi}`,
    ...bits(0x9b, document.tsi),
    `CVM Results  ${document.cvmResults}`,
    `CID          ${document.cid}`,
    `APDUs        ${document.apdus.length}`,
    '',
    `${document.outcome.code}: ${document.outcome.reason}`,
  ].join('\n');
}
