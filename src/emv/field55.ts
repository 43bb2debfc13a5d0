import { concat } from '../platform/bytes.ts';
import { encodeTlv } from '../tlv/ber.ts';
import type { DataStore } from './data-store.ts';

/** Chip data for a host message (field 55): plain TLV, one object after the other. */

/** Tags of a request, an advice and an uploaded chip sale, in this order. */
export const FIELD55_SALE: readonly number[] = [
  0x9f26, 0x9f27, 0x9f10, 0x9f37, 0x9f36, 0x95, 0x9a, 0x9c, 0x9f02, 0x5f2a, 0x82, 0x9f1a, 0x9f03, 0x9f33,
  0x9f34, 0x9f35, 0x9f1e, 0x84, 0x9f09, 0x9f41, 0x9f63,
];

/** What an offline-approved sale adds: the terminal's own response code. */
export const FIELD55_OFFLINE_SALE: readonly number[] = [...FIELD55_SALE, 0x8a];

const AMOUNT_OTHER = 0x9f03;

/**
 * Builds field 55 from the objects of a transaction. A missing object is left out, except for 9F03, which is then
 * sent as zeros.
 */
export function buildField55(data: DataStore, tags: readonly number[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const tag of tags) {
    const value = data.get(tag) ?? (tag === AMOUNT_OTHER ? new Uint8Array(6) : undefined);
    if (value !== undefined) parts.push(encodeTlv(tag, value));
  }
  return concat(...parts);
}
