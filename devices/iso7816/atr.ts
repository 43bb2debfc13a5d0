import { toHex } from '../../src/platform/bytes.ts';
import type { Atr } from './atr-structure.ts';
import { judgeEmvAtr } from './emv-atr.ts';

export { type Atr, type AtrResult, type InterfaceByte, parseAtr } from './atr-structure.ts';

/** An answer to reset in lines, with the judgement of an EMV terminal on it as the last. */
export function describeAtr(atr: Atr): readonly string[] {
  const findings = judgeEmvAtr(atr);
  return [
    `TS ${atr.convention} convention`,
    ...atr.interfaceBytes.map(({ name, value, meaning }) => `${name} ${hexByte(value)} ${meaning}`),
    `Protocols ${atr.protocols.map((protocol) => `T=${protocol}`).join(', ')}`,
    `Historical ${atr.historical.length === 0 ? 'none' : toHex(atr.historical)}`,
    ...(atr.tck === undefined ? [] : [`TCK ${hexByte(atr.tck)} correct`]),
    ...(findings.length === 0 ? ['EMV Level 1: accepted after a cold reset'] : []),
    ...findings.map(({ character, message }) => `EMV Level 1: ${character} ${message}`),
  ];
}

function hexByte(value: number): string {
  return toHex(Uint8Array.of(value));
}
