/** Command APDUs of ISO/IEC 7816-4 with short lengths, and the status words that the application uses. */

export interface Command {
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  readonly data: Uint8Array;
  /** True when the command carries a length byte, i.e. is case 3 or 4. */
  readonly hasData: boolean;
}

const NOTHING = new Uint8Array(0);

export const SW = {
  ok: 0x9000,
  applicationBlocked: 0x6283,
  authenticationFailed: 0x6300,
  wrongLength: 0x6700,
  pinBlocked: 0x6983,
  referenceDataUnusable: 0x6984,
  conditionsNotSatisfied: 0x6985,
  wrongMac: 0x6988,
  wrongData: 0x6a80,
  functionNotSupported: 0x6a81,
  fileNotFound: 0x6a82,
  recordNotFound: 0x6a83,
  wrongP1P2: 0x6a86,
  referencedDataNotFound: 0x6a88,
  instructionNotSupported: 0x6d00,
  classNotSupported: 0x6e00,
} as const;

/** A verdict that is worth 63Cx: `tries` are left. */
export function pinWrong(tries: number): number {
  return 0x63c0 | Math.min(tries, 15);
}

/** Splits a command, or says with `undefined` that its lengths contradict each other. */
export function parseCommand(bytes: Uint8Array): Command | undefined {
  if (bytes.length < 4) return undefined;
  const hasData = bytes.length > 5;
  const length = hasData ? (bytes[4] as number) : 0;
  if (hasData && (length === 0 || (bytes.length !== 5 + length && bytes.length !== 6 + length))) {
    return undefined;
  }
  return {
    cla: bytes[0] as number,
    ins: bytes[1] as number,
    p1: bytes[2] as number,
    p2: bytes[3] as number,
    data: hasData ? bytes.subarray(5, 5 + length) : NOTHING,
    hasData,
  };
}

/** An answer without data. */
export function status(sw: number): Uint8Array {
  return Uint8Array.of(sw >> 8, sw & 0xff);
}

/** Data and status word. */
export function answer(data: Uint8Array, sw: number = SW.ok): Uint8Array {
  const out = new Uint8Array(data.length + 2);
  out.set(data);
  out[data.length] = sw >> 8;
  out[data.length + 1] = sw & 0xff;
  return out;
}
