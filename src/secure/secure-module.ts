import { PossumError } from '../platform/errors.ts';
import { type Random, systemRandom } from '../platform/random.ts';
import { type Pan, Secret } from '../platform/secret.ts';
import type {
  EncipheredPinRequest,
  Exchange,
  KeyStore,
  OfflinePinAnswer,
  OfflinePinRequest,
  OnlinePinRequest,
  PinPadKind,
  PinPrompt,
  PinRefusal,
} from '../ports/index.ts';
import { aesMessageKey, aesResponseKey } from './aes-message-key.ts';
import { isFromPublishedBdk, schemeOf, schemeOfInitialKey } from './dukpt-scheme.ts';
import {
  type DukptKey,
  type FutureKeys,
  futureKeys,
  type LoadedInitialKey,
  MOST_PASSED_OVER,
} from './future-keys.ts';
import { type Health, watchHealth } from './health.ts';
import { type InitialKeyBlock, type InitialKeyProof, knownInitialKey } from './initial-key-block.ts';
import { createKeys, type Keys, type KeysInside } from './keys.ts';
import { type MessageKey, messageKey, type ResponseKey, responseKey } from './message-key.ts';
import type { SecureModule, SecureModuleParts, SecureStatus } from './module-contract.ts';
import { verifyEnciphered, verifyPlaintext } from './offline-pin.ts';
import { PinDesk } from './pin-desk.ts';
import { type PinRate, pinRate } from './pin-rate.ts';
import { sealFault } from './self-test.ts';
import type { Tampering } from './tamper-switch.ts';
import { type KeyOrigin, originOfForeign } from './test-keys.ts';
import { TransactionSecret } from './transaction-secret.ts';

export type { SecureModule, SecureModuleParts, SecureStatus } from './module-contract.ts';

/** Boots the secure module: self-test first. One that fails is out of service, see {@link SecureModule.fault}. */
export function createSecureModule(parts: SecureModuleParts): SecureModule {
  return new Module(parts);
}

class Module implements SecureModule {
  readonly #parts: SecureModuleParts;
  readonly #health: Health;
  readonly #registers: FutureKeys;
  readonly #store: KeyStore;
  readonly #inside: KeysInside;
  readonly #pinRate: PinRate;
  readonly #desk: PinDesk;
  /** Keys of messages whose answers were not checked yet. */
  readonly #inUse = new Set<TransactionSecret>();
  #tampering: Tampering | undefined;
  #pinKey: MessageKey | undefined;

