import { toHex } from '../../src/platform/bytes.ts';
import { adjustmentFactor, conversionFactor } from './speed.ts';

/** One interface character of an answer to reset. */
export interface InterfaceByte {
  /** `TA1`, `TD2` … */
  readonly name: string;
  readonly value: number;
  readonly meaning: string;
}

export interface Atr {
  readonly convention: 'direct' | 'inverse';
  readonly interfaceBytes: readonly InterfaceByte[];
  /** Protocols that are offered, in their order: 0 for T=0. */
  readonly protocols: readonly number[];
  readonly historical: Uint8Array;
  /** Check character; absent when only T=0 is offered. */
  readonly tck?: number;
}

export type AtrResult =
  | { readonly ok: true; readonly atr: Atr }
  | {
      readonly ok: false;
      readonly error: {
        readonly code: 'length' | 'convention' | 'truncated' | 'tck' | 'trailing';
        readonly message: string;
      };
    };

const MAX_LENGTH = 33;

/**
 * Reads an answer to reset (ISO/IEC 7816-3:2006, section 8.2).
 * @param bytes TS to TCK, at most 33 bytes
 */
export function parseAtr(bytes: Uint8Array): AtrResult {
  if (bytes.length < 2) return fail('length', 'an answer to reset has at least TS and T0');
  if (bytes.length > MAX_LENGTH)
    return fail('length', `${bytes.length} bytes; at most ${MAX_LENGTH} are allowed`);
  const convention = bytes[0] === 0x3b ? 'direct' : bytes[0] === 0x3f ? 'inverse' : undefined;
  if (convention === undefined)
    return fail('convention', `TS ${hexByte(bytes[0] as number)} is neither 3B nor 3F`);
  const interfaceBytes: InterfaceByte[] = [];
  const protocols: number[] = [];
  let present = (bytes[1] as number) >> 4;
  let at = 2;
  for (let group = 1; present !== 0; group++) {
    let next = 0;
    for (const [bit, letter] of [
      [1, 'A'],
      [2, 'B'],
      [4, 'C'],
      [8, 'D'],
    ] as const) {
      if ((present & bit) === 0) continue;
      const value = bytes[at++];
      if (value === undefined) return fail('truncated', `T${letter}${group} is missing`);
      if (letter === 'D') {
        next = value >> 4;
        protocols.push(value & 15);
      }
      interfaceBytes.push({
        name: `T${letter}${group}`,
        value,
        meaning: meaningOf(letter, group, value, protocols.at(-1)),
      });
    }
    present = next;
  }
  return finish(bytes, at, {
    convention,
    interfaceBytes,
    protocols: protocols.length === 0 ? [0] : [...new Set(protocols)],
  });
}

function finish(bytes: Uint8Array, at: number, head: Omit<Atr, 'historical' | 'tck'>): AtrResult {
  const end = at + ((bytes[1] as number) & 15);
  if (end > bytes.length) return fail('truncated', 'historical characters are missing');
  const historical = bytes.slice(at, end);
  const needsTck = head.protocols.some((protocol) => protocol !== 0);
  const tck = bytes[end];
  if (needsTck && tck === undefined) return fail('truncated', 'TCK is missing');
  if (bytes.length > end + 1 || (!needsTck && tck !== undefined))
    return fail('trailing', 'bytes follow the end');
  if (tck === undefined) return { ok: true, atr: { ...head, historical } };
  const sum = bytes.subarray(1).reduce((check, byte) => check ^ byte, 0);
  if (sum !== 0) return fail('tck', `TCK ${hexByte(tck)} is wrong`);
  return { ok: true, atr: { ...head, historical, tck } };
}

function meaningOf(letter: string, group: number, value: number, protocol: number | undefined): string {
  if (letter === 'D') return `protocol T=${value & 15}`;
  if (group === 1 && letter === 'A')
    return `Fi ${conversionFactor(value) ?? 'RFU'}, Di ${adjustmentFactor(value) ?? 'RFU'}`;
  if (group === 1 && letter === 'B') return 'programming voltage, deprecated';
  if (group === 1 && letter === 'C')
    return value === 255 ? 'minimum guard time' : `extra guard time ${value} etu`;
  if (group === 2 && letter === 'A') return `specific mode, protocol T=${value & 15}`;
  if (group === 2 && letter === 'B') return 'programming voltage, deprecated';
  if (group === 2 && letter === 'C') return `T=0 waiting time integer ${value}`;
  if (protocol === 1 && letter === 'A') return `information field size ${value}`;
  if (protocol === 1 && letter === 'B') return `block waiting ${value >> 4}, character waiting ${value & 15}`;
  if (protocol === 1 && letter === 'C') return (value & 1) === 0 ? 'LRC' : 'CRC';
  if (protocol === 15 && letter === 'A') return `classes and clock stop ${hexByte(value)}`;
  return 'no meaning defined here';
}

function hexByte(value: number): string {
  return toHex(Uint8Array.of(value));
}

function fail(code: 'length' | 'convention' | 'truncated' | 'tck' | 'trailing', message: string): AtrResult {
  return { ok: false, error: { code, message } };
}
