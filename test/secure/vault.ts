import { join } from 'node:path';
import { type PowerSupply, powerSupply } from '../../devices/virtual/power.ts';
import { openJournal } from '../../src/journal/journal.ts';
import { VirtualClock } from '../../src/platform/clock.ts';
import { seededRandom, systemRandom } from '../../src/platform/random.ts';
import { silentTrace, type Trace } from '../../src/platform/trace.ts';
import type { KeyStore } from '../../src/ports/index.ts';
import { createSecureModule, type SecureModule } from '../../src/secure/secure-module.ts';
import { openSecureStorage } from '../../src/secure/storage.ts';
import { memoryKeyStore } from '../support/memory-key-store.ts';
import { testSealer } from '../support/sealer.ts';

/** A secure module without a disk. */
export function memoryVault(trace: Trace = silentTrace): {
  readonly secure: SecureModule;
  readonly store: ReturnType<typeof memoryKeyStore>;
} {
  const store = memoryKeyStore();
  const secure = createSecureModule({
    store,
    sealer: testSealer(),
    clock: new VirtualClock(0),
    trace,
    pad: () => undefined,
    random: seededRandom(1),
  });
  return { secure, store };
}

/** A secure module on a data folder, as a terminal has it. */
export interface DiskVault {
  readonly secure: SecureModule;
  readonly store: KeyStore;
  readonly power: PowerSupply;
  close(): void;
}

/** @param cutAt the statement before which the power fails, counted from {@link DiskVault} being open; 0 for never */
export async function diskVault(folder: string, cutAt = 0, isNew = false): Promise<DiskVault> {
  let armed = false;
  let statements = 0;
  const power = powerSupply((_kind, _number, supply) => {
    if (armed && ++statements === cutAt) supply.cut();
  });
  const storage = openSecureStorage(join(folder, 'secure'), systemRandom(), isNew);
  const journal = await openJournal(folder, storage.sealer, {
    trace: silentTrace,
    onStatement: () => power.point('sql'),
  });
  const secure = createSecureModule({
    store: journal.keyStore,
    ...storage,
    clock: new VirtualClock(1_000),
    trace: silentTrace,
    pad: () => undefined,
    random: systemRandom(),
  });
  armed = true;
  return { secure, store: journal.keyStore, power, close: () => journal.close() };
}

/**
 * Does `work` on a copy of one terminal again and again, the power failing before each of its statements in turn.
 * @param begin makes the terminal that each run starts from
 * @param check looks at what a terminal finds that boots on the folder afterwards
 * @returns how many points there were
 */
export async function cutAtEachStatement(
  folders: () => string,
  begin: (vault: DiskVault) => void,
  work: (vault: DiskVault) => void,
  check: (vault: DiskVault, finished: boolean) => void,
): Promise<number> {
  for (let cutAt = 1; ; cutAt++) {
    const folder = folders();
    const first = await diskVault(folder, 0, true);
    begin(first);
    first.close();
    const second = await diskVault(folder, cutAt);
    let finished = true;
    try {
      work(second);
    } catch (cause) {
      if (second.power.isOn) throw cause;
      finished = false;
    }
    finished = finished && second.power.isOn;
    second.close();
    const third = await diskVault(folder);
    check(third, finished);
    third.close();
    if (finished) return cutAt - 1;
  }
}