  constructor(parts: SecureModuleParts) {
    this.#parts = parts;
    const checks = [() => this.#wrongRegister(), () => this.#alteredSlot(), () => this.#brokenSeal()];
    this.#health = watchHealth(parts, parts.random ?? systemRandom(), checks);
    const store = this.#guarded(parts.store);
    this.#store = store;
    this.#pinRate = pinRate(store, parts.clock, parts.pinLimit);
    this.#desk = new PinDesk({ clock: parts.clock, pad: parts.pad, isOut: () => this.#isOut() });
    this.#registers = futureKeys(store, parts.sealer);
    this.#inside = createKeys({ store, sealer: parts.sealer, trace: parts.trace, random: this.random });
    this.#tampering = parts.tamper?.tripped();
    // The power may have failed while keys were being destroyed.
    if (this.#tampering !== undefined) this.#destroyKeys();
    else if (!this.#isOut() && this.#registers.passedOver() > MOST_PASSED_OVER) this.tamper(WRONG_REGISTERS);
  }

  status(): SecureStatus {
    if (this.#tampering !== undefined) return 'tampered';
    if (this.fault() !== undefined) return 'failed';
    if (!this.#registers.isLoaded()) return 'unprovisioned';
    return this.#registers.peek() === undefined ? 'exhausted' : 'ready';
  }

  get keys(): Keys {
    this.#health.testFurther();
    return this.#inside.keys;
  }

  get random(): Random {
    return this.#health.random;
  }

  fault(): string | undefined {
    return this.#health.fault();
  }

  selfTest(): string | undefined {
    return this.#health.test();
  }

  close(): void {
    this.#health.close();
  }

  pinWaitMs(): number {
    return this.#pinRate.waitMs();
  }

  padKind(): PinPadKind | undefined {
    return this.#parts.pad()?.kind;
  }

  nextKsn(): Uint8Array | undefined {
    return this.#isOut() ? undefined : this.#registers.peek();
  }

  initialKey(): LoadedInitialKey | undefined {
    return this.#isOut() ? undefined : this.#registers.loaded();
  }

  loadInitialKey(key: Secret, ksn: Uint8Array, proof?: InitialKeyProof): LoadedInitialKey {
    if (schemeOfInitialKey(key.reveal(), ksn).name === 'AES') this.#health.testFurther();
    this.#requireIntact();
    return this.#registers.load(key.reveal(), ksn, originOf(key.reveal(), ksn, proof));
  }

  loadInitialKeyBlock(request: InitialKeyBlock): LoadedInitialKey {
    this.#health.testFurther();
    this.#requireIntact();
    const opened = this.#inside.openBlock(request);
    const key = new Secret(opened.key, 'initial key');
    try {
      const { ksn, proof } = knownInitialKey(opened, request.ksn);
      return this.loadInitialKey(key, ksn, proof);
    } finally {
      key.wipe();
    }
  }

  takePinKey(): MessageKey | undefined {
    const key = this.#pinKey;
    this.#pinKey = undefined;
    return key;
  }

  takeMessageKey(): MessageKey | undefined {
    return this.#take();
  }

  dropPin(): void {
    this.#pinKey?.release();
    this.#pinKey = undefined;
  }

  openResponseKey(sealed: Uint8Array, context: string): ResponseKey | undefined {
    if (this.#tampering !== undefined) return undefined;
    const { sealer } = this.#parts;
    return responseKey(sealed, context, sealer) ?? aesResponseKey(sealed, context, sealer);
  }

  tampering(): Tampering | undefined {
    return this.#tampering;
  }

  tamper(reason: string): void {
    if (this.#tampering !== undefined) return;
    this.#tampering = { reason, atMs: this.#parts.clock.now() };
    try {
      this.#parts.tamper?.trip(this.#tampering);
    } finally {
      this.#desk.shut();
      this.#destroyKeys();
    }
    const { trace } = this.#parts;
    trace.emit({ kind: 'alarm', what: `the terminal was tampered with: ${reason}` });
    trace.emit({ kind: 'state', part: 'secure module', to: 'tampered', detail: reason });
  }

  async online(request: OnlinePinRequest, signal: AbortSignal): Promise<{ kind: 'entered' | PinRefusal }> {
    this.dropPin();
    if (this.status() !== 'ready') return { kind: 'unavailable' };
    const { trace } = this.#parts;
    if (!this.#canBind(request.pan)) {
      trace.emit({ kind: 'alarm', what: 'no PIN: the card number is too short for a PIN block' });
      return { kind: 'unavailable' };
    }
    const waitMs = this.pinWaitMs();
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      trace.emit({ kind: 'alarm', what: `too many PINs: the next one in ${seconds} s` });
      return { kind: 'limited' };
    }
    return this.#desk.take({ ...promptOf(request), purpose: 'online' }, signal, (digits) => {
      this.#pinKey = this.#take({ digits, pan: request.pan });
      return { kind: this.#pinKey === undefined ? 'unavailable' : 'entered' } as const;
    });
  }

  async offlinePlaintext(
    request: OfflinePinRequest,
    transmit: (command: Uint8Array) => Promise<Exchange>,
    signal: AbortSignal,
  ): Promise<OfflinePinAnswer> {
    return this.#desk.take({ ...promptOf(request), purpose: 'offline' }, signal, (digits) =>
      verifyPlaintext(digits, this.#unlessTampered(transmit)),
    );
  }

  async offlineEnciphered(
    request: EncipheredPinRequest,
    transmit: (command: Uint8Array) => Promise<Exchange>,
    signal: AbortSignal,
  ): Promise<OfflinePinAnswer> {
    this.#health.testFurther();
    const { key, challenge } = request;
    return this.#desk.take({ ...promptOf(request), purpose: 'offline' }, signal, (digits) =>
      verifyEnciphered(digits, key, challenge, this.random, this.#unlessTampered(transmit)),
    );
  }

  /** The counter moves durably before the KSN is known outside; digits are wiped by the caller. */
  #take(pin?: { readonly digits: Uint8Array; readonly pan: Pan }): MessageKey | undefined {
    if (this.#takesAesKeys()) this.#health.testFurther();
    if (this.#isOut()) return undefined;
    const taken = this.#takeDurably(pin !== undefined);
    if (taken === undefined) {
      this.#watchRegisters();
      return undefined;
    }
    const { sealer, trace } = this.#parts;
    const own: DukptKey = { ksn: taken.ksn, key: new TransactionSecret(taken.key.reveal(), this.#inUse) };
    return schemeOf(own.ksn).name === 'TDES'
      ? messageKey(own, sealer, trace, pin)
      : aesMessageKey(own, sealer, trace, this.random, pin);
  }

  /** Formats 0 and 3 take twelve digits of the card number and its check digit. */
  #canBind(pan: Pan): boolean {
    return pan.reveal().length >= SHORTEST_PAN || this.#takesAesKeys();
  }

  #takesAesKeys(): boolean {
    const ksn = this.#isOut() ? undefined : this.#registers.peek();
    return ksn !== undefined && schemeOf(ksn).name === 'AES';
  }

  /** A unit of work may be undone, and done again: keys of which nothing became durable are wiped. */
  #takeDurably(withPin: boolean): DukptKey | undefined {
    const undone: DukptKey[] = [];
    try {
      const taken = this.#store.atomically(() => {
        if (withPin) this.#pinRate.count();
        const key = this.#registers.take();
        if (key !== undefined) undone.push(key);
        return key;
      });
      undone.pop();
      return taken;
    } finally {
      for (const { key } of undone) key.wipe();
    }
  }

  /** Behind the unit of work that found too many wrong registers: what it did has to become durable first. */
  #watchRegisters(): void {
    if (this.#registers.passedOver() > MOST_PASSED_OVER) queueMicrotask(() => this.tamper(WRONG_REGISTERS));
  }

  #destroyKeys(): void {
    const { store, sealer, tamper } = this.#parts;
    this.dropPin();
    for (const key of this.#inUse) key.destroy();
    tamper?.destroyStorageKey();
    sealer.forget();
    const records = [...store.list('slot/'), ...store.list('dukpt/')];
    if (records.length === 0) return;
    store.atomically((write) => {
      for (const { name, value } of records) {
        // Overwritten first: a page that is not given back yet holds zeros then.
        write.put(name, new Uint8Array(value.length));
        write.delete(name);
      }
    });
  }

  /** One or two wrong cells are passed over when their turn comes; more of them are somebody at work. */
  #wrongRegister(): undefined {
    if (this.#tampering !== undefined) return undefined;
    const wrong = this.#registers.wrongRegisters();
    if (wrong.length > MOST_PASSED_OVER) this.tamper(WRONG_REGISTERS);
    else if (wrong.length > 0) {
      this.#parts.trace.emit({ kind: 'alarm', what: `wrong future-key registers: ${wrong.join(', ')}` });
    }
    return undefined;
  }

  #alteredSlot(): string | undefined {
    if (this.#tampering !== undefined) return undefined;
    const altered = this.#inside.keys.list().find(({ intact }) => !intact);
    return altered === undefined ? undefined : `key slot ${altered.name} was altered`;
  }

  #brokenSeal(): string | undefined {
    return this.#tampering === undefined ? sealFault(this.#parts.sealer) : undefined;
  }

  #isOut(): boolean {
    return this.#tampering !== undefined || this.fault() !== undefined;
  }

  #requireIntact(): void {
    if (this.#tampering === undefined) {
      const fault = this.fault();
      if (fault === undefined) return;
      throw new PossumError('STATE', `out of service: ${fault}`, {
        where: 'secure module',
        remedy:
          'Start the terminal again; if that does not help, start anew with `possum keys inject --fresh` or on another machine.',
      });
    }
    throw new PossumError(
      'STATE',
      `the terminal was tampered with (${this.#tampering.reason}): its keys are gone`,
      {
        where: 'secure module',
        remedy: 'Start anew: `possum keys inject --fresh`, or another --data folder.',
      },
    );
  }

