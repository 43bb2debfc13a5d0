import { combineComponents, type KeyAlgorithm, keyCheckValue, oddParity } from '../../crypto/kcv.ts';
import { toHex } from '../../platform/bytes.ts';
import { fault, type Topic } from './fields.ts';

const ALGORITHMS = ['TDES', 'AES'] as const;
const METHODS = ['ENCRYPT-ZEROS', 'CMAC-ZEROS'] as const;
const usualMethod = (algorithm: KeyAlgorithm) => (algorithm === 'AES' ? 'CMAC-ZEROS' : 'ENCRYPT-ZEROS');

/** Key check values, key components, parity. */
export const kcv: Topic = {
  kcv: (input) => {
    const algorithm = input.choice('algorithm', ALGORITHMS, 'TDES');
    const method = input.choice('method', METHODS, usualMethod(algorithm));
    const whole = keyCheckValue(algorithm, method, input.hex('key'));
    const length = input.integerOr('kcvLength', 3, 1, whole.length);
    return { kcv: toHex(whole.subarray(0, length)), fullValue: toHex(whole) };
  },
  'combine-components': (input) => {
    const algorithm = input.choice('algorithm', ALGORITHMS, 'TDES');
    const components = input.hexList('components');
    const key = combineComponents(components);
    const value = (of: Uint8Array) =>
      toHex(keyCheckValue(algorithm, usualMethod(algorithm), of).subarray(0, algorithm === 'AES' ? 5 : 3));
    return { key: toHex(key), componentKcvs: components.map(value), kcv: value(key) };
  },
  'adjust-parity': (input) => {
    if (input.choice('algorithm', ALGORITHMS, 'TDES') !== 'TDES') throw fault('algorithm', 'has no parity');
    return { adjustedKey: toHex(oddParity(input.hex('key', 8, 16, 24))) };
  },
};
