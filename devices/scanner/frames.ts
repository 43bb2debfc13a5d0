import { concat, fromLatin1 } from '../../src/platform/bytes.ts';
import type { ScanFormat } from './settings.ts';

/** What a scanner sent for one code. The text may be a payment code: never log it. */
export type Scan =
  /** `symbology`: the AIM identifier without its bracket, such as `Q1` for a QR code. */
  | { readonly kind: 'code'; readonly text: string; readonly symbology?: string }
  | { readonly kind: 'garbled'; readonly why: 'characters' | 'too long' | 'no end' | 'no identifier' };

/** The most characters that a QR code holds. */
const LONGEST_CODE = 7089;
const CR = 0x0d;
const LF = 0x0a;
/** Of the characters that are not printed, those that GS1 and ISO/IEC 15434 codes hold: EOT, GS, RS. */
const SEPARATORS = [0x04, 0x1d, 0x1e];
const IDENTIFIER = /^\](\w\w)(.+)$/s;

/** Cuts what a scanner sends into codes. Any split of the bytes gives the same codes. */
export class ScanReader {
  readonly #format: ScanFormat;
  #pieces: Uint8Array[] = [];
  #size = 0;

  constructor(format: ScanFormat) {
    this.#format = format;
  }

  /** True while a code has begun. */
  get isInside(): boolean {
    return this.#size > 0;
  }

  push(chunk: Uint8Array): readonly Scan[] {
    const scans: Scan[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (chunk[at] !== CR && chunk[at] !== LF) continue;
      this.#collect(chunk.subarray(from, at));
      from = at + 1;
      // CR LF ends one code: an empty one is none.
      if (this.#size > 0 && this.#format.end !== 'silence') scans.push(this.#take());
    }
    this.#collect(chunk.subarray(from));
    return scans;
  }

  /** Nothing follows for now. */
  silence(): readonly Scan[] {
    if (this.#size === 0) return [];
    const scan = this.#take();
    return this.#format.end === 'terminator' ? [{ kind: 'garbled', why: 'no end' }] : [scan];
  }

  reset(): void {
    this.#pieces = [];
    this.#size = 0;
  }

  #collect(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#size += bytes.length;
    if (this.#size > LONGEST_CODE) this.#pieces = [];
    else this.#pieces.push(bytes.slice());
  }

  #take(): Scan {
    const isTooLong = this.#size > LONGEST_CODE;
    const code = concat(...this.#pieces);
    this.reset();
    return isTooLong ? { kind: 'garbled', why: 'too long' } : readCode(code, this.#format.aimId);
  }
}

function readCode(code: Uint8Array, aimId: boolean): Scan {
  const isText = code.every((byte) => (byte >= 0x20 && byte < 0x7f) || SEPARATORS.includes(byte));
  if (!isText) return { kind: 'garbled', why: 'characters' };
  const text = fromLatin1(code);
  if (!aimId) return { kind: 'code', text };
  const [, symbology, rest] = IDENTIFIER.exec(text) ?? [];
  if (symbology === undefined || rest === undefined) return { kind: 'garbled', why: 'no identifier' };
  return { kind: 'code', text: rest, symbology };
}
