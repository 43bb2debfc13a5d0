import type { Random } from '../platform/random.ts';
import { Secret } from '../platform/secret.ts';
import { secretBytes } from '../platform/secret-memory.ts';
import type { Sealer } from '../ports/index.ts';
import { sealer } from './sealer.ts';
import { loadStorageKey } from './storage-key.ts';
import { type TamperSwitch, tamperSwitch } from './tamper-switch.ts';

/** What a secure module finds in `secure/` of its data folder. */
export interface SecureStorage {
  readonly sealer: Sealer;
  readonly tamper: TamperSwitch;
}

/**
 * Opens the storage of a secure module. After tampering there is no storage key any more: everything that would need
 * it is refused.
 * @param isNew nothing was sealed yet: a storage key is made
 * @throws PossumError `STORAGE` when the storage key is missing or damaged
 */
export function openSecureStorage(folder: string, random: Random, isNew: boolean): SecureStorage {
  const tamper = tamperSwitch(folder);
  if (tamper.tripped() !== undefined) {
    const none = sealer(new Secret(secretBytes(32), 'no storage key'));
    none.forget();
    return { sealer: none, tamper };
  }
  const key = loadStorageKey(folder, random, isNew);
  const opened = sealer(key);
  key.wipe();
  return { sealer: opened, tamper };
}
