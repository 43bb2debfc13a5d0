import { aesCmac } from '../crypto/cmac.ts';
import { type AesDukptUsage, aesWorkingKey } from '../crypto/dukpt-aes.ts';
import { typeOfLength } from '../crypto/dukpt-aes-step.ts';
import { encipherPinBlock } from '../crypto/pin-encipher.ts';
import { equalBytes, toHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import type { Random } from '../platform/random.ts';
import { type Pan, Secret } from '../platform/secret.ts';
import type { Trace } from '../platform/trace.ts';
import type { Sealer } from '../ports/index.ts';
import type { DukptKey } from './future-keys.ts';
import type { MessageKey, ResponseKey } from './message-key.ts';

/** Field 64 has room for so much of a CMAC. */
const MAC_LENGTH = 8;
const FILL_LENGTH = 8;

/**
 * The key of one message under AES DUKPT (X9.24-3:2017, section 6.3): PIN block of format 4, CMAC cut to 8 bytes,
 * each under a working key of its own usage and of the initial key's strength.
 * @param pin digit values and the PAN they belong to; the caller wipes the digits
 */
export function aesMessageKey(
  taken: DukptKey,
  sealer: Sealer,
  trace: Trace,
  random: Random,
  pin?: { readonly digits: Uint8Array; readonly pan: Pan },
): MessageKey {
  const { ksn, key } = taken;
  let released = false;
  const withWorkingKey = <T>(what: string, usage: AesDukptUsage, use: (key: Uint8Array) => T): T => {
    if (released) throw new PossumError('STATE', `the key of this message is gone; ${what} is refused`);
    if (trace.wants('key')) trace.emit({ kind: 'key', slot: 'DUKPT', use: what, ksn: toHex(ksn) });
    const derivation = key.reveal();
    const working = aesWorkingKey(derivation, ksn, usage, typeOfLength(derivation.length));
    try {
      return use(working);
    } finally {
      working.fill(0);
    }
  };
  const pinBlock =
    pin === undefined
      ? undefined
      : withWorkingKey('PIN encryption', 'PIN_ENCRYPTION', (working) => {
          const fill = random.bytes(FILL_LENGTH);
          return encipherPinBlock(working, { format: 4, pin: pin.digits, pan: pin.pan.reveal(), fill });
        });
  return {
    ksn,
    pinBlock,
    mac: (data) => withWorkingKey('MAC request', 'MAC_GENERATION', (working) => macOf(working, data)),
    verify: (data, mac) =>
      withWorkingKey('MAC response', 'MAC_VERIFICATION', (working) => equalBytes(macOf(working, data), mac)),
    sealResponseKey: (context) =>
      withWorkingKey('MAC response', 'MAC_VERIFICATION', (working) =>
        sealer.seal(working, contextOf(context)),
      ),
    release() {
      released = true;
      key.wipe();
    },
  };
}

/**
 * Opens what {@link MessageKey.sealResponseKey} of an AES key made.
 * @returns `undefined` when it was altered, or is of another kind
 */
export function aesResponseKey(sealed: Uint8Array, context: string, sealer: Sealer): ResponseKey | undefined {
  const bytes = sealer.open(sealed, contextOf(context));
  if (bytes === undefined) return undefined;
  const key = new Secret(bytes, 'MAC response key');
  return {
    verify: (data, mac) => equalBytes(macOf(key.reveal(), data), mac),
    release: () => key.wipe(),
  };
}

function macOf(key: Uint8Array, data: Uint8Array): Uint8Array {
  return aesCmac(key, data).subarray(0, MAC_LENGTH);
}

function contextOf(context: string): string {
  return `${context} AES`;
}
