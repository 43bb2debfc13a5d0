import { wrapKeyBlock } from '../../src/crypto/key-block.ts';
import type { KeyBlockHeader, OptionalBlock } from '../../src/crypto/key-block-header.ts';
import { fromHex } from '../../src/platform/bytes.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { testKbpks } from '../../src/secure/test-keys.ts';

/** The canary: a key found nowhere else. */
export const CANARY = 'C4A7B3D9E1F20A5B6C7D8E9FA0B1C2D3';

/** A key block under the public test KBPK, or another one. */
export function blockOf(
  header: Partial<KeyBlockHeader> = {},
  key: string = CANARY,
  optionalBlocks: readonly OptionalBlock[] = [],
  kbpk?: Uint8Array,
): string {
  const whole: KeyBlockHeader = {
    versionId: 'B',
    keyUsage: 'P0',
    algorithm: 'T',
    modeOfUse: 'E',
    keyVersionNumber: '00',
    exportability: 'E',
    ...header,
  };
  const under = kbpk ?? (testKbpks(whole.versionId)[0] as Uint8Array);
  return wrapKeyBlock(under, { header: whole, optionalBlocks, key: fromHex(key) }, seededRandom(7));
}
