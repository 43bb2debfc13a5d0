import { toHex } from '../../src/platform/bytes.ts';
import { cardParameters } from './atr-parameters.ts';
import type { Atr } from './atr-structure.ts';

/** One rule of EMV Level 1 that an answer to reset breaks. */
export interface EmvAtrFinding {
  /** The character that breaks it, e.g. `TB1`. */
  readonly character: string;
  readonly message: string;
}

export interface EmvAtrRules {
  /** The answer came after a warm reset, which forgives TB1. */
  readonly warm?: boolean;
}

type Values = ReadonlyMap<string, number>;
type Rule = (values: Values, atr: Atr, rules: EmvAtrRules) => string | undefined;

/**
 * Whether an EMV terminal takes a card with this answer to reset: none of the findings means that it does, any of
 * them calls for a warm reset and then for the end (EMV Book 1 v4.3, section 8.3; EMV Contact Interface
 * Specification, section 8.3). A structure that the parser refuses is refused here as well.
 */
export function judgeEmvAtr(atr: Atr, rules: EmvAtrRules = {}): readonly EmvAtrFinding[] {
  const values = new Map(atr.interfaceBytes.map(({ name, value }) => [name, value]));
  return RULES.flatMap(([character, rule]) => {
    const message = rule(values, atr, rules);
    return message === undefined ? [] : [{ character, message }];
  });
}

const firstProtocol = (values: Values) => (values.get('TD1') ?? 0) & 15;
const offersT1Second = (values: Values) => ((values.get('TD2') ?? 0) & 15) === 1;

const RULES: readonly (readonly [string, Rule])[] = [
  ['TA1', speed],
  ['TB1', programmingVoltage],
  ['TD1', (values) => (firstProtocol(values) > 1 ? 'offers neither T=0 nor T=1 first' : undefined)],
  ['TA2', specificMode],
  ['TB2', (values) => (values.has('TB2') ? 'must be absent' : undefined)],
  ['TC2', waitingInteger],
  ['TD2', secondProtocol],
  ['TA3', fieldSize],
  ['TB3', waitingTimes],
  ['TC3', checkCode],
];

function speed(values: Values): string | undefined {
  const ta1 = values.get('TA1');
  if (ta1 === undefined || !values.has('TA2') || (ta1 >= 0x11 && ta1 <= 0x13)) return undefined;
  return `${hex(ta1)} in specific mode: only 11, 12 and 13 are supported`;
}

function programmingVoltage(values: Values, _atr: Atr, { warm = false }: EmvAtrRules): string | undefined {
  const tb1 = values.get('TB1');
  if (warm || tb1 === 0) return undefined;
  return tb1 === undefined ? 'is missing after a cold reset' : `${hex(tb1)} is not 00 after a cold reset`;
}

function specificMode(values: Values): string | undefined {
  const ta2 = values.get('TA2');
  if (ta2 === undefined) return undefined;
  if ((ta2 & 0x10) !== 0) return 'asks for implicit parameters';
  return (ta2 & 15) === firstProtocol(values)
    ? undefined
    : 'names another protocol than the first one offered';
}

function waitingInteger(values: Values): string | undefined {
  const tc2 = values.get('TC2');
  return tc2 === undefined || tc2 === 10 ? undefined : `${hex(tc2)} is not 0A`;
}

function secondProtocol(values: Values): string | undefined {
  const td2 = values.get('TD2');
  if (td2 === undefined) return undefined;
  const protocol = td2 & 15;
  const fits = firstProtocol(values) === 1 ? protocol === 1 : protocol === 1 || protocol === 14;
  return fits ? undefined : `T=${protocol} may not follow T=${firstProtocol(values)}`;
}

function fieldSize(values: Values): string | undefined {
  const ta3 = offersT1Second(values) ? values.get('TA3') : undefined;
  return ta3 === undefined || (ta3 >= 0x10 && ta3 <= 0xfe) ? undefined : `${hex(ta3)} is outside 10 to FE`;
}

function waitingTimes(values: Values, atr: Atr): string | undefined {
  if (firstProtocol(values) !== 1 && !offersT1Second(values)) return undefined;
  if (!offersT1Second(values) || !values.has('TB3')) return 'is missing, T=1 needs it';
  const { t1, extraGuardTime } = cardParameters(atr);
  if (t1.blockWaitingInteger > 4) return `block waiting ${t1.blockWaitingInteger} is above 4`;
  if (t1.characterWaitingInteger > 5) return `character waiting ${t1.characterWaitingInteger} is above 5`;
  const guard = extraGuardTime === 255 ? -1 : extraGuardTime;
  const longEnough = 2 ** t1.characterWaitingInteger >= guard + 1;
  return longEnough ? undefined : `character waiting ${t1.characterWaitingInteger} is below the guard time`;
}

function checkCode(values: Values): string | undefined {
  const tc3 = offersT1Second(values) ? values.get('TC3') : undefined;
  return tc3 === undefined || tc3 === 0 ? undefined : `${hex(tc3)} asks for another check code than LRC`;
}

function hex(value: number): string {
  return toHex(Uint8Array.of(value));
}
