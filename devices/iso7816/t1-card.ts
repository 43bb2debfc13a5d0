import { concat } from '../../src/platform/bytes.ts';
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

export interface T1CardSettings {
  /** Executes one command. */
  readonly respond: (command: Uint8Array) => Uint8Array;
  /** Longest field that the card takes, as its answer to reset says. */
  readonly fieldSize: number;
  readonly check?: T1Check;
  /** Requests for more time before the answer to `command`: the multiplier of each. */
  readonly extensions?: (command: Uint8Array) => readonly number[];
  /** Longest command in bytes; a longer chain is aborted. */
  readonly maxCommand?: number;
}

/** Blocks in error in a row after which a card falls silent. */
const MAX_ERRORS = 3;
const INITIAL_FIELD_SIZE = 32;
const NOTHING = new Uint8Array(0);

interface Request {
  readonly type: T1SupervisoryType;
  readonly value: number;
  readonly then: () => Uint8Array;
}

/**
 * The card's end of protocol T=1 (ISO/IEC 7816-3:2006, section 11): one block in, one block out, or silence. Every
 * command is executed once, however often its blocks are repeated.
 */
export class T1Card {
  readonly #settings: Required<T1CardSettings>;
  #terminalFieldSize = INITIAL_FIELD_SIZE;
  #own: 0 | 1 = 0;
  #terminal: 0 | 1 = 0;
  #nad = 0;
  #pieces: Uint8Array[] = [];
  #received = 0;
  #response: Uint8Array = NOTHING;
  #at = 0;
  #pieceLength = 0;
  /** True between the last block of an answer and the command that acknowledges it. */
  #answering = false;
  #information: Uint8Array | undefined;
  #last: Uint8Array | undefined;
  #request: Request | undefined;
  #errors = 0;

  constructor(settings: T1CardSettings) {
    this.#settings = { check: 'lrc', extensions: () => [], maxCommand: 65_544, ...settings };
  }

  /** Takes one block as it arrived; `undefined` stands for one with a parity error. */
  take(bytes: Uint8Array | undefined): Uint8Array | undefined {
    if (bytes === undefined) return this.#invalid(1);
    const decoded = decodeBlock(bytes, this.#settings.check);
    if (!decoded.ok) return this.#invalid(decoded.reason === 'check' ? 1 : 2);
    const { block } = decoded;
    const answer = this.#block(block, meaningOf(block));
    if (answer !== undefined) this.#errors = 0;
    return answer ?? this.#invalid(2);
  }

  /** @returns `undefined` for a block that does not belong here */
  #block(block: T1Block, meaning: T1Meaning): Uint8Array | undefined {
    this.#nad = answeringNad(block.nad);
    if (meaning.kind === 'R') return this.#acknowledged(meaning.sequence);
    if (meaning.kind === 'S' && meaning.response) return this.#answered(meaning.type, meaning.value);
    if (meaning.kind === 'S') return this.#asked(meaning.type, meaning.value);
    if (meaning.kind === 'I' && meaning.sequence === this.#terminal && this.#request === undefined)
      return this.#informed(block.inf, meaning.more);
    return undefined;
  }

  #informed(inf: Uint8Array, more: boolean): Uint8Array | undefined {
    if (inf.length > this.#settings.fieldSize || this.#hasMore) return undefined;
    if (this.#answering) this.#own = flip(this.#own);
    this.#answering = false;
    this.#terminal = flip(this.#terminal);
    this.#pieces.push(inf);
    this.#received += inf.length;
    if (this.#received > this.#settings.maxCommand) {
      this.#forgetCommand();
      return this.#ask('abort', 0, () => this.#send(receiveBlock(this.#nad, this.#terminal)));
    }
    if (more) return this.#send(receiveBlock(this.#nad, this.#terminal));
    const command = concat(...this.#pieces);
    this.#forgetCommand();
    return this.#execute(command, this.#settings.extensions(command));
  }

  #execute(command: Uint8Array, [multiplier, ...rest]: readonly number[]): Uint8Array {
    if (multiplier !== undefined) return this.#ask('wtx', multiplier, () => this.#execute(command, rest));
    this.#response = this.#settings.respond(command);
    this.#at = 0;
    return this.#sendPiece();
  }

  #acknowledged(sequence: 0 | 1): Uint8Array | undefined {
    if (this.#request !== undefined) return this.#last;
    if (this.#information === undefined || !this.#answering)
      return this.#last ?? this.#send(receiveBlock(this.#nad, this.#terminal));
    if (sequence === this.#own) {
      this.#last = this.#information;
      return this.#last;
    }
    if (!this.#hasMore) return undefined;
    this.#own = flip(this.#own);
    this.#at += this.#pieceLength;
    return this.#sendPiece();
  }

  /** A request of the terminal. */
  #asked(type: T1SupervisoryType, value: number): Uint8Array | undefined {
    if (type === 'wtx') return undefined;
    if (type === 'resynch') this.#restart();
    if (type === 'ifs') this.#terminalFieldSize = value;
    if (type === 'abort') this.#breakOff();
    return this.#send(supervisoryBlock(this.#nad, type, true, type === 'ifs' ? value : undefined));
  }

  /** The answer to a request of the card. */
  #answered(type: T1SupervisoryType, value: number): Uint8Array | undefined {
    const request = this.#request;
    if (request === undefined || request.type !== type || request.value !== value) return undefined;
    this.#request = undefined;
    return request.then();
  }

  #invalid(error: number): Uint8Array | undefined {
    if (++this.#errors > MAX_ERRORS) return undefined;
    if (this.#request !== undefined) return this.#last;
    return this.#send(receiveBlock(this.#nad, this.#terminal, error));
  }

  get #hasMore(): boolean {
    return this.#answering && this.#at + this.#pieceLength < this.#response.length;
  }

  #sendPiece(): Uint8Array {
    this.#answering = true;
    this.#pieceLength = Math.min(this.#terminalFieldSize, this.#response.length - this.#at);
    const piece = this.#response.slice(this.#at, this.#at + this.#pieceLength);
    this.#information = this.#send(informationBlock(this.#nad, this.#own, this.#hasMore, piece));
    return this.#information;
  }

  #ask(type: T1SupervisoryType, value: number, then: () => Uint8Array): Uint8Array {
    this.#request = { type, value, then };
    return this.#send(supervisoryBlock(this.#nad, type, false, type === 'abort' ? undefined : value));
  }

  #send(block: T1Block): Uint8Array {
    this.#last = encodeBlock(block, this.#settings.check);
    return this.#last;
  }

  #restart(): void {
    this.#own = 0;
    this.#terminal = 0;
    this.#terminalFieldSize = INITIAL_FIELD_SIZE;
    this.#request = undefined;
    this.#response = NOTHING;
    this.#answering = false;
    this.#information = undefined;
    this.#forgetCommand();
  }

  /** The terminal wants no more of this answer; it has taken the block that was sent last. */
  #breakOff(): void {
    if (this.#answering) this.#own = flip(this.#own);
    this.#request = undefined;
    this.#response = NOTHING;
    this.#answering = false;
    this.#information = undefined;
    this.#forgetCommand();
  }

  #forgetCommand(): void {
    this.#pieces = [];
    this.#received = 0;
  }
}

function flip(sequence: 0 | 1): 0 | 1 {
  return sequence === 0 ? 1 : 0;
}
