import { type KeyAlgorithm, keyCheckValue } from '../../crypto/kcv.ts';
import { fromHex, toHex } from '../../platform/bytes.ts';
import { maskPan } from '../../platform/secret.ts';
import { table } from '../output.ts';
import type { Answer } from './fields.ts';

/** Values on the way to a result: shown when they are asked for, or when there is nothing else. */
const STEPS: ReadonlySet<string> = new Set([
  'bdkType',
  'cryptogramInput',
  'derivationData',
  'fullCvc3',
  'fullValue',
  'iccMasterKey',
  'iccMasterKeySmi',
  'initialKey',
  'iv',
  'ivcvc3',
  'macInput',
  'padding',
  'panField',
  'randomPadding',
  'recovered',
  'sessionKey',
  'sessionKeySmc',
  'sessionKeySmi',
  'transactionKey',
]);

const SECRET =
  /^(?:key|pin|clearPinBlock|pinBlock|recovered|discretionaryData|track2Ascii)$|Key(?:Smc|Smi)?$/;
const KEY = /Key(?:Smc|Smi)?$/;

/** The results alone. */
export function withoutSteps(answer: Answer): Answer {
  const results = Object.entries(answer)
    .filter(([name]) => !STEPS.has(name))
    .map(([name, value]) => [name, isStructure(value) ? withoutSteps(value) : value]);
  return results.length === 0 ? answer : Object.fromEntries(results);
}

/**
 * With stars for keys, PINs and card data; a key keeps its check value.
 * @param algorithmOf the algorithm of the key with a name, when it is known
 */
export function masked(answer: Answer, algorithmOf: (name: string) => KeyAlgorithm | undefined): Answer {
  return Object.fromEntries(
    Object.entries(answer).map(([name, value]) => {
      if (isStructure(value)) return [name, masked(value, algorithmOf)];
      if (typeof value !== 'string') return [name, value];
      if (name === 'pan' || name === 'applicationPan') return [name, maskPan(value)];
      if (!SECRET.test(name)) return [name, value];
      const algorithm = KEY.test(name) ? algorithmOf(name) : undefined;
      return [name, '*'.repeat(value.length) + (algorithm === undefined ? '' : checkValue(algorithm, value))];
    }),
  );
}

function checkValue(algorithm: KeyAlgorithm, key: string): string {
  const [method, length] =
    algorithm === 'AES' ? (['CMAC-ZEROS', 5] as const) : (['ENCRYPT-ZEROS', 3] as const);
  return ` (KCV ${toHex(keyCheckValue(algorithm, method, fromHex(key)).subarray(0, length))})`;
}

/** One line for each value; a structure gives a line for each of its values. */
export function flattened(answer: Answer): string {
  return table(['value', ''], rowsOf(answer, '')).split('\n').slice(1).join('\n');
}

function rowsOf(answer: Answer, prefix: string): [string, string][] {
  return Object.entries(answer).flatMap(([name, value]): [string, string][] => {
    if (Array.isArray(value)) return [[prefix + name, value.map(String).join(' ') || '-']];
    if (isStructure(value)) return rowsOf(value, `${prefix}${name}.`);
    return [[prefix + name, String(value)]];
  });
}

function isStructure(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
