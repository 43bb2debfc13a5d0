import type { Clock, Release } from '../../src/platform/clock.ts';

/**
 * Both ends of a loopback connection in one process know each other here, so that bytes inside the kernel keep a
 * virtual clock from moving on. A connection is named by the listener's and the dialler's port.
 */
const listeners = new Set<number>();
const dialling = new Map<number, number>();
const links = new Map<string, Link>();

export function addLocalListener(port: number): void {
  listeners.add(port);
}

export function removeLocalListener(port: number): void {
  listeners.delete(port);
}

export function hasLocalListener(port: number): boolean {
  return listeners.has(port);
}

/** Counts dials of this process to a port of its own. @returns to be called when the dial has ended */
export function beginLocalDial(port: number): Release {
  dialling.set(port, (dialling.get(port) ?? 0) + 1);
  let open = true;
  return () => {
    if (!open) return;
    open = false;
    const left = (dialling.get(port) ?? 1) - 1;
    if (left === 0) dialling.delete(port);
    else dialling.set(port, left);
  };
}

type Side = 'dialler' | 'listener';

/** One direction: what was written and has not yet been seen at the other end. */
interface InFlight {
  bytes: number;
  readonly release: Release;
}

/** A connection whose two ends are in this process. */
export class Link {
  readonly #key: string;
  readonly #flights: Record<Side, InFlight[]> = { dialler: [], listener: [] };
  readonly #closing: Partial<Record<Side, Release>> = {};
  readonly #gone = new Set<Side>();
  readonly #joined = new Set<Side>();
  readonly #stalled = new Set<Side>();
  #onJoined: (() => void)[] = [];

  constructor(key: string) {
    this.#key = key;
  }

  /**
   * The link of a connection; the end that asks first makes it.
   * @returns `undefined` for a connection that was accepted from another process
   */
  static join(listenerPort: number, diallerPort: number, side: Side): Link | undefined {
    const key = `${listenerPort}/${diallerPort}`;
    const known = links.get(key);
    if (known === undefined && side === 'listener' && !dialling.has(listenerPort)) return undefined;
    const link = known ?? new Link(key);
    links.set(key, link);
    link.#joined.add(side);
    if (link.#joined.size === 2) for (const done of link.#onJoined.splice(0)) done();
    return link;
  }

  /** Calls `done` once both ends exist, or one is gone. */
  whenJoined(done: () => void): void {
    if (this.#joined.size === 2 || this.#gone.size > 0) done();
    else this.#onJoined.push(done);
  }

  /** `side` hands `bytes` to the operating system. */
  sent(side: Side, bytes: number, clock: Clock): void {
    if (bytes > 0 && this.#gone.size === 0 && !this.#stalled.has(other(side)))
      this.#flights[side].push({ bytes, release: clock.hold() });
  }

  /** The other end's bytes reached `side`. */
  arrived(side: Side, bytes: number): void {
    const flights = this.#flights[other(side)];
    let rest = bytes;
    while (rest > 0) {
      const first = flights[0];
      if (first === undefined) return;
      const taken = Math.min(rest, first.bytes);
      rest -= taken;
      first.bytes -= taken;
      if (first.bytes > 0) return;
      first.release();
      flights.shift();
    }
  }

  /** `side` stopped taking bytes: what is in flight to it will not be seen for a while. */
  stalled(side: Side): void {
    this.#stalled.add(side);
    this.#land(side);
  }

  #land(side: Side): void {
    for (const flight of this.#flights[other(side)].splice(0)) flight.release();
  }

  /** `side` takes bytes again. */
  resumed(side: Side): void {
    this.#stalled.delete(side);
  }

  /** `side` starts to close; the hold lasts until the other end has noticed. */
  closing(side: Side, clock: Clock): void {
    const seen = this.#gone.has(other(side)) || this.#stalled.has(other(side)) || this.#joined.size < 2;
    if (this.#closing[side] === undefined && !seen) this.#closing[side] = clock.hold();
  }

  /** `side` saw the other end's closing. */
  sawEnd(side: Side): void {
    this.#closing[other(side)]?.();
    this.#land(side);
  }

  /** `side` is closed for good. */
  gone(side: Side): void {
    this.#gone.add(side);
    this.sawEnd(side);
    for (const done of this.#onJoined.splice(0)) done();
    if (this.#gone.size < this.#joined.size) return;
    this.#closing.dialler?.();
    this.#closing.listener?.();
    this.#land(other(side));
    links.delete(this.#key);
  }
}

function other(side: Side): Side {
  return side === 'dialler' ? 'listener' : 'dialler';
}
