import { toHex } from '../../src/platform/bytes.ts';
import { characterOf, gbkCharacter, isGbkLead } from './code-pages.ts';
import type { Command } from './frames.ts';

/** What the head of a printer puts on paper, as lines of text. */
export class Paper {
  readonly columns: number;
  /** Lines since the last cut. */
  readonly page: string[] = [];
  /** What was cut off so far. */
  readonly slips: string[][] = [];
  /** Commands that no printer of this kind knows, in hex. */
  readonly unknown: string[] = [];
  readonly #startsChinese: boolean;
  #line: string[] = [];
  #width = 0;
  #alignment = 0;
  #page = 0;
  #isChinese: boolean;
  #lead: number | undefined;
  #symbol = '';
  #printed = 0;
  #image: { readonly width: number; height: number } | undefined;

  /** @param startsChinese Chinese mode is on after power-on */
  constructor(columns: number, startsChinese: boolean) {
    this.columns = columns;
    this.#startsChinese = startsChinese;
    this.#isChinese = startsChinese;
  }

  /** Forgets modes and the line that is not printed yet. */
  reset(): void {
    this.forgetLine();
    this.#alignment = 0;
    this.#page = 0;
    this.#isChinese = this.#startsChinese;
    this.#symbol = '';
  }

  forgetLine(): void {
    this.#line = [];
    this.#width = 0;
    this.#lead = undefined;
  }

  /** @returns the lines that came out */
  take(command: Command): number {
    const before = this.#printed;
    if (command.kind !== 'text') this.#lead = undefined;
    if (command.kind === 'text') this.#text(command.byte);
    else if (command.kind === 'unknown') this.unknown.push(toHex(command.bytes));
    else this.#obey(command.name, command.data);
    return this.#printed - before;
  }

  #text(byte: number): void {
    const lead = this.#lead;
    this.#lead = undefined;
    if (lead !== undefined) this.#put(gbkCharacter(lead, byte), 2);
    else if (this.#isChinese && isGbkLead(byte)) this.#lead = byte;
    else this.#put(characterOf(this.#page, byte), 1);
  }

  #put(character: string, width: number): void {
    if (this.#width + width > this.columns) this.#printLine();
    this.#line.push(character);
    this.#width += width;
  }

  #obey(name: string, data: Uint8Array): void {
    const [first = 0] = data;
    if (name !== 'GS v') this.#image = undefined;
    switch (name) {
      case 'ESC @':
        this.reset();
        return;
      case 'ESC a':
        this.#alignment = first % 48;
        return;
      case 'ESC t':
        this.#page = first;
        return;
      case 'FS &':
      case 'FS .':
        this.#isChinese = name === 'FS &';
        return;
      case 'LF':
        this.#printLine();
        return;
      case 'ESC d':
        for (let i = 0; i < Math.max(first, 1); i++) this.#printLine();
        return;
      case 'ESC J':
        if (this.#line.length > 0) this.#printLine();
        return;
      case 'GS v':
        this.#raster(data);
        return;
      case 'GS V':
        this.#cut();
        return;
      case 'GS (':
        this.#twoDimensional(data);
        return;
    }
  }

  #printLine(): void {
    const room = this.columns - this.#width;
    const indent = this.#alignment === 2 ? room : this.#alignment === 1 ? room >> 1 : 0;
    this.#out(' '.repeat(indent) + this.#line.join(''));
    this.forgetLine();
  }

  #out(line: string): void {
    this.page.push(line);
    this.#printed++;
  }

  #raster(data: Uint8Array): void {
    const [, , widthLow = 0, widthHigh = 0, rowsLow = 0, rowsHigh = 0] = data;
    const width = (widthLow + widthHigh * 256) * 8;
    const rows = rowsLow + rowsHigh * 256;
    if (this.#image?.width === width) {
      // Bands of one width without a line between them are one picture.
      this.#image.height += rows;
      this.page[this.page.length - 1] = `[image ${width}x${this.#image.height}]`;
      return;
    }
    this.#image = { width, height: rows };
    this.#out(`[image ${width}x${rows}]`);
  }

  #twoDimensional(data: Uint8Array): void {
    const [set, , , kind, code] = data;
    if (set !== 0x6b || kind !== 0x31) return;
    if (code === 0x50) this.#symbol = new TextDecoder().decode(data.subarray(6));
    if (code === 0x51) this.#out(`[QR ${this.#symbol}]`);
  }

  #cut(): void {
    this.#image = undefined;
    if (this.#line.length > 0) this.#printLine();
    this.slips.push(this.page.splice(0));
  }
}
