/**
 * Encrypts what rests on disk under the storage key of the secure module, which never leaves it. `context` is
 * authenticated with the text: a sealed value that was moved to another row or amount does not open.
 */
export interface Sealer {
  /** AES-256-GCM: nonce, ciphertext, tag. */
  seal(plain: Uint8Array, context: string): Uint8Array;
  /** The clear bytes, or `undefined` when the value or its context was altered. */
  open(sealed: Uint8Array, context: string): Uint8Array | undefined;
  /** A keyed hash (HMAC-SHA-256) that chains rows: who cannot read the storage key cannot forge a link. */
  link(bytes: Uint8Array): Uint8Array;
  /** Forgets the storage key. Every later call is refused with a PossumError `STATE`. */
  forget(): void;
}
