import { fromLatin1 } from '../platform/bytes.ts';
import { findTlv, type Tlv } from '../tlv/ber.ts';
import { openTemplate } from './records.ts';
import { TAG } from './tags.ts';

/** File Control Information, the answer to SELECT (Book 1, section 11.3.4). */
export interface Fci {
  readonly dfName: Uint8Array;
  /** Objects of the proprietary template A5. */
  readonly proprietary: readonly Tlv[];
}

/** Reads an FCI: template 6F with 84 and A5; `undefined` when it is anything else. */
export function parseFci(data: Uint8Array): Fci | undefined {
  const items = openTemplate(data, TAG.fci);
  if (items === undefined) return undefined;
  const dfName = findTlv(items, TAG.dfName)?.value;
  if (dfName === undefined || dfName.length < 5 || dfName.length > 16) return undefined;
  return { dfName, proprietary: findTlv(items, TAG.fciProprietary)?.children ?? [] };
}

/**
 * What to call an application: its preferred name when the terminal has the card's code table, else its label
 * (Book 1, section 12.4; Book 4, section 11.1). Only printable characters are kept.
 * @param additionalCapabilities tag 9F40
 */
export function applicationLabel(
  items: readonly Tlv[],
  additionalCapabilities: Uint8Array | undefined,
): string {
  const table = findTlv(items, TAG.issuerCodeTable)?.value[0];
  const preferred = findTlv(items, TAG.preferredName)?.value;
  if (preferred !== undefined && table !== undefined && hasCodeTable(additionalCapabilities, table)) {
    return printable(preferred);
  }
  return printable(findTlv(items, TAG.label)?.value ?? new Uint8Array(0));
}

/** Bits 1 to 8 of byte 5 stand for tables 1 to 8, bits 1 and 2 of byte 4 for 9 and 10. */
function hasCodeTable(capabilities: Uint8Array | undefined, table: number): boolean {
  if (table < 1 || table > 10) return false;
  const byte = capabilities?.[table <= 8 ? 4 : 3] ?? 0;
  return (byte & (1 << ((table - 1) % 8))) !== 0;
}

function printable(bytes: Uint8Array): string {
  return fromLatin1(bytes.filter((b) => (b >= 0x20 && b < 0x7f) || b >= 0xa0)).trim();
}
