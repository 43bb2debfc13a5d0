import { oddParity } from '../../crypto/kcv.ts';
import { toHex } from '../../platform/bytes.ts';
import { PossumError } from '../../platform/errors.ts';
import { systemRandom } from '../../platform/random.ts';
import { checkValueOf } from '../../secure/check-value.ts';
import { closeBlock } from '../../secure/key-operations.ts';
import { testKbpks } from '../../secure/test-keys.ts';
import type { DataOptions } from '../data-folder.ts';
import { printJson, printText } from '../output.ts';
import { type KindOptions, kindOf } from './kind.ts';
import { algorithmName } from './show.ts';
import { hexOption } from './sources.ts';
import { withVault } from './vault.ts';

export interface GenerateOptions extends DataOptions, KindOptions {
  readonly ksn?: string;
  readonly slot?: string;
  readonly reveal?: boolean;
}

/** `possum keys generate`: a random key, as a block under the public test KBPK. */
export async function generateKey(options: GenerateOptions): Promise<void> {
  const kind = kindOf(options);
  const random = systemRandom();
  const drawn = random.bytes(kind.bytes);
  const key = kind.algorithm === 'T' ? oddParity(drawn) : drawn;
  try {
    const version = kind.algorithm === 'T' ? 'B' : 'D';
    const [kbpk] = testKbpks(version) as [Uint8Array];
    const block = closeBlock(kbpk, version, kind, key, random, optionalBlocks(options, kind.algorithm));
    const made = {
      block,
      usage: kind.usage,
      algorithm: algorithmName(kind.algorithm, 8 * key.length),
      kcv: checkValueOf(kind.algorithm, key),
      kbpk: `public test KBPK, KCV ${checkValueOf(version === 'B' ? 'T' : 'A', kbpk)}`,
      key: options.reveal === true ? toHex(key) : '*'.repeat(2 * key.length),
    };
    const { slot } = options;
    const loaded =
      slot === undefined
        ? {}
        : await withVault(options, (secure) => ({
            slot: secure.keys.loadBlock({ block, name: slot, generated: true }).name,
          }));
    if (options.json === true) printJson({ ...made, ...loaded });
    else {
      printText(
        Object.entries({ ...made, ...loaded })
          .map(([name, value]) => `${name.padEnd(10)}${value || '-'}`)
          .join('\n'),
      );
    }
  } finally {
    drawn.fill(0);
    key.fill(0);
  }
}

/** The KSN of a DUKPT initial key travels in its block: X9.143 puts it into `KS` (TDES) or `IK` (AES). */
function optionalBlocks({ usage, ksn }: GenerateOptions, algorithm: string): [string, string][] {
  if (ksn === undefined) return [];
  if (usage.toUpperCase() !== 'B1') {
    throw new PossumError('USAGE', 'only a DUKPT initial key (usage B1) has a KSN', { where: '--ksn' });
  }
  const bytes = hexOption(ksn, '--ksn', algorithm === 'A' ? [8, 12] : [10]);
  return algorithm === 'A' ? [['IK', toHex(bytes.subarray(0, 8))]] : [['KS', toHex(bytes)]];
}
