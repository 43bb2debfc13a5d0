import { PossumError } from '../platform/errors.ts';
import { Secret } from '../platform/secret.ts';

/** The key of one message, listed while it is in use, so that tampering can destroy it. */
export class TransactionSecret extends Secret {
  readonly #inUse: Set<TransactionSecret>;
  #isDestroyed = false;

  constructor(key: Uint8Array, inUse: Set<TransactionSecret>) {
    super(key, 'DUKPT key');
    this.#inUse = inUse;
    inUse.add(this);
  }

  /** @throws PossumError `STATE` after {@link destroy}: zeros are no key */
  override reveal(): Uint8Array {
    if (this.#isDestroyed) {
      throw new PossumError('STATE', 'the key of this message was destroyed', {
        where: 'secure module',
        remedy: 'The terminal was tampered with: nothing more is sent.',
      });
    }
    return super.reveal();
  }

  override wipe(): void {
    super.wipe();
    this.#inUse.delete(this);
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.wipe();
  }
}
