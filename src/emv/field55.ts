import { encodeTlvs } from '../tlv/ber.ts';
import type { DataStore } from './data-store.ts';

/** Chip data for a host message (field 55): plain TLV, one object after the other. */

/**
 * Builds field 55 from the objects of a transaction. A missing object is left out.
 * @param tags in the order in which they are sent
 * @param zeroWhenMissing objects that are sent as this many zero bytes instead
 */
export function buildField55(
  data: DataStore,
  tags: readonly number[],
  zeroWhenMissing: ReadonlyMap<number, number>,
): Uint8Array {
  const objects: [number, Uint8Array][] = [];
  for (const tag of tags) {
    const zeros = zeroWhenMissing.get(tag);
    const value = data.get(tag) ?? (zeros === undefined ? undefined : new Uint8Array(zeros));
    if (value !== undefined) objects.push([tag, value]);
  }
  return encodeTlvs(objects);
}
