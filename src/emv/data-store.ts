import { bcdToNumber, toHex } from '../platform/bytes.ts';
import { tagHex } from '../tlv/ber.ts';

const NOTHING: ReadonlyMap<number, Uint8Array> = new Map();

/** Every data object of one transaction: the terminal's, the card's and the issuer's, by tag. */
export class DataStore {
  readonly #terminal: ReadonlyMap<number, Uint8Array>;
  /** What came since the start; `undefined` hides an object of the terminal. */
  readonly #values = new Map<number, Uint8Array | undefined>();

  /** @param terminal objects that are there from the start; the map itself is left alone */
  constructor(terminal: ReadonlyMap<number, Uint8Array> = NOTHING) {
    this.#terminal = terminal;
  }

  get(tag: number): Uint8Array | undefined {
    const value = this.#values.get(tag);
    return value !== undefined || this.#values.has(tag) ? value : this.#terminal.get(tag);
  }

  has(tag: number): boolean {
    return this.get(tag) !== undefined;
  }

  set(tag: number, value: Uint8Array): void {
    this.#values.set(tag, value);
  }

  delete(tag: number): void {
    this.#values.set(tag, undefined);
  }

  /** One byte of an object, 0 when the object or the byte is missing. */
  byte(tag: number, index: number): number {
    return this.get(tag)?.[index] ?? 0;
  }

  /** The number in a BCD object; `undefined` when it is absent or not numeric. */
  number(tag: number): number | undefined {
    const value = this.get(tag);
    return value === undefined ? undefined : bcdToNumber(value);
  }

  tags(): readonly number[] {
    return [...new Set([...this.#terminal.keys(), ...this.#values.keys()])].filter((tag) => this.has(tag));
  }

  /** A second store with the same objects; later changes to one leave the other alone. */
  copy(): DataStore {
    const copy = new DataStore();
    for (const tag of this.tags()) copy.set(tag, (this.get(tag) as Uint8Array).slice());
    return copy;
  }

  /** Upper-case hex by tag, in the order of the tags. */
  toObjects(): Record<string, string> {
    const tags = [...this.tags()].sort((a, b) => (tagHex(a) < tagHex(b) ? -1 : 1));
    const objects: Record<string, string> = {};
    for (const tag of tags) objects[tagHex(tag)] = toHex(this.get(tag) as Uint8Array);
    return objects;
  }
}
