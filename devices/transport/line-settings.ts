/** How a byte looks on a serial line. */
export interface LineSettings {
  readonly baud: number;
  readonly dataBits: 7 | 8;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: 1 | 2;
  readonly flow: FlowControl;
}

export type FlowControl = 'none' | 'xon' | 'rtscts';

/** 9600 8N1 without flow control. */
export const COMMON_SETTINGS: LineSettings = {
  baud: 9600,
  dataBits: 8,
  parity: 'none',
  stopBits: 1,
  flow: 'none',
};

const PARITY: Readonly<Record<string, LineSettings['parity']>> = { N: 'none', E: 'even', O: 'odd' };

export type LineFormat = Pick<LineSettings, 'dataBits' | 'parity' | 'stopBits'>;

/** Reads `8N1`, `7E1` and the like; `undefined` when it is no such format. */
export function parseFormat(text: string): LineFormat | undefined {
  const match = /^([78])([NEO])([12])$/i.exec(text);
  const parity = PARITY[match?.[2]?.toUpperCase() ?? ''];
  if (match === null || parity === undefined) return undefined;
  return { dataBits: Number(match[1]) as 7 | 8, parity, stopBits: Number(match[3]) as 1 | 2 };
}

/** `8N1`, the short name of a format. */
export function formatName({ dataBits, parity, stopBits }: LineFormat): string {
  return `${dataBits}${{ none: 'N', even: 'E', odd: 'O' }[parity]}${stopBits}`;
}

/** Bits of one character on the line, with start, parity and stop bits. */
export function bitsPerByte({ dataBits, parity, stopBits }: LineFormat): number {
  return 1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits;
}

/** Milliseconds that `count` bytes take on the line. */
export function wireTimeMs(settings: LineSettings, count: number): number {
  return (count * bitsPerByte(settings) * 1000) / settings.baud;
}
