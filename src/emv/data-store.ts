import { bcdToNumber, toHex } from '../platform/bytes.ts';
import { tagHex } from '../tlv/ber.ts';

/** Every data object of one transaction: the terminal's, the card's and the issuer's, by tag. */
export class DataStore {
  readonly #values = new Map<number, Uint8Array>();

  get(tag: number): Uint8Array | undefined {
    return this.#values.get(tag);
  }

  has(tag: number): boolean {
    return this.#values.has(tag);
  }

  set(tag: number, value: Uint8Array): void {
    this.#values.set(tag, value);
  }

  delete(tag: number): void {
    this.#values.delete(tag);
  }

  /** One byte of an object, 0 when the object or the byte is missing. */
  byte(tag: number, index: number): number {
    return this.#values.get(tag)?.[index] ?? 0;
  }

  /** The number in a BCD object; `undefined` when it is absent or not numeric. */
  number(tag: number): number | undefined {
    const value = this.#values.get(tag);
    return value === undefined ? undefined : bcdToNumber(value);
  }

  tags(): readonly number[] {
    return [...this.#values.keys()];
  }

  /** A second store with the same objects; later changes to one leave the other alone. */
  copy(): DataStore {
    const copy = new DataStore();
    for (const [tag, value] of this.#values) copy.#values.set(tag, value.slice());
    return copy;
  }

  /** Upper-case hex by tag, in the order of the tags. */
  toObjects(): Record<string, string> {
    const tags = [...this.#values.keys()].sort((a, b) => (tagHex(a) < tagHex(b) ? -1 : 1));
    const objects: Record<string, string> = {};
    for (const tag of tags) objects[tagHex(tag)] = toHex(this.#values.get(tag) as Uint8Array);
    return objects;
  }
}
