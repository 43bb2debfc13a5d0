import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Secret } from '../platform/secret.ts';
import type { Trace } from '../platform/trace.ts';
import type { Keypad, KeyStore, PinPadKind, PinService, Sealer } from '../ports/index.ts';
import type { LoadedInitialKey } from './future-keys.ts';
import type { InitialKeyBlock, InitialKeyProof } from './initial-key-block.ts';
import type { Keys } from './keys.ts';
import type { MessageKey, ResponseKey } from './message-key.ts';
import type { PinLimit } from './pin-rate.ts';
import type { Tampering, TamperSwitch } from './tamper-switch.ts';

export type SecureStatus = 'ready' | 'unprovisioned' | 'exhausted' | 'tampered' | 'failed';

/** The emulated secure processor: keys and PINs are in here and nowhere else. */
export interface SecureModule extends PinService {
  /**
   * `unprovisioned` before an initial key was loaded, `exhausted` after the last KSN, `tampered` until started anew,
   * `failed` after a self-test or the random source did.
   */
  status(): SecureStatus;
  /** What failed, for people; `undefined` while all is well. */
  fault(): string | undefined;
  /** Runs every self-test now, as it is done every 24 hours. @returns as {@link fault} */
  selfTest(): string | undefined;
  /** The random source, watched: also for what the terminal itself needs. */
  readonly random: Random;
  /** Ends the recurring self-test. */
  close(): void;
  /** The key slots. */
  readonly keys: Keys;
  /** Milliseconds until a PIN may be enciphered again; 0 when it may be now. */
  pinWaitMs(): number;
  /** The pad that takes PINs now; `undefined` when none is bound. */
  padKind(): PinPadKind | undefined;
  /** The KSN that comes next, for display. */
  nextKsn(): Uint8Array | undefined;
  /** What may be shown of the DUKPT initial key. */
  initialKey(): LoadedInitialKey | undefined;
  /**
   * Loads a DUKPT initial key, which the caller wipes; the BDK never enters the terminal.
   * @param ksn 10 bytes for TDES, 12 for AES; its counter is ignored
   * @param proof how it is known as a test key; a clear key that is published needs none. `marked`: the operator said
   *   for this run that the keys are test keys
   * @throws PossumError `KEY` for a key that is not known as a test key, that was loaded before, or does not go with
   *   the KSN
   */
  loadInitialKey(key: Secret, ksn: Uint8Array, proof?: InitialKeyProof): LoadedInitialKey;
  /**
   * Loads a DUKPT initial key that comes as a key block of usage B1.
   * @throws PossumError `FORMAT`, `KEY`: nothing was loaded
   */
  loadInitialKeyBlock(request: InitialKeyBlock): LoadedInitialKey;
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
  /**
   * Destroys every key: the tampering is remembered for good first, then a PIN that is being entered is wiped, then
   * storage key, slots and registers go. Afterwards everything is refused.
   */
  tamper(reason: string): void;
  /** What happened; `undefined` while all is well. */
  tampering(): Tampering | undefined;
}

export interface SecureModuleParts {
  readonly store: KeyStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly trace: Trace;
  /** The pad that takes PINs; `undefined` when none is bound. */
  readonly pad: () => Keypad | undefined;
  /** Pads enciphered PINs and fills blocks; the system's when absent. */
  readonly random?: Random;
  /** How many PINs it enciphers; that of the PCI when absent. */
  readonly pinLimit?: PinLimit;
  /** Remembers tampering; lasts as long as the module when absent. */
  readonly tamper?: TamperSwitch;
}
