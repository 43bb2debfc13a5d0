import { concat } from '../../src/platform/bytes.ts';

/** ESC/POS commands, written and read. Pure: no time, no stream. */

export const DLE = 0x10;
const ESC = 0x1b;
const FS = 0x1c;
const GS = 0x1d;

export const LINE_FEED = Uint8Array.of(0x0a);
export const INITIALISE = Uint8Array.of(ESC, 0x40);
export const CHINESE_ON = Uint8Array.of(FS, 0x26);
export const CHINESE_OFF = Uint8Array.of(FS, 0x2e);
/** Asks for the state of the paper once everything before is printed. */
export const PAPER_WHEN_DONE = Uint8Array.of(GS, 0x72, 0x01);
export const AUTOMATIC_STATUS_OFF = Uint8Array.of(GS, 0x61, 0x00);
/** Asks for the printer's name. */
export const NAME = Uint8Array.of(GS, 0x49, 0x43);
/** Executed at once, even with a full buffer: forgets what is not printed yet. */
export const CLEAR_BUFFER = Uint8Array.of(DLE, 0x14, 0x08, 0x01, 0x03, 0x14, 0x01, 0x06, 0x02, 0x08);

export type StatusQuery = 1 | 2 | 3 | 4;

/** Executed at once: 1 printer, 2 cause of being offline, 3 error, 4 paper. */
export const realTimeStatus = (query: StatusQuery) => Uint8Array.of(DLE, 0x04, query);

const ALIGNMENT = { left: 0, center: 1, right: 2 } as const;

export const align = (to: keyof typeof ALIGNMENT) => Uint8Array.of(ESC, 0x61, ALIGNMENT[to]);
export const bold = (on: boolean) => Uint8Array.of(ESC, 0x45, on ? 1 : 0);
export const selectCodePage = (number: number) => Uint8Array.of(ESC, 0x74, number);
export const feedLines = (count: number) => Uint8Array.of(ESC, 0x64, count);

/** Feeds `feed` dots so that the last line passes the knife, then cuts. */
export const cut = (kind: 'full' | 'partial', feed: number) =>
  Uint8Array.of(GS, 0x56, kind === 'full' ? 65 : 66, feed);

/** @param pin 0 is connector pin 2, 1 is pin 5. Times in milliseconds, up to 510, in steps of 2 */
export const drawerPulse = (pin: 0 | 1, onMs: number, offMs: number) =>
  Uint8Array.of(ESC, 0x70, pin, Math.min(onMs >> 1, 0xff), Math.min(offMs >> 1, 0xff));

/** One band of an image, a bit a dot, most significant bit left. */
export const raster = (bytesPerRow: number, rows: number, dots: Uint8Array) =>
  concat(
    Uint8Array.of(GS, 0x76, 0x30, 0, bytesPerRow & 0xff, bytesPerRow >> 8, rows & 0xff, rows >> 8),
    dots,
  );

export type QrCorrection = 'L' | 'M' | 'Q' | 'H';

/** The commands that store and print a QR code of model 2; `module` is the size of its squares in dots, 1 to 16. */
export function qrCode(data: Uint8Array, module: number, correction: QrCorrection): Uint8Array[] {
  return [
    symbol(0x41, 0x32, 0x00),
    symbol(0x43, module),
    symbol(0x45, 48 + 'LMQH'.indexOf(correction)),
    symbol(0x50, 0x30, ...data),
    symbol(0x51, 0x30),
  ];
}

function symbol(code: number, ...parameters: number[]): Uint8Array {
  const length = parameters.length + 2;
  return Uint8Array.of(GS, 0x28, 0x6b, length & 0xff, length >> 8, 0x31, code, ...parameters);
}

export type Command =
  | { readonly kind: 'text'; readonly byte: number }
  /** `name` such as `ESC a` or `LF`; `data` is everything behind it. */
  | { readonly kind: 'command'; readonly name: string; readonly data: Uint8Array }
  | { readonly kind: 'unknown'; readonly bytes: Uint8Array };

const PREFIX: Readonly<Record<number, string>> = { [DLE]: 'DLE', [ESC]: 'ESC', [FS]: 'FS', [GS]: 'GS' };
const CONTROL: Readonly<Record<number, string>> = { 9: 'HT', 10: 'LF', 12: 'FF', 13: 'CR', 24: 'CAN' };

