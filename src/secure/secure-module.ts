import type { Clock } from '../platform/clock.ts';
import { PossumError } from '../platform/errors.ts';
import { type Random, systemRandom } from '../platform/random.ts';
import type { Pan, Secret } from '../platform/secret.ts';
import { secretBytes } from '../platform/secret-memory.ts';
import type { Trace } from '../platform/trace.ts';
import type {
  EncipheredPinRequest,
  Exchange,
  Keypad,
  KeyStore,
  OfflinePinAnswer,
  OfflinePinRequest,
  OnlinePinRequest,
  PinPadKind,
  PinPrompt,
  PinRefusal,
  PinService,
  Sealer,
} from '../ports/index.ts';
import { type FutureKeys, futureKeys } from './future-keys.ts';
import { type MessageKey, messageKey, type ResponseKey, responseKey } from './message-key.ts';
import { verifyEnciphered, verifyPlaintext } from './offline-pin.ts';
import { enterPin, MAX_DIGITS } from './pin-entry.ts';
import { selfTest } from './self-test.ts';

/** The emulated secure processor: keys and PINs are in here and nowhere else. */
export interface SecureModule extends PinService {
  /** `unprovisioned` before an initial key was loaded, `exhausted` after the last KSN. */
  status(): 'ready' | 'unprovisioned' | 'exhausted';
  /** The pad that takes PINs now; `undefined` when none is bound. */
  padKind(): PinPadKind | undefined;
  /** The KSN that comes next, for display. */
  nextKsn(): Uint8Array | undefined;
  /** Loads a DUKPT initial key; the BDK never enters the terminal. */
  loadInitialKey(key: Secret, ksn: Uint8Array): void;
  /**
   * The key of the request that a PIN was just entered for, durable already. It is given once: a unit of work that
   * may be done again must not ask for it.
   * @returns `undefined` when no PIN waits for its request
   */
  takePinKey(): MessageKey | undefined;
  /**
   * A fresh key, durable in the caller's unit of work. A PIN that waits for its request is left alone: reversals
   * and advices never carry one.
   * @returns `undefined` when no key is left
   */
  takeMessageKey(): MessageKey | undefined;
  /** Forgets a PIN that was entered for a message which will not be sent; its KSN stays spent. */
  dropPin(): void;
  /** Opens a response key that was sealed into an outbox row. */
  openResponseKey(sealed: Uint8Array, context: string): ResponseKey | undefined;
}

export interface SecureModuleParts {
  readonly store: KeyStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly trace: Trace;
  /** The pad that takes PINs; `undefined` when none is bound. */
  readonly pad: () => Keypad | undefined;
  /** Pads enciphered PINs; the system's when absent. */
  readonly random?: Random;
}

/**
 * Boots the secure module: self-test first.
 * @throws PossumError `INTERNAL` when a known answer is wrong
 */
export function createSecureModule(parts: SecureModuleParts): SecureModule {
  selfTest();
  const keys = futureKeys(parts.store, parts.sealer);
  return new Module(parts, keys);
}

class Module implements SecureModule {
  readonly #parts: SecureModuleParts;
  readonly #keys: FutureKeys;
  #pinKey: MessageKey | undefined;
  #loaded: boolean;

  constructor(parts: SecureModuleParts, keys: FutureKeys) {
    this.#parts = parts;
    this.#keys = keys;
    this.#loaded = parts.store.get('dukpt/0/ksn') !== undefined;
  }

  status(): 'ready' | 'unprovisioned' | 'exhausted' {
    if (!this.#loaded) return 'unprovisioned';
    return this.#keys.peek() === undefined ? 'exhausted' : 'ready';
  }

  padKind(): PinPadKind | undefined {
    return this.#parts.pad()?.kind;
  }

  nextKsn(): Uint8Array | undefined {
    return this.#keys.peek();
  }

  loadInitialKey(key: Secret, ksn: Uint8Array): void {
    if (key.reveal().length !== 16 || ksn.length !== 10) {
      throw new PossumError('KEY', 'a TDES DUKPT initial key has 16 bytes and its KSN 10', {
        remedy: 'Check `keys` in the terminal file.',
      });
    }
    this.#keys.load(key, ksn);
    this.#loaded = true;
  }

  takePinKey(): MessageKey | undefined {
    const key = this.#pinKey;
    this.#pinKey = undefined;
    return key;
  }

  takeMessageKey(): MessageKey | undefined {
    const taken = this.#keys.take();
    return taken === undefined ? undefined : messageKey(taken, this.#parts.sealer, this.#parts.trace);
  }

  dropPin(): void {
    this.#pinKey?.release();
    this.#pinKey = undefined;
  }

  openResponseKey(sealed: Uint8Array, context: string): ResponseKey | undefined {
    return responseKey(sealed, context, this.#parts.sealer);
  }

  async online(request: OnlinePinRequest, signal: AbortSignal): Promise<{ kind: 'entered' | PinRefusal }> {
    this.dropPin();
    if (this.status() !== 'ready') return { kind: 'unavailable' };
    return this.#withDigits({ ...promptOf(request), purpose: 'online' }, signal, (digits) => {
      this.#pinKey = this.#keyForPin(digits, request.pan);
      return { kind: this.#pinKey === undefined ? 'unavailable' : 'entered' } as const;
    });
  }

  async offlinePlaintext(
    request: OfflinePinRequest,
    transmit: (command: Uint8Array) => Promise<Exchange>,
    signal: AbortSignal,
  ): Promise<OfflinePinAnswer> {
    return this.#withDigits({ ...promptOf(request), purpose: 'offline' }, signal, (digits) =>
      verifyPlaintext(digits, transmit),
    );
  }

  async offlineEnciphered(
    request: EncipheredPinRequest,
    transmit: (command: Uint8Array) => Promise<Exchange>,
    signal: AbortSignal,
  ): Promise<OfflinePinAnswer> {
    const { key, challenge } = request;
    return this.#withDigits({ ...promptOf(request), purpose: 'offline' }, signal, (digits) =>
      verifyEnciphered(digits, key, challenge, this.#parts.random ?? systemRandom(), transmit),
    );
  }

  /** The counter moves durably before the KSN is known outside; the digits are wiped by the caller. */
  #keyForPin(digits: Uint8Array, pan: Pan): MessageKey | undefined {
    const taken = this.#keys.take();
    return taken === undefined
      ? undefined
      : messageKey(taken, this.#parts.sealer, this.#parts.trace, { digits, pan });
  }

  async #withDigits<T>(
    prompt: PinPrompt,
    signal: AbortSignal,
    use: (digits: Uint8Array) => T | Promise<T>,
  ): Promise<T | { kind: 'bypassed' | 'cancelled' | 'timeout' | 'unavailable' }> {
    const pad = this.#parts.pad();
    if (pad === undefined) return { kind: 'unavailable' };
    const buffer = secretBytes(MAX_DIGITS);
    try {
      const entry = await enterPin(pad, prompt, buffer, this.#parts.clock, signal);
      return entry.kind === 'entered' ? await use(buffer.subarray(0, entry.length)) : entry;
    } finally {
      buffer.fill(0);
    }
  }
}

function promptOf(request: Omit<PinPrompt, 'purpose'>): Omit<PinPrompt, 'purpose'> {
  const { amountMinor, currency, exponent, hint } = request;
  return { amountMinor, currency, exponent, ...(hint === undefined ? {} : { hint }) };
}
