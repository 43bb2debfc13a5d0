import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openJournal, viewJournal } from '../../journal/journal.ts';
import { realClock } from '../../platform/clock.ts';
import { systemRandom } from '../../platform/random.ts';
import { silentTrace } from '../../platform/trace.ts';
import { type KeyView, viewKeys } from '../../secure/key-view.ts';
import { createSecureModule, type SecureModule } from '../../secure/secure-module.ts';
import { openSecureStorage } from '../../secure/storage.ts';
import { type DataOptions, makeDataFolder, resolveData } from '../data-folder.ts';

/**
 * Opens the secure module of a data folder for one piece of work, as its owner; a folder that has none gets one.
 * @throws PossumError `LOCKED` while a terminal runs there, `STORAGE`
 */
export async function withVault<T>(
  options: DataOptions,
  work: (secure: SecureModule) => T | Promise<T>,
): Promise<T> {
  const { folder } = resolveData(options);
  makeDataFolder(folder);
  const isNew = !existsSync(join(folder, 'terminal.db'));
  const random = systemRandom();
  const storage = openSecureStorage(join(folder, 'secure'), random, isNew);
  const journal = await openJournal(folder, storage.sealer, { trace: silentTrace });
  try {
    const parts = { store: journal.keyStore, ...storage, random, clock: realClock(), trace: silentTrace };
    return await work(createSecureModule({ ...parts, pad: () => undefined }));
  } finally {
    journal.close();
  }
}

/**
 * Looks at the keys of a data folder; its terminal may be at work.
 * @throws PossumError `STORAGE` when there is none
 */
export async function withKeyView<T>(options: DataOptions, work: (view: KeyView) => T): Promise<T> {
  const { folder } = resolveData(options);
  const journal = await viewJournal(folder);
  try {
    return work(viewKeys(journal.keys, openSecureStorage(join(folder, 'secure'), systemRandom(), false)));
  } finally {
    journal.close();
  }
}
