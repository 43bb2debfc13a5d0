import type { IssuerCertificate } from './certificates.ts';

const CAPACITY = 64;

/**
 * Issuer public keys that were recovered and verified before. A key is found by everything that went into its
 * recovery, so that a changed certificate is never mistaken for a known one.
 */
export class IssuerKeyCache {
  readonly #keys = new Map<string, IssuerCertificate>();

  find(inputs: readonly Uint8Array[]): IssuerCertificate | undefined {
    const name = nameOf(inputs);
    const found = this.#keys.get(name);
    if (found === undefined) return undefined;
    this.#keys.delete(name);
    this.#keys.set(name, found);
    return found;
  }

  /** Forgets the key that was not used for longest when there are too many. */
  keep(inputs: readonly Uint8Array[], key: IssuerCertificate): void {
    const oldest = this.#keys.keys().next().value;
    if (this.#keys.size >= CAPACITY && oldest !== undefined) this.#keys.delete(oldest);
    this.#keys.set(nameOf(inputs), key);
  }

  get size(): number {
    return this.#keys.size;
  }
}

function nameOf(inputs: readonly Uint8Array[]): string {
  let name = '';
  for (const bytes of inputs) {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    name += `${bytes.length}:${view.toString('latin1')}`;
  }
  return name;
}
