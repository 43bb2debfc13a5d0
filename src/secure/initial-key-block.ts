import { concat, fromHex, isHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import type { BlockRequest } from './keys.ts';
import type { OpenedBlock } from './opened-block.ts';
import type { KeyOrigin } from './test-keys.ts';

export interface InitialKeyBlock extends Pick<BlockRequest, 'block' | 'under' | 'marked'> {
  /** Needed when the block does not carry it. */
  readonly ksn?: Uint8Array;
}

/** How an initial key is known as a test key. */
export type InitialKeyProof = Extract<KeyOrigin, 'block' | 'generated'> | 'marked';

/**
 * The KSN of an initial key that came as a key block of usage B1, and how it is known.
 * @param stated the KSN beside the block
 * @throws PossumError `FORMAT`, `KEY` for a block that holds no initial key or whose KSN is not to be had
 */
export function knownInitialKey(
  opened: OpenedBlock,
  stated: Uint8Array | undefined,
): { readonly ksn: Uint8Array; readonly proof: InitialKeyProof | undefined } {
  const { usage, algorithm, origin } = opened.attributes;
  if (usage !== 'B1') {
    throw new PossumError('KEY', `the block holds a key of usage ${usage}, a DUKPT initial key has B1`, {
      remedy: 'Other keys go into slots: `possum keys load --block FILE`.',
    });
  }
  const ksn = ksnOf(opened, stated);
  if ((algorithm === 'A') !== (ksn.length === 12)) {
    throw new PossumError('KEY', `a KSN of ${ksn.length} bytes is not for a key of algorithm ${algorithm}`, {
      remedy: 'TDES DUKPT has a KSN of 10 bytes, AES DUKPT one of 12.',
    });
  }
  return { ksn, proof: PROOFS[origin] };
}

const PROOFS: Readonly<Record<string, InitialKeyProof>> = { block: 'block', 'marked-by-flag': 'marked' };

/**
 * The KSN of the block: `KS` holds that of TDES DUKPT with or without the bytes of the counter, `IK` the initial key
 * ID of AES DUKPT (X9.143:2021, section 6.3.6).
 */
function ksnOf({ optional }: OpenedBlock, stated: Uint8Array | undefined): Uint8Array {
  const [ks, ik] = [optional('KS'), optional('IK')];
  const carried =
    ks !== undefined
      ? filled('KS', ks, [10, 8], 10)
      : ik !== undefined
        ? filled('IK', ik, [8], 12)
        : undefined;
  if (carried !== undefined && stated !== undefined && !startsAlike(carried, stated)) {
    throw new PossumError('KEY', 'the KSN is not the one in the block', { remedy: 'Leave --ksn out.' });
  }
  const ksn = carried ?? stated;
  if (ksn !== undefined) return ksn;
  throw new PossumError('KEY', 'the block carries no KSN (optional block KS or IK)', {
    remedy: 'State it with --ksn.',
  });
}

function filled(id: string, text: string, lengths: readonly number[], length: number): Uint8Array {
  if (!isHex(text) || !lengths.includes(text.length / 2)) {
    throw new PossumError('FORMAT', `optional block ${id} holds no KSN`, {
      remedy: `It has ${lengths.join(' or ')} bytes in hex.`,
    });
  }
  const bytes = fromHex(text);
  return concat(bytes, new Uint8Array(length - bytes.length));
}

/** The device is named by the first bytes; the counter starts anew in any case. */
function startsAlike(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.subarray(0, 7).every((byte, i) => byte === b[i]);
}
