import type { Atr } from './atr-structure.ts';
import { DEFAULT_TA1 } from './speed.ts';

/** What the interface characters of an answer to reset come to, defaults filled in. */
export interface CardParameters {
  /** Fi and Di as coded in TA1. */
  readonly ta1: number;
  /** N of TC1: extra guard time in etu; 255 stands for the shortest that the protocol allows. */
  readonly extraGuardTime: number;
  /** The first protocol that is offered. */
  readonly firstProtocol: number;
  readonly protocols: readonly number[];
  /** TA2: the card is in specific mode and takes no PPS. Absent in negotiable mode. */
  readonly specificMode?: {
    readonly protocol: number;
    /** True when the speed is not that of TA1 but an agreed one (bit 5). */
    readonly implicit: boolean;
    /** False when a reset does not bring negotiable mode back (bit 8). */
    readonly changeable: boolean;
  };
  readonly t0: { readonly waitingInteger: number };
  readonly t1: {
    /** Longest information field that the card takes. */
    readonly cardFieldSize: number;
    readonly characterWaitingInteger: number;
    readonly blockWaitingInteger: number;
    readonly check: 'lrc' | 'crc';
  };
  /** TA for T=15: bits 8-7 clock stop, bits 6-1 operating classes. */
  readonly classesAndClockStop?: number;
}

/**
 * The parameters that follow from an answer to reset (ISO/IEC 7816-3:2006, sections 8.3, 10.2 and 11.4). The first
 * TA, TB, TC for T=1 count, as far as they come from the third group on.
 */
export function cardParameters(atr: Atr): CardParameters {
  const values = new Map(atr.interfaceBytes.map(({ name, value }) => [name, value]));
  const specific = (protocol: number, letter: 'A' | 'B' | 'C') => firstSpecific(values, protocol, letter);
  const ta2 = values.get('TA2');
  const waiting = specific(1, 'B') ?? 0x4d;
  const classes = specific(15, 'A');
  return {
    ta1: values.get('TA1') ?? DEFAULT_TA1,
    extraGuardTime: values.get('TC1') ?? 0,
    firstProtocol: atr.protocols[0] ?? 0,
    protocols: atr.protocols,
    ...(ta2 !== undefined && {
      specificMode: {
        protocol: ta2 & 15,
        implicit: (ta2 & 0x10) !== 0,
        changeable: (ta2 & 0x80) === 0,
      },
    }),
    t0: { waitingInteger: values.get('TC2') ?? 10 },
    t1: {
      cardFieldSize: specific(1, 'A') ?? 32,
      characterWaitingInteger: waiting & 15,
      blockWaitingInteger: waiting >> 4,
      check: ((specific(1, 'C') ?? 0) & 1) === 0 ? 'lrc' : 'crc',
    },
    ...(classes !== undefined && { classesAndClockStop: classes }),
  };
}

/** TA, TB or TC of the first group from the third on that belongs to `protocol`. */
function firstSpecific(
  values: ReadonlyMap<string, number>,
  protocol: number,
  letter: 'A' | 'B' | 'C',
): number | undefined {
  for (let group = 3; ; group++) {
    const td = values.get(`TD${group - 1}`);
    if (td === undefined) return undefined;
    const value = values.get(`T${letter}${group}`);
    if ((td & 15) === protocol && value !== undefined) return value;
  }
}
