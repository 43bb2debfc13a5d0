import { concat } from '../../src/platform/bytes.ts';
import { PossumError } from '../../src/platform/errors.ts';
import type { PrintLine } from '../../src/ports/index.ts';
import { byteOf, CODE_PAGES, gbkOf } from './code-pages.ts';
import {
  AUTOMATIC_STATUS_OFF,
  align,
  bold,
  CHINESE_OFF,
  CHINESE_ON,
  cut,
  DLE,
  drawerPulse,
  INITIALISE,
  LINE_FEED,
  qrCode,
  raster,
  selectCodePage,
} from './frames.ts';
import type { EscposSettings } from './settings.ts';

/** A picture; `dots` holds `(width + 7) >> 3` bytes a row, most significant bit left, 1 is black. */
export interface Bitmap {
  readonly width: number;
  readonly height: number;
  readonly dots: Uint8Array;
}

/** What a slip is made of, from top to bottom. */
export type SlipPart =
  | { readonly kind: 'line'; readonly line: PrintLine }
  | { readonly kind: 'qr'; readonly text: string }
  | { readonly kind: 'image'; readonly image: Bitmap }
  | { readonly kind: 'cut' };

const MAX_QR_BYTES = 2048;
const MAX_BAND_BYTES = 504;
const SUBSTITUTE = 0x3f;
/** Bytes that start a command at once, even inside a picture, and those of flow control. */
const FLOW_BYTES: readonly number[] = [0x11, 0x13];
const AFTER_DLE: readonly number[] = [0x04, 0x05, 0x14];

/**
 * The commands of a slip, one or more a piece: between two pieces a slip can be given up.
 * @throws PossumError `USAGE` for a picture whose size is wrong, or a QR code that is too long or has controls in it
 */
export function encodeSlip(parts: readonly SlipPart[], settings: EscposSettings): Uint8Array[] {
  return [startOf(settings), ...parts.flatMap((part) => encodePart(part, settings))];
}

/** The pulse that opens the drawer, on its own. */
export function encodeDrawerKick({ drawerPin, drawerOnMs, drawerOffMs }: EscposSettings): Uint8Array {
  return drawerPulse(drawerPin, drawerOnMs, drawerOffMs);
}

function startOf({ codePage, chinese, answers }: EscposSettings): Uint8Array {
  return concat(
    INITIALISE,
    ...(answers ? [AUTOMATIC_STATUS_OFF] : []),
    ...(chinese === 'always' ? [CHINESE_OFF] : []),
    selectCodePage(CODE_PAGES[codePage]),
  );
}

function encodePart(part: SlipPart, settings: EscposSettings): Uint8Array[] {
  switch (part.kind) {
    case 'line':
      return [encodeLine(part.line, settings)];
    case 'qr':
      return encodeQr(part.text, settings);
    case 'image':
      return encodeImage(part.image);
    case 'cut':
      return settings.cut === 'none' ? [] : [cut(settings.cut, settings.cutFeed)];
  }
}

/** A line of text; what is longer than the paper is wide is cut off. */
export function encodeLine({ text, align: to = 'left', bold: isBold }: PrintLine, settings: EscposSettings) {
  const bytes = [...(to === 'left' ? [] : align(to)), ...(isBold === true ? bold(true) : [])];
  let columns = settings.columns;
  let isChinese = false;
  for (const character of text) {
    const code = codeOf(character, settings);
    columns -= code > 0xff ? 2 : 1;
    if (columns < 0) break;
    // ASCII reads the same in both modes.
    if (code >= 0x80 && isChinese !== code > 0xff) {
      isChinese = !isChinese;
      bytes.push(...(isChinese ? CHINESE_ON : CHINESE_OFF));
    }
    if (code > 0xff) bytes.push(code >> 8);
    bytes.push(code & 0xff);
  }
  if (isChinese) bytes.push(...CHINESE_OFF);
  bytes.push(...LINE_FEED);
  if (isBold === true) bytes.push(...bold(false));
  if (to !== 'left') bytes.push(...align('left'));
  return Uint8Array.from(bytes);
}

/** One byte of the code page, or two of GBK; a question mark for what the printer lacks, controls among it. */
function codeOf(character: string, { codePage, chinese }: EscposSettings): number {
  const single = byteOf(codePage, character);
  if (single !== undefined && (single < 0x80 || chinese !== 'always')) return single;
  return (chinese === 'never' ? undefined : gbkOf(character)) ?? single ?? SUBSTITUTE;
}

function encodeQr(text: string, { qrModule, qrCorrection }: EscposSettings): Uint8Array[] {
  const data = new TextEncoder().encode(text);
  if (data.length === 0 || data.length > MAX_QR_BYTES)
    throw new PossumError('USAGE', `a QR code holds 1 to ${MAX_QR_BYTES} bytes, not ${data.length}`);
  if (data.some((byte) => byte < 0x20))
    throw new PossumError('USAGE', 'a control character cannot be printed in a QR code');
  return [align('center'), ...qrCode(data, qrModule, qrCorrection), align('left')];
}

function encodeImage({ width, height, dots }: Bitmap): Uint8Array[] {
  const bytesPerRow = (width + 7) >> 3;
  if (width < 1 || height < 1 || bytesPerRow > MAX_BAND_BYTES || dots.length !== bytesPerRow * height)
    throw new PossumError('USAGE', `a picture of ${width} by ${height} dots cannot be printed`);
  const rowsPerBand = Math.max(Math.floor(MAX_BAND_BYTES / bytesPerRow), 1);
  const bands: Uint8Array[] = [];
  for (let row = 0; row < height; row += rowsPerBand) {
    const rows = Math.min(rowsPerBand, height - row);
    const from = row * bytesPerRow;
    bands.push(raster(bytesPerRow, rows, harmless(dots.slice(from, from + rows * bytesPerRow))));
  }
  return bands;
}

/** Dots without anything that a printer or a line would obey; each such byte has a dot more or less. */
function harmless(dots: Uint8Array): Uint8Array {
  for (let i = 0; i < dots.length; i++) {
    const byte = dots[i] as number;
    const starts = byte === DLE && AFTER_DLE.includes(dots[i + 1] ?? 0);
    if (starts || FLOW_BYTES.includes(byte)) dots[i] = byte ^ 0x20;
  }
  return dots;
}
