import { isPossumError } from '../../src/platform/errors.ts';
import type { Exchange, ExchangeFault } from '../../src/ports/index.ts';
import { commandShape, T0Command } from './t0-command.ts';
import type { T1Failure, T1Step, T1Terminal } from './t1-terminal.ts';
import type { TpduAnswer, TpduPort } from './tpdu-port.ts';

/** APDUs over one powered card: `transmit` keeps the promises of the card channel. */
export interface ContactLink {
  transmit(command: Uint8Array, signal: AbortSignal): Promise<Exchange>;
  /** What the last fault came from, for traces. */
  readonly trouble: string | undefined;
}

/** A link over protocol T=0. `waitMs` is the work waiting time. */
export function t0Link(port: TpduPort, settings: { readonly waitMs: number }): ContactLink {
  return new Link((command, signal) => t0Exchange(port, settings.waitMs, command, signal));
}

/** A link over protocol T=1. */
export function t1Link(port: TpduPort, terminal: T1Terminal): ContactLink {
  return new Link(async (command, signal) => play(port, terminal, terminal.command(command), signal));
}

/**
 * Tells a T=1 card the longest field that the terminal takes, which EMV wants before the first command.
 * @returns the fault when the card does not agree to it; it must then be reset
 */
export async function announceFieldSize(
  port: TpduPort,
  terminal: T1Terminal,
  size: number,
  signal: AbortSignal,
): Promise<ExchangeFault | undefined> {
  const end = await play(port, terminal, terminal.announceFieldSize(size), signal);
  return end.kind === 'response' ? undefined : end.fault;
}

type End =
  | { readonly kind: 'response'; readonly response: Uint8Array }
  | {
      readonly kind: 'fault';
      readonly fault: ExchangeFault;
      readonly trouble: string;
      readonly usable: boolean;
    };

class Link implements ContactLink {
  readonly #exchange: (command: Uint8Array, signal: AbortSignal) => Promise<End>;
  #lost = false;
  trouble: string | undefined;

  constructor(exchange: (command: Uint8Array, signal: AbortSignal) => Promise<End>) {
    this.#exchange = exchange;
  }

  async transmit(command: Uint8Array, signal: AbortSignal): Promise<Exchange> {
    if (this.#lost) return { kind: 'fault', fault: 'removed' };
    const end = await this.#carefully(command, signal);
    if (end.kind === 'response' && end.response.length >= 2) return end;
    const fault = end.kind === 'response' ? broken('an answer without status') : end;
    this.#lost = !fault.usable;
    this.trouble = fault.trouble;
    return { kind: 'fault', fault: fault.fault };
  }

  async #carefully(command: Uint8Array, signal: AbortSignal): Promise<End> {
    try {
      if (!signal.aborted) return await this.#exchange(command, signal);
    } catch (error) {
      if (!isPossumError(error, 'CANCELLED')) throw error;
    }
    return { kind: 'fault', fault: 'lost', trouble: 'abandoned', usable: false };
  }
}

async function t0Exchange(
  port: TpduPort,
  waitMs: number,
  command: Uint8Array,
  signal: AbortSignal,
): Promise<End> {
  const shape = commandShape(command);
  // Nothing was sent: the card is as it was.
  if (shape === undefined) return { ...broken('a command that T=0 cannot carry'), usable: true };
  const mapping = new T0Command(shape);
  let step = mapping.begin();
  while (step.kind === 'send') {
    const answer = await port.exchange(step.tpdu, { waitMs, extension: 1 }, signal);
    if (answer.kind !== 'answer') return faultOf(answer);
    if (answer.bytes.length < 2) return broken('an answer without status');
    step = mapping.take(answer.bytes);
  }
  return { kind: 'response', response: step.response };
}

async function play(port: TpduPort, terminal: T1Terminal, first: T1Step, signal: AbortSignal): Promise<End> {
  let step = first;
  while (step.kind === 'send') {
    const answer = await port.exchange(step.block, step, signal);
    if (answer.kind === 'fault') return faultOf(answer);
    step = terminal.take(answer.kind === 'answer' ? { kind: 'block', bytes: answer.bytes } : answer);
  }
  if (step.kind === 'done') return { kind: 'response', response: step.response };
  const { reason, usable } = step;
  // After a resynchronisation the card may or may not have executed the command.
  const fault = usable && (reason === 'silent' || reason === 'garbled') ? 'lost' : T1_FAULTS[reason];
  return { kind: 'fault', fault, trouble: reason, usable };
}

const T1_FAULTS: Readonly<Record<T1Failure, ExchangeFault>> = {
  silent: 'timeout',
  garbled: 'protocol',
  aborted: 'protocol',
  'too-long': 'protocol',
  extensions: 'timeout',
  'not-ready': 'removed',
};

function faultOf(answer: Exclude<TpduAnswer, { kind: 'answer' }>): End {
  const fault = answer.kind === 'silence' ? 'timeout' : answer.kind === 'garbled' ? 'protocol' : answer.fault;
  return {
    kind: 'fault',
    fault,
    trouble: answer.kind === 'fault' ? answer.fault : answer.kind,
    usable: false,
  };
}

function broken(trouble: string): Extract<End, { kind: 'fault' }> {
  return { kind: 'fault', fault: 'protocol', trouble, usable: false };
}
