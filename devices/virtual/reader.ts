import { type Clock, onceAborted, type Release, type Timer } from '../../src/platform/clock.ts';
import { PossumError } from '../../src/platform/errors.ts';
import { silentTrace, type Trace } from '../../src/platform/trace.ts';
import type {
  CardChannel,
  CardInterface,
  CardReader,
  Exchange,
  Presentation,
  StripeTracks,
} from '../../src/ports/index.ts';
import type { CardFace, EmulatedCard } from '../cards/card.ts';

/** What a hand does at the reader. */
export interface ReaderHand {
  /** Puts a card into the slot. A card without contacts, or a `mute` one, gives no answer to reset. */
  insert(card: EmulatedCard, options?: { readonly mute?: boolean }): void;
  /** Holds a card into the field; a second one makes a collision. A card without antenna is not noticed. */
  tap(card: EmulatedCard, options?: { readonly mute?: boolean }): void;
  /** Swipes a card; what nobody waits for yet is kept for the next wait. A card without stripe reads empty. */
  swipe(card: EmulatedCard): void;
  /** Takes every card away. */
  remove(): void;
  /**
   * The next powered card leaves at its command number `apdu` (from 0): `before` the card executes it, or
   * `after` it did and before the answer arrives.
   */
  tearAt(apdu: number, when?: 'before' | 'after'): void;
  /** Cable out and in again: waits end with `offline`, cards lose power. */
  unplug(): void;
  replug(): void;
}

export type VirtualReader = CardReader & ReaderHand;

const GONE: Exchange = { kind: 'fault', fault: 'removed' };
const GARBLED: Exchange = { kind: 'fault', fault: 'protocol' };
const LOST: Exchange = { kind: 'fault', fault: 'lost' };
const ALL: readonly CardInterface[] = ['contact', 'contactless', 'stripe'];

interface Present {
  readonly face: CardFace | undefined;
}

interface Tear {
  readonly apdu: number;
  readonly when: 'before' | 'after';
}

/**
 * A reader in this process. Exchanges are answered at once; waits end by a card, the signal or the deadline on
 * the clock.
 */
export function createVirtualReader(services: {
  readonly clock: Clock;
  readonly trace?: Trace;
  readonly interfaces?: readonly CardInterface[];
}): VirtualReader {
  return new Reader(services.clock, services.trace ?? silentTrace, services.interfaces ?? ALL);
}

class Reader implements VirtualReader {
  readonly interfaces: readonly CardInterface[];
  readonly #clock: Clock;
  readonly #trace: Trace;
  #slot: Present | undefined;
  #field: Present[] = [];
  #swiped: StripeTracks | undefined;
  #tear: Tear | undefined;
  #plugged = true;
  #powered: Channel | undefined;
  #onChange: (() => void) | undefined;

  constructor(clock: Clock, trace: Trace, interfaces: readonly CardInterface[]) {
    this.#clock = clock;
    this.#trace = trace;
    this.interfaces = interfaces;
  }

