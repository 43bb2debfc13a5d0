import { aesCbcDecrypt, aesCbcEncrypt } from '../crypto/aes.ts';
import { aesCmac, tdesCmac } from '../crypto/cmac.ts';
import { tdesCbcDecrypt, tdesCbcEncrypt } from '../crypto/des.ts';
import { wrapKeyBlock } from '../crypto/key-block.ts';
import type { KeyBlockVersion } from '../crypto/key-block-header.ts';
import { cbcMac, hmacSha256, retailMac, unionPayMac } from '../crypto/mac.ts';
import { type EncipheredPinInput, encipherPinBlock } from '../crypto/pin-encipher.ts';
import { equalBytes } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import type { Random } from '../platform/random.ts';
import type { KeySlot, SlotStore } from './key-slots.ts';
import { type KeyOperation, requireOperation, UNION_PAY_MAC } from './key-usage.ts';

/**
 * What can be done with the keys in slots. Each asks for the slot by name and gets a result, never a key; a key that
 * is not there for it is refused with a PossumError `KEY`.
 */
export interface KeyOperations {
  /** The enciphered PIN block: 8 bytes, format 4 has 16. The caller wipes the digits. */
  encipherPin(slot: string, pin: EncipheredPinInput): Uint8Array;
  /** A MAC as the key's usage tells, in its full length. */
  makeMac(slot: string, data: Uint8Array): Uint8Array;
  /** @param mac the whole MAC or its first bytes, 4 at least */
  checkMac(slot: string, data: Uint8Array, mac: Uint8Array): boolean;
  /** CBC over whole cipher blocks. @param iv one block */
  encipher(slot: string, data: Uint8Array, iv: Uint8Array): Uint8Array;
  decipher(slot: string, data: Uint8Array, iv: Uint8Array): Uint8Array;
  /**
   * A key as a block under another key: the only way in which one leaves.
   * @param under slot of a KBPK: with a TDES key the block has version B, with AES D, with one of ISO 20038 (K4) E
   * @throws PossumError `KEY` for a key that must not be exported
   */
  exportBlock(slot: string, under: string): string;
}

/** The shortest MAC that means something (ISO 9797-1 allows cutting; hosts cut to four bytes). */
const LEAST_MAC = 4;

/** @param used told of each use, before it happens */
export function keyOperations(
  slots: SlotStore,
  random: Random,
  used: (slot: KeySlot, operation: KeyOperation) => void,
): KeyOperations {
  const withKey = <T>(name: string, operation: KeyOperation, use: (key: Uint8Array, slot: KeySlot) => T): T =>
    slots.withKey(name, (key, slot) => {
      requireOperation(slot, operation);
      used(slot, operation);
      return use(key, slot);
    });
  return {
    encipherPin: (name, pin) =>
      withKey(name, 'encipher a PIN', (key, slot) => {
        requireAlgorithm(slot, pin.format === 4 ? 'A' : 'TD', `a PIN block of format ${pin.format}`);
        return encipherPinBlock(key, pin);
      }),
    makeMac: (name, data) => withKey(name, 'make a MAC', (key, slot) => macOf(slot, key, data)),
    checkMac: (name, data, mac) =>
      withKey(name, 'check a MAC', (key, slot) => {
        const whole = macOf(slot, key, data);
        return mac.length >= LEAST_MAC && equalBytes(whole.subarray(0, mac.length), mac);
      }),
    encipher: (name, data, iv) =>
      withKey(name, 'encipher data', (key, slot) =>
        (slot.algorithm === 'A' ? aesCbcEncrypt : tdesCbcEncrypt)(key, data, iv),
      ),
    decipher: (name, data, iv) =>
      withKey(name, 'decipher data', (key, slot) =>
        (slot.algorithm === 'A' ? aesCbcDecrypt : tdesCbcDecrypt)(key, data, iv),
      ),
    exportBlock: (name, under) =>
      withKey(under, 'close a key block', (kbpk, kek) =>
        slots.withKey(name, (key, slot) => {
          requireExportable(slot);
          const version = kek.usage === 'K4' ? 'E' : kek.algorithm === 'A' ? 'D' : 'B';
          requireVersion(kek, version);
          return closeBlock(kbpk, version, slot, key, random);
        }),
      ),
  };
}

/** Closes a block whose header says what the slot's attributes say. */
export function closeBlock(
  kbpk: Uint8Array,
  versionId: KeyBlockVersion,
  slot: Pick<KeySlot, 'usage' | 'algorithm' | 'modeOfUse' | 'exportability'>,
  key: Uint8Array,
  random: Random,
  optionalBlocks: readonly (readonly [string, string])[] = [],
): string {
  const { usage: keyUsage, algorithm, modeOfUse, exportability } = slot;
  const header = { versionId, keyUsage, algorithm, modeOfUse, keyVersionNumber: '00', exportability };
  return wrapKeyBlock(kbpk, { header, optionalBlocks, key }, random);
}

function macOf(slot: KeySlot, key: Uint8Array, data: Uint8Array): Uint8Array {
  switch (slot.usage) {
    case 'M0':
    case 'M1':
      requireAlgorithm(slot, 'TD', 'this MAC');
      return cbcMac(key, data);
    case 'M3':
      requireAlgorithm(slot, 'T', 'this MAC');
      return retailMac(key, data);
    case 'M6':
      requireAlgorithm(slot, 'TA', 'a CMAC');
      return slot.algorithm === 'A' ? aesCmac(key, data) : tdesCmac(key, data);
    case 'M7':
      requireAlgorithm(slot, 'H', 'an HMAC');
      return hmacSha256(key, data);
    case UNION_PAY_MAC:
      requireAlgorithm(slot, 'TD', 'this MAC');
      return unionPayMac(key, data);
    default:
      throw new PossumError('INTERNAL', `usage ${slot.usage} has no MAC`, { where: `key slot ${slot.name}` });
  }
}

function requireAlgorithm({ name, algorithm }: KeySlot, allowed: string, what: string): void {
  if (allowed.includes(algorithm)) return;
  throw new PossumError('KEY', `a key of algorithm ${algorithm} is not for ${what}`, {
    where: `key slot ${name}`,
    remedy: `It needs one of algorithm ${[...allowed].join(' or ')}.`,
  });
}

/**
 * Refuses a KBPK that does not protect blocks of this version: A to C are under TDES, D and E under AES; E is that of
 * ISO 20038 and its keys (K4), which know D too.
 * @throws PossumError `KEY`
 */
export function requireVersion({ name, usage, algorithm }: KeySlot, version: KeyBlockVersion): void {
  const isAes = version === 'D' || version === 'E';
  const fits = usage === 'K4' ? algorithm === 'A' && isAes : version !== 'E' && (algorithm === 'A') === isAes;
  if (fits) return;
  throw new PossumError(
    'KEY',
    `a key of usage ${usage} and algorithm ${algorithm} protects no key block of version ${version}`,
    {
      where: `key slot ${name}`,
      remedy: 'Name the slot of the KBPK under which the block was made.',
    },
  );
}

function requireExportable({ name, exportability }: KeySlot): void {
  if (exportability !== 'N') return;
  throw new PossumError('KEY', 'the key must not be exported (exportability N)', {
    where: `key slot ${name}`,
    remedy: 'Load it from where it came from instead.',
  });
}
