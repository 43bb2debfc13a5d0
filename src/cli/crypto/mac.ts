import { aesCmac, tdesCmac } from '../../crypto/cmac.ts';
import { cbcMac, hmacSha256, type MacPadding, retailMac, unionPayMac } from '../../crypto/mac.ts';
import { toHex } from '../../platform/bytes.ts';
import { PossumError } from '../../platform/errors.ts';
import type { Fields, Topic } from './fields.ts';

type Algorithm = (key: Uint8Array, data: Uint8Array, padding: MacPadding) => Uint8Array;

const ALGORITHMS = {
  'ISO9797-1-ALG1': (key, data, padding) => cbcMac(key, data, { padding }),
  'ISO9797-1-ALG3': (key, data, padding) => retailMac(key, data, { padding }),
  'CMAC-AES': aesCmac,
  'CMAC-TDES': tdesCmac,
  'HMAC-SHA-256': hmacSha256,
  'UNIONPAY-ECB': unionPayMac,
} as const satisfies Readonly<Record<string, Algorithm>>;

export const MAC_ALGORITHMS = Object.keys(ALGORITHMS) as readonly (keyof typeof ALGORITHMS)[];

/** Message authentication codes. */
export const mac: Topic = {
  mac: (input) => {
    const key = input.hex('key');
    if (key.length === 0) throw new PossumError('KEY', 'is empty', { where: 'key' });
    const padding = input.integerOr('paddingMethod', 1, 1, 3) as MacPadding;
    const compute: Algorithm = ALGORITHMS[input.choice('algorithm', MAC_ALGORITHMS)];
    const whole = compute(key, dataOf(input), padding);
    const length = input.integerOr('macLength', whole.length, 1, whole.length);
    return { mac: toHex(whole.subarray(0, length)) };
  },
};

function dataOf(input: Fields): Uint8Array {
  return !input.has('dataHex') && input.has('dataAscii') ? input.ascii('dataAscii') : input.hex('dataHex');
}