  awaitPresentation(
    wanted: readonly CardInterface[],
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<Presentation> {
    return this.#wait(() => this.#presented(wanted), { kind: 'timeout' }, signal, deadlineMs);
  }

  awaitRemoval(signal: AbortSignal, deadlineMs: number): Promise<boolean> {
    const gone = () => (this.#slot === undefined && this.#field.length === 0 ? true : undefined);
    return this.#wait(gone, false, signal, deadlineMs);
  }

  insert(card: EmulatedCard, options: { readonly mute?: boolean } = {}): void {
    this.#slot = { face: options.mute === true ? undefined : card.contact };
    // There is one slot: a card that sat in it has been pulled out.
    if (this.#powered?.interface === 'contact') this.#powered.lose();
    this.#changed('card in slot');
  }

  tap(card: EmulatedCard, options: { readonly mute?: boolean } = {}): void {
    if (card.contactless === undefined) return;
    this.#field.push({ face: options.mute === true ? undefined : card.contactless });
    // Two cards disturb each other: what the first was saying is lost.
    if (this.#field.length > 1 && this.#powered?.interface === 'contactless') this.#powered.lose();
    this.#changed('card in field');
  }

  swipe(card: EmulatedCard): void {
    this.#swiped = card.tracks ?? {};
    this.#changed('card swiped');
  }

  remove(): void {
    this.#slot = undefined;
    this.#field = [];
    this.#powered?.lose();
    this.#changed('card removed');
  }

  tearAt(apdu: number, when: 'before' | 'after' = 'before'): void {
    this.#tear = { apdu, when };
  }

  unplug(): void {
    this.#plugged = false;
    this.#powered?.lose();
    this.#changed('unplugged');
  }

  replug(): void {
    this.#plugged = true;
    this.#changed('plugged in');
  }

  #changed(what: string): void {
    if (this.#trace.wants('state')) this.#trace.emit({ kind: 'state', part: 'reader', to: what });
    this.#onChange?.();
  }

  /** What a wait for `wanted` sees now. Contact goes before contactless, contactless before stripe. */
  #presented(wanted: readonly CardInterface[]): Presentation | undefined {
    if (!this.#plugged) return { kind: 'offline', reason: 'unplugged' };
    const looks = (which: CardInterface) => wanted.includes(which) && this.interfaces.includes(which);
    if (looks('contact') && this.#slot !== undefined) return this.#power(this.#slot.face, 'contact');
    if (looks('contactless') && this.#field.length > 1) return { kind: 'collision' };
    const [inField] = this.#field;
    if (looks('contactless') && inField !== undefined) return this.#power(inField.face, 'contactless');
    if (looks('stripe') && this.#swiped !== undefined) {
      const tracks = this.#swiped;
      this.#swiped = undefined;
      return { kind: 'stripe', tracks };
    }
    return undefined;
  }

  #power(face: CardFace | undefined, on: 'contact' | 'contactless'): Presentation {
    if (face === undefined) return { kind: 'mute', interface: on };
    this.#powered?.lose();
    face.reset();
    const tear = this.#tear;
    this.#tear = undefined;
    this.#powered = new Channel(face, tear, () => this.remove());
    return { kind: 'card', channel: this.#powered };
  }

  /** Polls `look` at every change until it sees something. */
  async #wait<T>(
    look: () => T | undefined,
    atDeadline: T,
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<T> {
    if (signal.aborted) throw cancelled();
    const now = look();
    if (now !== undefined) return now;
    if (this.#onChange !== undefined)
      throw new PossumError('STATE', 'the reader is already being waited for');
    let timer: Timer | undefined;
    let detach: Release | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#onChange = () => {
          const seen = look();
          if (seen === undefined) return;
          this.#onChange = undefined;
          resolve(seen);
        };
        detach = onceAborted(signal, () => reject(cancelled()));
        timer = this.#clock.after(deadlineMs - this.#clock.now(), () => resolve(atDeadline));
      });
    } finally {
      this.#onChange = undefined;
      timer?.cancel();
      detach?.();
    }
  }
}

/** A powered card. Once it is lost, every exchange answers `removed`. */
class Channel implements CardChannel {
  readonly interface: 'contact' | 'contactless';
  readonly answerToReset: Uint8Array;
  readonly #face: CardFace;
  readonly #tear: Tear | undefined;
  readonly #takeAway: () => void;
  #count = 0;
  #lost = false;

  constructor(face: CardFace, tear: Tear | undefined, takeAway: () => void) {
    this.interface = face.interface;
    this.answerToReset = face.answerToReset;
    this.#face = face;
    this.#tear = tear;
    this.#takeAway = takeAway;
  }

  transmit(command: Uint8Array, signal: AbortSignal): Promise<Exchange> {
    return Promise.resolve(this.#exchange(command, signal));
  }

  #exchange(command: Uint8Array, signal: AbortSignal): Exchange {
    if (this.#lost) return GONE;
    if (signal.aborted) {
      this.#lost = true;
      return LOST;
    }
    const torn = this.#tear !== undefined && this.#count++ === this.#tear.apdu ? this.#tear.when : undefined;
    if (torn !== undefined) {
      if (torn === 'after') this.#face.respond(command);
      this.#takeAway();
      return GONE;
    }
    const response = this.#face.respond(command);
    if (response.length >= 2) return { kind: 'response', response };
    this.#lost = true;
    return GARBLED;
  }

  release(): Promise<void> {
    this.#lost = true;
    return Promise.resolve();
  }

  lose(): void {
    this.#lost = true;
  }
}

function cancelled(): PossumError {
  return new PossumError('CANCELLED', 'the wait for a card was cancelled');
}
