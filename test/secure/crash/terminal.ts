import { join } from 'node:path';
import { initialKey, macRequestKey, transactionKey } from '../../../src/crypto/dukpt-tdes.ts';
import { retailMac } from '../../../src/crypto/mac.ts';
import { type Journal, openJournal } from '../../../src/journal/journal.ts';
import { fromHex, latin1, toHex } from '../../../src/platform/bytes.ts';
import { VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import { Pan, Secret } from '../../../src/platform/secret.ts';
import { silentTrace } from '../../../src/platform/trace.ts';
import type { Keypad, PinKey } from '../../../src/ports/index.ts';
import { createSecureModule, type SecureModule } from '../../../src/secure/secure-module.ts';
import { openSecureStorage } from '../../../src/secure/storage.ts';

export const KSN = fromHex('FFFF9876543210E00000');
export const INITIAL_KEY = initialKey(fromHex('0123456789ABCDEFFEDCBA9876543210'), KSN);

const MESSAGE = latin1('0200');
const REQUEST = { pan: new Pan('4761739001010010'), amountMinor: 100, currency: '840', exponent: 2 };
const KEYS: readonly PinKey[] = [1, 2, 3, 4, 'enter'];

/** Secure module and journal of a terminal, without the rest. */
export interface Core {
  readonly secure: SecureModule;
  readonly journal: Journal;
  /**
   * Takes the key of a message, with a PIN or without.
   * @param heard called at the moment at which the KSN is known outside
   * @returns KSN and MAC in hex, as the host would see them
   */
  take(withPin: boolean, heard?: (sent: Sent) => void): Promise<Sent | undefined>;
  close(): void;
}

export interface Sent {
  readonly ksn: string;
  readonly mac: string;
}

/** @param onStatement called before each statement of the database; what it throws goes through */
export async function openCore(folder: string, isNew: boolean, onStatement: () => void): Promise<Core> {
  const storage = openSecureStorage(join(folder, 'secure'), seededRandom(folder), isNew);
  const journal = await openJournal(folder, storage.sealer, { trace: silentTrace, onStatement });
  try {
    const clock = new VirtualClock(0);
    const pad: Keypad = {
      kind: 'keypad',
      stars() {},
      open(_prompt, sink) {
        for (const key of KEYS) queueMicrotask(() => sink.press(key));
        return () => {};
      },
    };
    const parts = { store: journal.keyStore, clock, trace: silentTrace, pad: () => pad };
    const secure = createSecureModule({ ...parts, ...storage });
    if (secure.status() === 'unprovisioned') {
      secure.loadInitialKey(new Secret(Uint8Array.from(INITIAL_KEY)), KSN);
    }
    return {
      secure,
      journal,
      async take(withPin, heard) {
        if (withPin) await secure.online(REQUEST, new AbortController().signal);
        const key = withPin ? secure.takePinKey() : secure.takeMessageKey();
        if (key === undefined) return undefined;
        const sent = { ksn: toHex(key.ksn), mac: toHex(key.mac(MESSAGE)) };
        heard?.(sent);
        key.release();
        return sent;
      },
      close() {
        secure.close();
        journal.close();
      },
    };
  } catch (cause) {
    journal.close();
    throw cause;
  }
}

/** Whether the message was protected under the key of its KSN, as the host derives it. */
export function isRight({ ksn, mac }: Sent): boolean {
  const key = transactionKey(INITIAL_KEY, fromHex(ksn));
  return toHex(retailMac(macRequestKey(key), MESSAGE)) === mac;
}
