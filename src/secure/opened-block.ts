import { type UnwrappedKey, unwrapKeyBlock } from '../crypto/key-block.ts';
import { parseKeyBlockHeader } from '../crypto/key-block-header.ts';
import { isPossumError, PossumError } from '../platform/errors.ts';
import { checkValueOf, confirms } from './check-value.ts';
import type { KeyAttributes } from './key-slots.ts';
import { isModeOf, usageTitle } from './key-usage.ts';
import { type KeyOrigin, originOfForeign, testKbpks } from './test-keys.ts';

/** A key out of a block, fit for this module. The caller wipes it. */
export interface OpenedBlock {
  readonly key: Uint8Array;
  readonly attributes: KeyAttributes;
  /** Data of the optional block with that name. */
  optional(id: string): string | undefined;
}

/** Opens a block under another KBPK than the published ones. @throws PossumError as `unwrapKeyBlock` */
export type BlockOpener = (text: string) => UnwrappedKey;

/**
 * Opens a key block and checks that the terminal may keep what is in it. Line ends around the block are passed over.
 * @param opener of a KBPK in a slot; the published test KBPKs when absent
 * @param marked keys that nobody published are taken from under `opener`
 * @throws PossumError `FORMAT` for a malformed block, `KEY` for one that is not under the KBPK or must not be loaded
 */
export function openKeyBlock(block: string, opener: BlockOpener | undefined, marked: boolean): OpenedBlock {
  const text = block.trim();
  const opened = (opener ?? openUnderTestKbpk)(text);
  try {
    return { ...attributesOf(opened, opener === undefined ? 'block' : undefined, marked), key: opened.key };
  } catch (cause) {
    opened.key.fill(0);
    throw cause;
  } finally {
    opened.padding.fill(0);
  }
}

function openUnderTestKbpk(text: string): UnwrappedKey {
  const { versionId } = parseKeyBlockHeader(text).header;
  let last: unknown;
  for (const kbpk of testKbpks(versionId)) {
    try {
      return unwrapKeyBlock(kbpk, text);
    } catch (cause) {
      if (!isPossumError(cause, 'KEY')) throw cause;
      last = cause;
    }
  }
  throw new PossumError(
    'KEY',
    'the MAC of the key block is wrong: it was changed, or is not under a public test KBPK',
    {
      remedy:
        'Make the block under the test KBPK (`possum keys generate --help` names it), or load your KBPK first and name its slot with --under.',
      cause: last,
    },
  );
}

function attributesOf(
  { header, optionalBlocks, key }: UnwrappedKey,
  trusted: KeyOrigin | undefined,
  marked: boolean,
): Omit<OpenedBlock, 'key'> {
  const { keyUsage: usage, algorithm, modeOfUse, exportability } = header;
  refuseForeignKinds(usage, algorithm, modeOfUse, header.keyVersionNumber);
  const kcv = checkValueOf(algorithm, key);
  const optional = (id: string) => optionalBlocks.find(([name]) => name === id)?.[1];
  const stated = optional('KC');
  if (stated !== undefined && kcv !== '' && !confirms(stated.slice(2), algorithm, key)) {
    throw new PossumError(
      'KEY',
      `the block states check value ${stated.slice(2)} for its key, which has ${kcv}`,
      {
        remedy: 'Ask who made the block for a new one.',
      },
    );
  }
  const origin = trusted ?? originOfForeign(key, marked, 'the key in the block');
  return {
    attributes: { usage, algorithm, modeOfUse, exportability, bits: 8 * key.length, kcv, origin },
    optional,
  };
}

/**
 * Refuses a key that a terminal must not have, or that this module cannot keep.
 * @throws PossumError `KEY` with the reason
 */
export function refuseForeignKinds(
  usage: string,
  algorithm: string,
  modeOfUse: string,
  keyVersion = '00',
): void {
  if (usage === 'B0' || usage === 'B2') {
    throw new PossumError('KEY', `a base derivation key (usage ${usage}) never enters a terminal`, {
      remedy:
        'It belongs to the host (`bdks` in the host file). Load the initial key of this terminal: usage B1, `possum keys inject`.',
    });
  }
  if (!['T', 'D', 'A', 'H'].includes(algorithm)) {
    throw new PossumError('KEY', `keys of algorithm ${algorithm} have no slot in this terminal`, {
      remedy: 'It keeps TDES (T), DES (D), AES (A) and HMAC (H) keys.',
    });
  }
  if ((algorithm === 'H') !== (usage === 'M7')) {
    throw new PossumError(
      'KEY',
      `usage ${usage} (${usageTitle(usage)}) has no keys of algorithm ${algorithm}`,
      {
        remedy: 'HMAC keys have usage M7 and algorithm H, both or neither.',
      },
    );
  }
  if (!isModeOf(usage, modeOfUse)) {
    throw new PossumError('KEY', `usage ${usage} (${usageTitle(usage)}) does not go with mode ${modeOfUse}`, {
      remedy: 'See X9.143, tables 2 and 4; `possum crypto tr31` shows the header.',
    });
  }
  if (keyVersion.startsWith('c')) {
    throw new PossumError('KEY', `the block holds a component (key version ${keyVersion}), no whole key`, {
      remedy: 'Load components with `possum keys load --component`.',
    });
  }
}
