import { concat } from '../../src/platform/bytes.ts';

export interface T0CharacterSettings {
  /** One TPDU and its answer, see `T0Card`. */
  readonly exchange: (tpdu: Uint8Array) => Uint8Array;
  /** Whether P3 of a command counts data that the card receives. */
  readonly receivesData?: (header: Uint8Array) => boolean;
  /** Asks for data in one go, or for each byte by the complement of INS. */
  readonly acknowledge?: 'all' | 'each';
  /** NULL procedure bytes before a status or data, for the command with this header. */
  readonly nulls?: (header: Uint8Array) => number;
}

/** Instructions whose P3 is the length of data from the terminal. The others are answered from the header. */
const RECEIVING: ReadonlySet<number> = new Set([
  0x04, 0x0e, 0x10, 0x12, 0x14, 0x16, 0x18, 0x1e, 0x20, 0x21, 0x22, 0x24, 0x26, 0x28, 0x2a, 0x2c, 0x44, 0x82,
  0x86, 0x87, 0x88, 0xa4, 0xa8, 0xae, 0xc2, 0xcb, 0xd0, 0xd2, 0xd6, 0xd7, 0xda, 0xdb, 0xdc, 0xdd, 0xe0, 0xe2,
  0xe4,
]);
const NULL = 0x60;

/**
 * The card's end of T=0, character by character (ISO/IEC 7816-3:2006, section 10.3): bytes of the terminal in, what
 * the card says to them out.
 */
export class T0CardCharacters {
  readonly #settings: Required<T0CharacterSettings>;
  #header: number[] = [];
  #data: number[] = [];

  constructor(settings: T0CharacterSettings) {
    this.#settings = {
      receivesData: (header) => RECEIVING.has(header[1] ?? 0),
      acknowledge: 'all',
      nulls: () => 0,
      ...settings,
    };
  }

  /** Forgets a half received command. */
  reset(): void {
    this.#header = [];
    this.#data = [];
  }

  /** Takes bytes in pieces of any size. */
  take(bytes: Uint8Array): Uint8Array {
    const said: Uint8Array[] = [];
    for (const byte of bytes) said.push(this.#character(byte));
    return concat(...said);
  }

  #character(byte: number): Uint8Array {
    if (this.#header.length < 5) {
      this.#header.push(byte);
      if (this.#header.length < 5) return new Uint8Array(0);
      return this.#expected > 0 ? this.#acknowledge() : this.#answer();
    }
    this.#data.push(byte);
    if (this.#data.length === this.#expected) return this.#answer();
    return this.#settings.acknowledge === 'each' ? this.#acknowledge() : new Uint8Array(0);
  }

  get #expected(): number {
    const header = Uint8Array.from(this.#header);
    return this.#settings.receivesData(header) ? (header[4] as number) : 0;
  }

  #acknowledge(): Uint8Array {
    const ins = this.#header[1] as number;
    return Uint8Array.of(this.#settings.acknowledge === 'each' ? ins ^ 0xff : ins);
  }

  #answer(): Uint8Array {
    const header = Uint8Array.from(this.#header);
    const ins = header[1] as number;
    const response = this.#settings.exchange(Uint8Array.from([...this.#header, ...this.#data]));
    this.reset();
    const nulls = new Uint8Array(this.#settings.nulls(header)).fill(NULL);
    if (response.length <= 2) return concat(nulls, response);
    const data = response.subarray(0, -2);
    const status = response.subarray(-2);
    if (this.#settings.acknowledge === 'all') return concat(nulls, Uint8Array.of(ins), data, status);
    const each = Uint8Array.from([...data].flatMap((byte) => [ins ^ 0xff, byte]));
    return concat(nulls, each, status);
  }
}
