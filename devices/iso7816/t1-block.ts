import { concat } from '../../src/platform/bytes.ts';

/**
 * Check code of a block. `crc` is the form that public drivers compute: reflected polynomial 1021, start FFFF, high
 * byte first. `crc-inverted` is the frame check sequence of ISO/IEC 13239 to the letter: its complement, low byte
 * first. Payment cards use the LRC.
 */
export type T1Check = 'lrc' | 'crc' | 'crc-inverted';

/** Node address, protocol control byte and information field (ISO/IEC 7816-3:2006, section 11.3). */
export interface T1Block {
  readonly nad: number;
  readonly pcb: number;
  readonly inf: Uint8Array;
}

export type T1SupervisoryType = 'resynch' | 'ifs' | 'abort' | 'wtx';

/** What the control byte of a block says. */
export type T1Meaning =
  | { readonly kind: 'I'; readonly sequence: 0 | 1; readonly more: boolean }
  /** `error`: 0 none, 1 check code or parity, 2 any other. */
  | { readonly kind: 'R'; readonly sequence: 0 | 1; readonly error: number }
  | {
      readonly kind: 'S';
      readonly type: T1SupervisoryType;
      readonly response: boolean;
      /** Field size or multiplier; 0 where the type has none. */
      readonly value: number;
    }
  | { readonly kind: 'invalid' };

export type T1Decoded =
  | { readonly ok: true; readonly block: T1Block }
  | { readonly ok: false; readonly reason: 'length' | 'check' };

/** Longest information field. */
export const MAX_FIELD = 254;

const TYPES: readonly T1SupervisoryType[] = ['resynch', 'ifs', 'abort', 'wtx'];
const INVALID: T1Meaning = { kind: 'invalid' };
const NOTHING = new Uint8Array(0);

/** Bytes that the check code takes. */
export function checkLength(check: T1Check): number {
  return check === 'lrc' ? 1 : 2;
}

/** `NAD PCB LEN INF… check`. */
export function encodeBlock({ nad, pcb, inf }: T1Block, check: T1Check): Uint8Array {
  const body = concat(Uint8Array.of(nad, pcb, inf.length), inf);
  return concat(body, checkCode(body, check));
}

/** Splits one block, whose check code must fit and which nothing may follow. */
export function decodeBlock(bytes: Uint8Array, check: T1Check): T1Decoded {
  const [nad, pcb, length] = bytes;
  if (nad === undefined || pcb === undefined || length === undefined || length > MAX_FIELD)
    return { ok: false, reason: 'length' };
  const end = 3 + length;
  if (bytes.length !== end + checkLength(check)) return { ok: false, reason: 'length' };
  const code = checkCode(bytes.subarray(0, end), check);
  if (code.some((byte, i) => byte !== bytes[end + i])) return { ok: false, reason: 'check' };
  return { ok: true, block: { nad, pcb, inf: bytes.slice(3, end) } };
}

/** Check code over `body`. */
export function checkCode(body: Uint8Array, check: T1Check): Uint8Array {
  if (check === 'lrc') return Uint8Array.of(body.reduce((sum, byte) => sum ^ byte, 0));
  let crc = 0xffff;
  for (const byte of body) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >> 1 : (crc >> 1) ^ 0x8408;
  }
  if (check === 'crc') return Uint8Array.of(crc >> 8, crc & 255);
  const inverted = crc ^ 0xffff;
  return Uint8Array.of(inverted & 255, inverted >> 8);
}

/** Reads the control byte; `invalid` also where the information field does not suit it. */
export function meaningOf({ pcb, inf }: T1Block): T1Meaning {
  if ((pcb & 0x80) === 0) {
    if ((pcb & 0x1f) !== 0) return INVALID;
    return { kind: 'I', sequence: (pcb & 0x40) === 0 ? 0 : 1, more: (pcb & 0x20) !== 0 };
  }
  if ((pcb & 0x40) === 0) {
    const error = pcb & 15;
    if ((pcb & 0x20) !== 0 || error > 2 || inf.length !== 0) return INVALID;
    return { kind: 'R', sequence: (pcb & 0x10) === 0 ? 0 : 1, error };
  }
  return supervisory(pcb, inf);
}

function supervisory(pcb: number, inf: Uint8Array): T1Meaning {
  const type = TYPES[pcb & 0x1f];
  if (type === undefined) return INVALID;
  const hasValue = type === 'ifs' || type === 'wtx';
  if (inf.length !== (hasValue ? 1 : 0)) return INVALID;
  const value = inf[0] ?? 0;
  if (hasValue && (value === 0 || (type === 'ifs' && value > MAX_FIELD))) return INVALID;
  return { kind: 'S', type, response: (pcb & 0x20) !== 0, value };
}

/** An information block. */
export function informationBlock(nad: number, sequence: number, more: boolean, inf: Uint8Array): T1Block {
  return { nad, pcb: (sequence << 6) | (more ? 0x20 : 0), inf };
}

/** A receive-ready block. */
export function receiveBlock(nad: number, sequence: number, error = 0): T1Block {
  return { nad, pcb: 0x80 | (sequence << 4) | error, inf: NOTHING };
}

/** A supervisory block; `value` goes with `ifs` and `wtx` only. */
export function supervisoryBlock(
  nad: number,
  type: T1SupervisoryType,
  response: boolean,
  value?: number,
): T1Block {
  const pcb = 0xc0 | (response ? 0x20 : 0) | TYPES.indexOf(type);
  return { nad, pcb, inf: value === undefined ? NOTHING : Uint8Array.of(value) };
}

/** The address of the way back: source and destination change places. */
export function answeringNad(nad: number): number {
  return ((nad & 0x07) << 4) | ((nad >> 4) & 0x07);
}

/**
 * Bytes that are still needed to complete the block which begins with `bytes`: at least one as long as it is not
 * complete, 0 once it is, or once its length byte makes it impossible.
 */
export function missingOfBlock(bytes: Uint8Array, check: T1Check): number {
  const length = bytes[2];
  if (length === undefined) return 3 - bytes.length + checkLength(check);
  if (length > MAX_FIELD) return 0;
  return Math.max(3 + length + checkLength(check) - bytes.length, 0);
}