/** Bytes behind the name of commands whose length is fixed. */
const FIXED: Readonly<Record<string, number>> = {
  ...lengths('ESC', { '@': 0, 2: 0, '<': 0, L: 0, S: 0, i: 0, m: 0 }),
  ...lengths('ESC', {
    ' ': 1,
    '!': 1,
    '%': 1,
    '-': 1,
    3: 1,
    '=': 1,
    E: 1,
    G: 1,
    J: 1,
    K: 1,
    M: 1,
    R: 1,
    T: 1,
  }),
  ...lengths('ESC', { V: 1, a: 1, d: 1, e: 1, r: 1, t: 1, '{': 1, $: 2, '\\': 2, c: 2, p: 3, W: 8 }),
  ...lengths('FS', { '&': 0, '.': 0, '!': 1, '-': 1, C: 1, W: 1, S: 2, p: 2 }),
  ...lengths('GS', { ':': 0, '!': 1, B: 1, H: 1, I: 1, T: 1, a: 1, b: 1, f: 1, h: 1, r: 1, w: 1, '/': 1 }),
  ...lengths('GS', { $: 2, L: 2, P: 2, W: 2, '\\': 2, '^': 3 }),
  ...lengths('DLE', { '\x04': 1, '\x05': 1 }),
};

function lengths(prefix: string, of: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(of).map(([letter, length]) => [`${prefix} ${letter}`, length]));
}

/** What claims to be longer is no command. */
const MAX_COMMAND = 0x40000;
const MAX_LIST = 260;

/** Reads a printer's input byte by byte; any bytes give commands, and at most one command is kept. */
export class CommandReader {
  #held: number[] = [];
  #need = 1;

  /** True between the first and the last byte of a command. */
  get isInside(): boolean {
    return this.#held.length > 0;
  }

  take(byte: number): Command | undefined {
    this.#held.push(byte);
    if (this.#held.length < this.#need) return undefined;
    const size = sizeOf(this.#held);
    if (size !== undefined && size > this.#held.length) {
      this.#need = size;
      return undefined;
    }
    const bytes = Uint8Array.from(this.#held);
    this.reset();
    return size === undefined ? { kind: 'unknown', bytes } : commandOf(bytes);
  }

  reset(): void {
    this.#held = [];
    this.#need = 1;
  }
}

function commandOf(bytes: Uint8Array): Command {
  const first = bytes[0] as number;
  if (bytes.length > 1) return { kind: 'command', name: nameOf(bytes), data: bytes.slice(2) };
  if (first >= 0x20) return { kind: 'text', byte: first };
  const name = CONTROL[first];
  return name === undefined ? { kind: 'unknown', bytes } : { kind: 'command', name, data: new Uint8Array(0) };
}

function nameOf([prefix = 0, letter = 0]: ArrayLike<number> & Iterable<number>): string {
  return `${PREFIX[prefix]} ${String.fromCharCode(letter)}`;
}

/** Bytes of the command that begins so, or those that tell its length; `undefined` when it is unknown. */
function sizeOf(held: readonly number[]): number | undefined {
  if (PREFIX[held[0] as number] === undefined) return 1;
  if (held.length < 2) return 2;
  const name = nameOf(held);
  const fixed = Object.hasOwn(FIXED, name) ? FIXED[name] : undefined;
  const size = fixed === undefined ? variableSize(name, held) : fixed + 2;
  return size !== undefined && size > MAX_COMMAND ? undefined : size;
}

function variableSize(name: string, held: readonly number[]): number | undefined {
  const at = (index: number) => held[index] as number;
  const word = (index: number) => at(index) + at(index + 1) * 256;
  const known = (count: number, size: () => number | undefined) => (held.length < count ? count : size());
  switch (name) {
    case 'GS V':
      return known(3, () => (at(2) >= 65 ? 4 : 3));
    case 'GS v':
      return known(8, () => (at(2) === 0x30 ? 8 + word(4) * word(6) : undefined));
    case 'GS (':
    case 'FS (':
    case 'ESC (':
      return known(5, () => 5 + word(3));
    case 'GS k':
      return known(4, () => (at(2) >= 65 ? 4 + at(3) : listSize(held, 3)));
    case 'ESC *':
      return known(5, () => 5 + word(3) * (at(2) >= 32 ? 3 : 1));
    case 'ESC D':
      return known(3, () => listSize(held, 2));
    case 'DLE \x14':
      return known(3, () => (at(2) === 8 ? CLEAR_BUFFER.length : 5));
    default:
      return undefined;
  }
}

/** A list ends with NUL. */
function listSize(held: readonly number[], from: number): number {
  const isOver = held.length > from && (held.at(-1) === 0 || held.length >= MAX_LIST);
  return isOver ? held.length : held.length + 1;
}
