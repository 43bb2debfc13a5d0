import { byteOf, CODE_PAGES, characterOf } from '../escpos/code-pages.ts';

/** The CD5220 command set of customer displays of two lines. Pure: no time, no stream. */

export const COLUMNS = 20;
export const ROWS = 2;

const ESC = 0x1b;
const END_OF_TEXT = 0x0d;
const SUBSTITUTE = 0x3f;
const PAGE = '437';

export const CLEAR = Uint8Array.of(0x0c);
/** For a display between host and printer: what follows is for the display. */
export const SELECT_DISPLAY = Uint8Array.of(ESC, 0x3d, 0x02);
export const SELECT_PRINTER = Uint8Array.of(ESC, 0x3d, 0x01);

/** From 1 to 4. */
export const brightness = (level: 1 | 2 | 3 | 4) => Uint8Array.of(ESC, 0x2a, level);

/**
 * Writes the upper (0) or lower (1) line. The display then ignores other commands until {@link CLEAR}.
 */
export function writeLine(row: 0 | 1, text: string): Uint8Array {
  return Uint8Array.of(ESC, 0x51, 0x41 + row, ...codesOf(text), END_OF_TEXT);
}

/** Both lines in their whole width, written from the first place on. */
export function writeAll(upper: string, lower: string): Uint8Array {
  const codes = new Uint8Array(COLUMNS * ROWS).fill(0x20);
  codes.set(codesOf(upper), 0);
  codes.set(codesOf(lower), COLUMNS);
  return codes;
}

function codesOf(text: string): number[] {
  return [...text].slice(0, COLUMNS).map((character) => byteOf(PAGE, character) ?? SUBSTITUTE);
}

export type Command =
  | { readonly kind: 'text'; readonly character: string }
  | { readonly kind: 'line'; readonly row: 0 | 1 | 'scroll'; readonly text: string }
  /** `name` such as `ESC l` or `0C`. */
  | { readonly kind: 'command'; readonly name: string; readonly data: readonly number[] }
  | { readonly kind: 'unknown'; readonly bytes: readonly number[] };

const CONTROLS: readonly number[] = [0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x18];
/** Bytes behind ESC and a letter. */
const LENGTHS: Readonly<Record<number, number>> = {
  17: 0,
  18: 0,
  19: 0,
  42: 1,
  61: 1,
  64: 0,
  95: 1,
  99: 1,
  102: 1,
  108: 2,
};
const WRITE = 0x51;
const WRITE_ROWS: Readonly<Record<number, 0 | 1 | 'scroll'>> = { 65: 0, 66: 1, 68: 'scroll' };
/** Scrolled text may be longer than a line. */
const MAX_TEXT = 40;

/** Reads a display's input byte by byte; any bytes give commands, and at most one command is kept. */
export class CommandReader {
  #held: number[] = [];

  take(byte: number): Command | undefined {
    this.#held.push(byte);
    const command = read(this.#held);
    if (command !== undefined) this.#held = [];
    return command;
  }
}

function read(held: readonly number[]): Command | undefined {
  const [first = 0, letter, row] = held;
  if (first !== ESC) {
    if (first >= 0x20) return { kind: 'text', character: characterOf(CODE_PAGES[PAGE], first) };
    if (!CONTROLS.includes(first)) return { kind: 'unknown', bytes: held };
    return { kind: 'command', name: first.toString(16).toUpperCase().padStart(2, '0'), data: [] };
  }
  if (letter === undefined) return undefined;
  if (letter === WRITE) return row === undefined ? undefined : readLine(held, WRITE_ROWS[row]);
  const length = LENGTHS[letter];
  if (length === undefined) return { kind: 'unknown', bytes: held };
  if (held.length < length + 2) return undefined;
  return { kind: 'command', name: `ESC ${String.fromCharCode(letter)}`, data: held.slice(2) };
}

function readLine(held: readonly number[], row: 0 | 1 | 'scroll' | undefined): Command | undefined {
  if (row === undefined) return { kind: 'unknown', bytes: held };
  const isOver = held.length > 3 && held.at(-1) === END_OF_TEXT;
  if (!isOver && held.length < 3 + MAX_TEXT) return undefined;
  const text = held.slice(3, isOver ? -1 : undefined).map((byte) => characterOf(CODE_PAGES[PAGE], byte));
  return { kind: 'line', row, text: text.join('') };
}
