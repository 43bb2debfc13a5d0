import { concat } from '../../src/platform/bytes.ts';
import type { ExtensionBudget } from './extension-budget.ts';
import {
  answeringNad,
  decodeBlock,
  encodeBlock,
  informationBlock,
  meaningOf,
  receiveBlock,
  supervisoryBlock,
  type T1Block,
  type T1Check,
  type T1Meaning,
  type T1SupervisoryType,
} from './t1-block.ts';

/** What came after a block was sent. */
export type T1Event =
  | { readonly kind: 'block'; readonly bytes: Uint8Array }
  /** Nothing came in the time that the step gave. */
  | { readonly kind: 'silence' }
  /** Something came that was no block: a parity error, or a break within it. */
  | { readonly kind: 'garbled' };

/** Why an exchange failed. */
export type T1Failure =
  | 'silent' // no answer, retries included
  | 'garbled' // no answer without error, retries included
  | 'aborted' // the card broke the chain off
  | 'too-long' // the card's answer does not end
  | 'extensions' // the card asked for more time than there is
  | 'not-ready'; // an earlier exchange failed; the card must be reset

export type T1Step =
  /** Send `block` and wait up to `waitMs` for the next one: `extension` times the block waiting time. */
  | { readonly kind: 'send'; readonly block: Uint8Array; readonly waitMs: number; readonly extension: number }
  | { readonly kind: 'done'; readonly response: Uint8Array }
  /** `usable`: the line is in step again and takes another command; else the card must be reset. */
  | { readonly kind: 'failed'; readonly reason: T1Failure; readonly usable: boolean };

export interface T1TerminalSettings {
  readonly budget: ExtensionBudget;
  readonly blockWaitingMs: number;
  /** Longest field that the card takes, from its answer to reset. */
  readonly cardFieldSize: number;
  readonly check?: T1Check;
  readonly nad?: number;
  /** Times that an answer without error is asked for again; EMV has 2. */
  readonly retries?: number;
  /** Whether S(RESYNCH) is tried before giving up; EMV does not know it. */
  readonly resynchronise?: boolean;
  /** Longest response in bytes. */
  readonly maxResponse?: number;
}

type Mode =
  | { readonly kind: 'idle' | 'sending' | 'receiving' | 'dead' }
  | { readonly kind: 'request'; readonly type: T1SupervisoryType; readonly value: number }
  /** S(ABORT response) was sent; the card is to give the turn back with an R-block. */
  | { readonly kind: 'aborting' };

/** S-requests go out three times in all (ISO/IEC 7816-3:2006, rules 6.3 and 7.4.1). */
const REQUEST_RETRIES = 2;
const INITIAL_FIELD_SIZE = 32;
const NOTHING = new Uint8Array(0);

/**
 * The terminal's end of protocol T=1 (ISO/IEC 7816-3:2006, section 11; EMV Book 1, section 9.2.4) as a machine: each
 * event gives the next step. A command is executed once at most, whatever is repeated: blocks carry sequence numbers.
 */
export class T1Terminal {
  readonly #settings: Required<T1TerminalSettings>;
  #mode: Mode = { kind: 'idle' };
  #cardFieldSize: number;
  #ownFieldSize = INITIAL_FIELD_SIZE;
  /** N(S) of the next block of each side. */
  #own: 0 | 1 = 0;
  #card: 0 | 1 = 0;
  #command: Uint8Array = NOTHING;
  #at = 0;
  #pieceLength = 0;
  #pieces: Uint8Array[] = [];
  #received = 0;
  #information: Uint8Array = NOTHING;
  #last: Uint8Array = NOTHING;
  #errors = 0;
  #trouble: T1Failure = 'silent';