  /** The store for everything but the destruction. */
  #guarded(store: KeyStore): KeyStore {
    return {
      get: (name) => {
        this.#requireIntact();
        return store.get(name);
      },
      list: (prefix) => {
        this.#requireIntact();
        return store.list(prefix);
      },
      atomically: (change) => {
        this.#requireIntact();
        return store.atomically(change);
      },
    };
  }

  #unlessTampered(
    transmit: (command: Uint8Array) => Promise<Exchange>,
  ): (command: Uint8Array) => Promise<Exchange> {
    return async (command) => {
      this.#requireIntact();
      return transmit(command);
    };
  }
}

const SHORTEST_PAN = 13;
const WRONG_REGISTERS = 'more future-key registers were altered than fail by age';

/** A clear key has to be published; one that follows from a published BDK is. */
function originOf(key: Uint8Array, ksn: Uint8Array, proof: InitialKeyProof | undefined): KeyOrigin {
  if (proof === 'block' || proof === 'generated') return proof;
  if (isFromPublishedBdk(key, ksn)) return 'published';
  return originOfForeign(key, proof === 'marked', 'the initial key');
}

function promptOf(request: Omit<PinPrompt, 'purpose'>): Omit<PinPrompt, 'purpose'> {
  const { amountMinor, currency, exponent, hint } = request;
  return { amountMinor, currency, exponent, ...(hint === undefined ? {} : { hint }) };
}
