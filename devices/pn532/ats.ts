/** The answer to select of a contactless card (ISO/IEC 14443-4:2018, section 5.2). */
export interface Ats {
  /** Frame size that the card takes, in bytes. */
  readonly frameSize: number;
  /** Frame waiting time integer, 0 to 14. */
  readonly fwi: number;
  readonly historical: Uint8Array;
}

const FRAME_SIZES = [16, 24, 32, 40, 48, 64, 96, 128, 256, 512, 1024, 2048, 4096];
const DEFAULT_FSCI = 2;
const DEFAULT_FWI = 4;
const CARRIER_KHZ = 13_560;

/**
 * @param bytes TL, which counts itself, to the last historical byte
 * @returns `undefined` when the length or an announced byte is missing
 */
export function parseAts(bytes: Uint8Array): Ats | undefined {
  const [length, format] = bytes;
  if (length === undefined || length !== bytes.length) return undefined;
  if (format === undefined)
    return { frameSize: FRAME_SIZES[DEFAULT_FSCI] as number, fwi: DEFAULT_FWI, historical: bytes.slice(1) };
  const [hasTa, hasTb, hasTc] = [0x10, 0x20, 0x40].map((bit) => ((format & bit) === 0 ? 0 : 1)) as [
    number,
    number,
    number,
  ];
  const historicalAt = 2 + hasTa + hasTb + hasTc;
  if (historicalAt > bytes.length) return undefined;
  return {
    frameSize: FRAME_SIZES[Math.min(format & 0x0f, FRAME_SIZES.length - 1)] as number,
    fwi: hasTb === 1 ? fwiOf((bytes[2 + hasTa] as number) >> 4) : DEFAULT_FWI,
    historical: bytes.slice(historicalAt),
  };
}

/** FWI of an ATQB without its first byte: PUPI, application data, protocol information (ISO/IEC 14443-3, 7.9). */
export function fwiOfAtqb(atqb: Uint8Array): number {
  const info = atqb[10];
  return info === undefined ? DEFAULT_FWI : fwiOf(info >> 4);
}

/** 15 is reserved and counts as the default. */
function fwiOf(value: number): number {
  return value === 15 ? DEFAULT_FWI : value;
}

/** Frame waiting time in milliseconds: 256 · 16 / fc · 2^FWI. */
export function frameWaitingMs(fwi: number): number {
  return (4096 / CARRIER_KHZ) * 2 ** fwi;
}
