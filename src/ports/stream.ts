/** One duplex byte stream: a serial line, a socket, a pseudo-terminal or a pair in memory. */
export interface ByteStream {
  /** Resolves when the bytes left this process; rejects with `UNAVAILABLE` when the stream is closed. */
  write(bytes: Uint8Array): Promise<void>;
  /** The next bytes that arrived, in order; `undefined` once the other side closed and all was read. */
  read(signal: AbortSignal): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
  /** Leaves a stream on which nothing is open to its next user; absent where there is none. */
  release?(): Promise<void>;
}

/** Result of dialling; `refused` covers everything that happened before a byte could be sent. */
export type Dialled =
  | { readonly kind: 'connected'; readonly stream: ByteStream }
  | { readonly kind: 'refused'; readonly reason: string };

/** Opens a connection to one configured peer. */
export interface Dialler {
  readonly address: string;
  dial(signal: AbortSignal, deadlineMs: number): Promise<Dialled>;
}

/** Accepts connections until closed. */
export interface Listener {
  readonly address: string;
  close(): Promise<void>;
}
