import type { CardParameters } from './atr-parameters.ts';
import { DEFAULT_TA1 } from './speed.ts';

/** A protocol and parameters selection (ISO/IEC 7816-3:2006, section 9), as request or as response. */
export interface Pps {
  readonly protocol: number;
  /** Fi and Di, coded as in TA1. */
  readonly pps1?: number;
  readonly pps2?: number;
  readonly pps3?: number;
}

export type PpsRead =
  | { readonly kind: 'pps'; readonly pps: Pps; readonly length: number }
  /** The beginning of one; `missing` more bytes are needed at least. */
  | { readonly kind: 'incomplete'; readonly missing: number }
  | { readonly kind: 'invalid'; readonly reason: 'start' | 'check' };

export type PpsVerdict =
  | { readonly kind: 'agreed'; readonly protocol: number; readonly ta1: number }
  /** The card must be reset: it said nothing that fits the request. */
  | { readonly kind: 'refused'; readonly reason: string };

const PPSS = 0xff;

/** `FF PPS0 [PPS1] [PPS2] [PPS3] PCK`. */
export function encodePps({ protocol, pps1, pps2, pps3 }: Pps): Uint8Array {
  const present = [pps1, pps2, pps3].reduce<number>(
    (bits, value, i) => (value === undefined ? bits : bits | (0x10 << i)),
    0,
  );
  const body = [
    PPSS,
    present | (protocol & 15),
    ...[pps1, pps2, pps3].filter((value) => value !== undefined),
  ];
  return Uint8Array.from([...body, body.reduce((check, byte) => check ^ byte, 0)]);
}

/** Reads a selection from the beginning of `bytes`; what follows it is left alone. */
export function readPps(bytes: Uint8Array): PpsRead {
  const [start, pps0] = bytes;
  if (start !== undefined && start !== PPSS) return { kind: 'invalid', reason: 'start' };
  if (pps0 === undefined) return { kind: 'incomplete', missing: 3 - bytes.length };
  let at = 2;
  const optional = [0x10, 0x20, 0x40].map((bit) => ((pps0 & bit) === 0 ? undefined : bytes[at++]));
  const length = at + 1;
  if (bytes.length < length) return { kind: 'incomplete', missing: length - bytes.length };
  const check = bytes.subarray(0, length).reduce((sum, byte) => sum ^ byte, 0);
  if (check !== 0) return { kind: 'invalid', reason: 'check' };
  const [pps1, pps2, pps3] = optional;
  const pps: Pps = {
    protocol: pps0 & 15,
    ...(pps1 !== undefined && { pps1 }),
    ...(pps2 !== undefined && { pps2 }),
    ...(pps3 !== undefined && { pps3 }),
  };
  return { kind: 'pps', pps, length };
}

/**
 * The terminal's judgement on the answer to its request: a card may leave out a parameter, which then keeps its
 * default, but not change one.
 */
export function judgePps(request: Pps, response: Uint8Array): PpsVerdict {
  const read = readPps(response);
  if (read.kind !== 'pps' || read.length !== response.length)
    return { kind: 'refused', reason: 'the answer is no selection' };
  const { pps } = read;
  if (pps.protocol !== request.protocol) return { kind: 'refused', reason: 'another protocol is answered' };
  for (const name of ['pps1', 'pps2', 'pps3'] as const) {
    if (pps[name] !== undefined && pps[name] !== request[name])
      return { kind: 'refused', reason: `${name.toUpperCase()} was changed` };
  }
  return { kind: 'agreed', protocol: request.protocol, ta1: pps.pps1 ?? DEFAULT_TA1 };
}

/**
 * The selection that brings a card to what it offers; `undefined` when there is nothing to select: specific mode, or
 * the first protocol at the default speed.
 * @param wanted the protocol that the terminal wants (default: the card's first) and whether it bears a speed
 */
export function selectionFor(
  card: CardParameters,
  wanted: { readonly protocol?: number; readonly bears?: (ta1: number) => boolean } = {},
): Pps | undefined {
  if (card.specificMode !== undefined) return undefined;
  const protocol =
    wanted.protocol !== undefined && card.protocols.includes(wanted.protocol)
      ? wanted.protocol
      : card.firstProtocol;
  const faster = card.ta1 !== DEFAULT_TA1 && (wanted.bears?.(card.ta1) ?? true);
  if (!faster && protocol === card.firstProtocol) return undefined;
  return faster ? { protocol, pps1: card.ta1 } : { protocol };
}

/**
 * The card's answer to a request: the request itself, without the parameters that it does not know, or silence
 * (`undefined`) when the request is damaged or asks for a protocol that is not offered.
 */
export function answerPps(card: CardParameters, request: Uint8Array): Uint8Array | undefined {
  const read = readPps(request);
  if (read.kind !== 'pps' || !card.protocols.includes(read.pps.protocol)) return undefined;
  const { protocol, pps1 } = read.pps;
  const bears = pps1 === card.ta1 || pps1 === DEFAULT_TA1;
  return encodePps(bears && pps1 !== undefined ? { protocol, pps1 } : { protocol });
}