  constructor(settings: T1TerminalSettings) {
    this.#settings = {
      check: 'lrc',
      nad: 0,
      retries: 3,
      resynchronise: true,
      maxResponse: 65_538,
      ...settings,
    };
    this.#cardFieldSize = settings.cardFieldSize;
  }

  /** Begins the exchange of one APDU. The one before must be over. */
  command(apdu: Uint8Array): T1Step {
    if (this.#mode.kind !== 'idle') return { kind: 'failed', reason: 'not-ready', usable: false };
    this.#settings.budget.reset();
    this.#command = apdu;
    this.#at = 0;
    this.#forget();
    this.#errors = 0;
    this.#mode = { kind: 'sending' };
    return this.#sendPiece();
  }

  /** Tells the card how long its blocks may be; EMV wants 254 right after the answer to reset. */
  announceFieldSize(size: number): T1Step {
    if (this.#mode.kind !== 'idle') return { kind: 'failed', reason: 'not-ready', usable: false };
    this.#settings.budget.reset();
    return this.#request('ifs', size);
  }

  /** Takes what came and gives the next step. */
  take(event: T1Event): T1Step {
    if (this.#mode.kind === 'idle' || this.#mode.kind === 'dead')
      return { kind: 'failed', reason: 'not-ready', usable: false };
    if (event.kind === 'silence') return this.#recover('silent', 2);
    if (event.kind === 'garbled') return this.#recover('garbled', 1);
    const decoded = decodeBlock(event.bytes, this.#settings.check);
    if (!decoded.ok) return this.#recover('garbled', decoded.reason === 'check' ? 1 : 2);
    const { block } = decoded;
    if (block.nad !== answeringNad(this.#settings.nad)) return this.#recover('garbled', 2);
    return this.#block(block, meaningOf(block));
  }

  #block(block: T1Block, meaning: T1Meaning): T1Step {
    if (meaning.kind === 'I') return this.#informed(block.inf, meaning.sequence, meaning.more);
    if (meaning.kind === 'R') return this.#acknowledged(meaning.sequence);
    if (meaning.kind === 'S' && meaning.response) return this.#answered(meaning.type, meaning.value);
    if (meaning.kind === 'S') return this.#asked(meaning.type, meaning.value);
    return this.#recover('garbled', 2);
  }

  #informed(inf: Uint8Array, sequence: number, more: boolean): T1Step {
    const expected =
      (this.#mode.kind === 'sending' && !this.#hasMore) || this.#mode.kind === 'receiving' ? this.#card : -1;
    if (sequence !== expected || inf.length > this.#ownFieldSize || (more && inf.length === 0))
      return this.#recover('garbled', 2);
    this.#errors = 0;
    if (this.#mode.kind === 'sending') this.#own = flip(this.#own);
    this.#card = flip(this.#card);
    this.#pieces.push(inf);
    this.#received += inf.length;
    if (!more) return this.#done();
    if (this.#received > this.#settings.maxResponse) {
      this.#trouble = 'too-long';
      this.#forget();
      return this.#request('abort');
    }
    this.#mode = { kind: 'receiving' };
    return this.#send(receiveBlock(this.#settings.nad, this.#card));
  }

  #acknowledged(sequence: 0 | 1): T1Step {
    switch (this.#mode.kind) {
      case 'sending':
        if (sequence === this.#own) return this.#again('garbled', this.#information);
        if (!this.#hasMore) return this.#recover('garbled', 2);
        this.#errors = 0;
        this.#own = flip(this.#own);
        this.#at += this.#pieceLength;
        return this.#sendPiece();
      case 'receiving':
        return this.#again('garbled', this.#last);
      case 'aborting':
        this.#own = sequence;
        return this.#fail('aborted', true);
      default:
        return this.#recover('garbled', 2);
    }
  }

  /** A request of the card. */
  #asked(type: T1SupervisoryType, value: number): T1Step {
    if (this.#mode.kind === 'request' || type === 'resynch') return this.#recover('garbled', 2);
    const extension = type === 'wtx' ? value : 1;
    const grantedMs = this.#settings.budget.grant(this.#settings.blockWaitingMs * extension);
    if (grantedMs === undefined) return this.#fail('extensions', false);
    this.#errors = 0;
    if (type === 'ifs') this.#cardFieldSize = value;
    if (type === 'abort') this.#mode = { kind: 'aborting' };
    const echoed = type === 'abort' ? undefined : value;
    return this.#send(supervisoryBlock(this.#settings.nad, type, true, echoed), grantedMs, extension);
  }

  /** The answer to a request of the terminal. */
  #answered(type: T1SupervisoryType, value: number): T1Step {
    if (this.#mode.kind !== 'request' || this.#mode.type !== type || this.#mode.value !== value)
      return this.#recover('garbled', 2);
    if (type === 'ifs') {
      this.#ownFieldSize = value;
      return this.#done();
    }
    if (type === 'resynch') {
      this.#own = 0;
      this.#card = 0;
      this.#cardFieldSize = this.#settings.cardFieldSize;
      this.#ownFieldSize = INITIAL_FIELD_SIZE;
    }
    return this.#fail(this.#trouble, true);
  }

  /** Nothing, or nothing that can be used, came: asks for it again as often as the rules allow. */
  #recover(trouble: T1Failure, error: number): T1Step {
    if (this.#settings.budget.exhausted) return this.#fail('extensions', false);
    if (this.#mode.kind === 'aborting') return this.#giveUp('aborted');
    if (this.#mode.kind === 'request') {
      // What led to a resynchronisation or an abort stays the reason.
      const reason = this.#mode.type === 'ifs' ? trouble : this.#trouble;
      return this.#again(reason, this.#last);
    }
    const code = trouble === 'silent' ? 0 : error;
    const block = receiveBlock(this.#settings.nad, this.#card, code);
    return this.#again(trouble, encodeBlock(block, this.#settings.check));
  }

  #again(trouble: T1Failure, block: Uint8Array): T1Step {
    const retries = this.#mode.kind === 'request' ? REQUEST_RETRIES : this.#settings.retries;
    if (++this.#errors > retries) return this.#giveUp(trouble);
    this.#last = block;
    const waitMs = this.#settings.budget.clip(this.#settings.blockWaitingMs);
    return { kind: 'send', block, waitMs, extension: 1 };
  }

  #giveUp(trouble: T1Failure): T1Step {
    const resynchronising = this.#mode.kind === 'request' && this.#mode.type === 'resynch';
    if (resynchronising || !this.#settings.resynchronise) return this.#fail(trouble, false);
    this.#trouble = trouble;
    return this.#request('resynch');
  }

  get #hasMore(): boolean {
    return this.#at + this.#pieceLength < this.#command.length;
  }

  #sendPiece(): T1Step {
    this.#pieceLength = Math.min(this.#cardFieldSize, this.#command.length - this.#at);
    const piece = this.#command.slice(this.#at, this.#at + this.#pieceLength);
    const step = this.#send(informationBlock(this.#settings.nad, this.#own, this.#hasMore, piece));
    this.#information = this.#last;
    return step;
  }

  #request(type: T1SupervisoryType, value = 0): T1Step {
    this.#mode = { kind: 'request', type, value };
    this.#errors = 0;
    return this.#send(supervisoryBlock(this.#settings.nad, type, false, type === 'ifs' ? value : undefined));
  }

  #send(block: T1Block, waitMs: number = this.#settings.blockWaitingMs, extension = 1): T1Step {
    this.#last = encodeBlock(block, this.#settings.check);
    return { kind: 'send', block: this.#last, waitMs, extension };
  }

  #done(): T1Step {
    const response = concat(...this.#pieces);
    this.#mode = { kind: 'idle' };
    this.#forget();
    return { kind: 'done', response };
  }

  #fail(reason: T1Failure, usable: boolean): T1Step {
    this.#mode = { kind: usable ? 'idle' : 'dead' };
    this.#forget();
    return { kind: 'failed', reason, usable };
  }

  #forget(): void {
    this.#pieces = [];
    this.#received = 0;
  }
}

function flip(sequence: 0 | 1): 0 | 1 {
  return sequence === 0 ? 1 : 0;
}
