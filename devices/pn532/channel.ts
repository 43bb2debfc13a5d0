import { concat } from '../../src/platform/bytes.ts';
import type { CardChannel, Exchange, ExchangeFault } from '../../src/ports/index.ts';
import type { Reply } from './answer-wait.ts';
import { frameWaitingMs, fwiOfAtqb, parseAts } from './ats.ts';
import { MAX_DATA, MORE, meaningOfStatus, REQUEST, STATUS_ERROR, type Target } from './commands.ts';
import type { Pn532Settings } from './settings.ts';

/** The longest answer that an APDU can have: 65,536 bytes and the status word. */
const MAX_ANSWER = 65_538;
const NOTHING = new Uint8Array(0);
/** Room for the line and the chip beside the card's own time. */
const MARGIN_MS = 500;

/** What a channel needs of its reader. */
export interface ChannelReader {
  readonly settings: Pn532Settings;
  /** Sends one piece; it is never sent twice. */
  exchange(payload: Uint8Array, answerMs: number, signal: AbortSignal): Promise<Reply>;
  /** The card is given up; resolves when the reader is idle. `isWell`: the chip answers; else it has to be found. */
  abandon(isWell: boolean): Promise<void>;
}

/** A card that the chip has activated: APDUs by InDataExchange, in pieces both ways (UM0701-02, section 7.3.8). */
export class Pn532Channel implements CardChannel {
  readonly interface = 'contactless';
  readonly answerToReset: Uint8Array;
  readonly #target: Target;
  readonly #reader: ChannelReader;
  readonly #answerMs: number;
  #lost = false;

  constructor(target: Target, reader: ChannelReader) {
    this.answerToReset = target.answer;
    this.#target = target;
    this.#reader = reader;
    this.#answerMs = answerTime(target, reader.settings);
  }

  async transmit(command: Uint8Array, signal: AbortSignal): Promise<Exchange> {
    if (this.#lost) return { kind: 'fault', fault: 'removed' };
    const done = await this.#exchange(command, signal);
    if (done instanceof Uint8Array) return { kind: 'response', response: done };
    this.#lost = true;
    await this.#reader.abandon(done.isWell);
    return { kind: 'fault', fault: done.fault };
  }

  async release(): Promise<void> {
    if (this.#lost) return;
    this.#lost = true;
    await this.#reader.abandon(true);
  }

  /** Ends the channel without a word to the chip. */
  lose(): void {
    this.#lost = true;
  }

  async #exchange(command: Uint8Array, signal: AbortSignal): Promise<Uint8Array | Failure> {
    let at = 0;
    for (; command.length - at > MAX_DATA; at += MAX_DATA) {
      const piece = await this.#piece(
        this.#target.number | MORE,
        command.subarray(at, at + MAX_DATA),
        signal,
      );
      if (piece.kind === 'failed') return piece;
    }
    const pieces: Uint8Array[] = [];
    let length = 0;
    let data = command.subarray(at);
    for (;;) {
      const piece = await this.#piece(this.#target.number, data, signal);
      if (piece.kind === 'failed') return piece;
      pieces.push(piece.data);
      length += piece.data.length;
      if (!piece.more) break;
      if (length > MAX_ANSWER || piece.data.length === 0) return failed('protocol', false);
      data = NOTHING;
    }
    return length >= 2 && length <= MAX_ANSWER ? concat(...pieces) : failed('protocol', true);
  }

  async #piece(target: number, data: Uint8Array, signal: AbortSignal): Promise<Piece | Failure> {
    const reply = await this.#reader.exchange(REQUEST.exchange(target, data), this.#answerMs, signal);
    if (reply.kind === 'refused') return failed('protocol', true);
    if (reply.kind !== 'answer') return failed('lost', reply.kind === 'cancelled');
    const status = reply.data[0];
    if (status === undefined) return failed('lost', false);
    const error = status & STATUS_ERROR;
    if (error !== 0) return failed(meaningOfStatus(error), true);
    return { kind: 'piece', data: reply.data.slice(1), more: (status & MORE) !== 0 };
  }
}

interface Piece {
  readonly kind: 'piece';
  readonly data: Uint8Array;
  readonly more: boolean;
}

interface Failure {
  readonly kind: 'failed';
  readonly fault: ExchangeFault;
  /** The chip answers; else it has to be found. */
  readonly isWell: boolean;
}

function failed(fault: ExchangeFault, isWell: boolean): Failure {
  return { kind: 'failed', fault, isWell };
}

/** What the card may take by its own word, repeats included, or by the settings: the longer of the two. */
function answerTime({ type, answer }: Target, settings: Pn532Settings): number {
  const fwi = type === 'B' ? fwiOfAtqb(answer) : (parseAts(answer)?.fwi ?? 0);
  const asked = frameWaitingMs(fwi) * (1 + (settings.maxRtyCom ?? 0)) + MARGIN_MS;
  return Math.min(Math.max(asked, settings.exchangeMs), settings.exchangeLimitMs);
}
