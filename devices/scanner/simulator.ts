import { latin1 } from '../../src/platform/bytes.ts';
import type { ByteStream } from '../../src/ports/index.ts';
import { Talker, type TalkerOptions } from '../one-way/talker.ts';

/** What the simulated scanner can do wrong, for a number of codes each. */
export type ScannerFault =
  | 'no-end' // the terminator is left out
  | 'cut' // the second half of the code is left out, with the terminator
  | 'noise'; // a byte that is no character comes first

export interface ScannerSimulatorOptions extends TalkerOptions {
  /** Behind each code. Default: CR. */
  readonly terminator?: '\r' | '\n' | '\r\n' | '';
  /** AIM identifier before each code, such as `]Q1`. */
  readonly aimId?: string;
}

export interface ScannerSimulatorState {
  readonly plugged: boolean;
  readonly scans: number;
}

/** A barcode scanner on the other end of any byte stream, and the hand that holds it to a code. */
export interface ScannerSimulator {
  /** Speaks on a stream until it ends, or the cable is pulled. One stream at a time. */
  serve(stream: ByteStream): Promise<void>;
  /** @throws RangeError for a character that does not fit in a byte */
  scan(text: string): void;
  fault(kind: ScannerFault, count?: number): void;
  unplug(): Promise<void>;
  replug(): void;
  state(): ScannerSimulatorState;
  quit(): Promise<void>;
}

export function createScannerSimulator(options: ScannerSimulatorOptions): ScannerSimulator {
  return new Simulator(options);
}

class Simulator implements ScannerSimulator {
  readonly #options: ScannerSimulatorOptions;
  readonly #talker: Talker;
  readonly #faults = new Map<ScannerFault, number>();
  #scans = 0;

  constructor(options: ScannerSimulatorOptions) {
    this.#options = options;
    this.#talker = new Talker(options);
  }

  serve(stream: ByteStream): Promise<void> {
    return this.#talker.serve(stream);
  }

  scan(text: string): void {
    const { aimId = '', terminator = '\r' } = this.#options;
    const code = aimId + text;
    const noise = this.#takes('noise') ? '\xff' : '';
    const isCut = this.#takes('cut');
    const isEnded = !this.#takes('no-end') && !isCut;
    const sent = isCut ? code.slice(0, Math.ceil(code.length / 2)) : code;
    this.#talker.say(latin1(noise + sent + (isEnded ? terminator : '')));
    this.#scans++;
  }

  fault(kind: ScannerFault, count = 1): void {
    this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
  }

  unplug(): Promise<void> {
    return this.#talker.unplug();
  }

  replug(): void {
    this.#talker.replug();
  }

  state(): ScannerSimulatorState {
    return { plugged: this.#talker.plugged, scans: this.#scans };
  }

  quit(): Promise<void> {
    return this.unplug();
  }

  #takes(kind: ScannerFault): boolean {
    const left = this.#faults.get(kind) ?? 0;
    if (left > 0) this.#faults.set(kind, left - 1);
    return left > 0;
  }
}
