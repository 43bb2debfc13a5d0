import { tdesEncrypt } from '../crypto/des.ts';
import { macRequestKey, macResponseKey, pinKey } from '../crypto/dukpt-tdes.ts';
import { retailMac } from '../crypto/mac.ts';
import { encodePinBlock } from '../crypto/pin-block.ts';
import { equalBytes, toHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import { type Pan, Secret } from '../platform/secret.ts';
import type { Trace } from '../platform/trace.ts';
import type { Sealer } from '../ports/index.ts';
import type { DukptKey } from './future-keys.ts';

/** Checks the MAC of answers to one message. */
export interface ResponseKey {
  /** True when `mac` is the MAC of `data` under the response key. */
  verify(data: Uint8Array, mac: Uint8Array): boolean;
  release(): void;
}

/**
 * The key of one message, usable for what one message needs and for nothing else. It lives in RAM from first
 * use until the answer was checked.
 */
export interface MessageKey extends ResponseKey {
  readonly ksn: Uint8Array;
  /** The PIN block under this key, when the PIN was entered for this message. */
  readonly pinBlock: Uint8Array | undefined;
  /** X9.19 MAC of a request, 8 bytes. */
  mac(data: Uint8Array): Uint8Array;
  /** The response key, sealed: a repeat that outlives a restart can then check its answer. */
  sealResponseKey(context: string): Uint8Array;
}

/**
 * Makes the message key, with the PIN block when digits are given.
 * @param pin digit values and the PAN they belong to; the caller wipes the digits
 */
export function messageKey(
  taken: DukptKey,
  sealer: Sealer,
  trace: Trace,
  pin?: { digits: Uint8Array; pan: Pan },
): MessageKey {
  const { ksn, key } = taken;
  let released = false;
  const use = (what: string): Uint8Array => {
    if (released) throw new PossumError('STATE', `the key of this message is gone; ${what} is refused`);
    if (trace.wants('key')) trace.emit({ kind: 'key', slot: 'DUKPT', use: what, ksn: toHex(ksn) });
    return key.reveal();
  };
  const pinBlock = pin === undefined ? undefined : encryptPin(use('PIN encryption'), pin.digits, pin.pan);
  return {
    ksn,
    pinBlock,
    mac: (data) => once(macRequestKey(use('MAC request')), (own) => retailMac(own, data)),
    verify: (data, mac) =>
      once(macResponseKey(use('MAC response')), (own) => equalBytes(retailMac(own, data), mac)),
    sealResponseKey: (context) =>
      once(macResponseKey(use('MAC response')), (own) => sealer.seal(own, context)),
    release() {
      released = true;
      key.wipe();
    },
  };
}

/**
 * Opens what {@link MessageKey.sealResponseKey} made.
 * @returns `undefined` when it was altered
 */
export function responseKey(sealed: Uint8Array, context: string, sealer: Sealer): ResponseKey | undefined {
  const bytes = sealer.open(sealed, context);
  if (bytes === undefined) return undefined;
  const key = new Secret(bytes, 'MAC response key');
  return {
    verify: (data, mac) => equalBytes(retailMac(key.reveal(), data), mac),
    release: () => key.wipe(),
  };
}

function encryptPin(key: Uint8Array, digits: Uint8Array, pan: Pan): Uint8Array {
  const clear = encodePinBlock({ format: 0, pin: digits, pan: pan.reveal() });
  try {
    return once(pinKey(key), (own) => tdesEncrypt(own, clear));
  } finally {
    clear.fill(0);
  }
}

/** Uses a key that was made for this and wipes it. */
function once<T>(key: Uint8Array, use: (key: Uint8Array) => T): T {
  try {
    return use(key);
  } finally {
    key.fill(0);
  }
}
