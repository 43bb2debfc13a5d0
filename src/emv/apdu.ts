import { concat } from '../platform/bytes.ts';
import type { CardChannel, Exchange, ExchangeFault } from '../ports/index.ts';
import type { EmvRecord } from './transaction.ts';

/** What a command came to once GET RESPONSE and a corrected Le are out of the way. */
export type Apdu =
  | { readonly kind: 'answer'; readonly data: Uint8Array; readonly sw: number }
  | { readonly kind: 'fault'; readonly fault: ExchangeFault };

export interface CardSession {
  /** Sends one command and completes its answer. */
  send(command: Uint8Array): Promise<Apdu>;
  /** Sends one command as it is: for those whose content must not be seen by the record. */
  exchange(command: Uint8Array): Promise<Exchange>;
}

const MAX_GET_RESPONSE = 10;
const NO_DATA = new Uint8Array(0);

/**
 * The APDU layer over a card channel (Book 1, section 9.3.1; ISO/IEC 7816-3): GET RESPONSE after `61xx`, at most
 * ten in a row; one repetition with the right Le after `6Cxx`; an answer without a status word is a fault.
 */
export function openSession(channel: CardChannel, record: EmvRecord, signal: AbortSignal): CardSession {
  const exchange = async (command: Uint8Array): Promise<Exchange> => {
    const answer = await channel.transmit(command, signal);
    if (answer.kind === 'fault') {
      record.apdu(command, answer.fault);
      return answer;
    }
    record.apdu(command, answer.response);
    return answer.response.length < 2 ? { kind: 'fault', fault: 'protocol' } : answer;
  };
  return { exchange, send: (command) => complete(exchange, command) };
}

async function complete(
  exchange: (command: Uint8Array) => Promise<Exchange>,
  command: Uint8Array,
): Promise<Apdu> {
  let current = command;
  let corrected = false;
  let collected: Uint8Array = NO_DATA;
  for (let chained = 0; ; ) {
    const answer = await exchange(current);
    if (answer.kind === 'fault') return answer;
    const sw1 = answer.response.at(-2) as number;
    const sw2 = answer.response.at(-1) as number;
    const data = answer.response.subarray(0, -2);
    if (sw1 === 0x6c && !corrected) {
      corrected = true;
      current = withLe(current, sw2);
      continue;
    }
    collected = collected.length === 0 ? data : concat(collected, data);
    if (sw1 !== 0x61) return { kind: 'answer', data: collected, sw: (sw1 << 8) | sw2 };
    if (++chained > MAX_GET_RESPONSE) return { kind: 'fault', fault: 'protocol' };
    corrected = false;
    current = Uint8Array.of(0x00, 0xc0, 0x00, 0x00, sw2);
  }
}

/** The same command with another Le; a command without Le gets one. */
function withLe(command: Uint8Array, le: number): Uint8Array {
  if (command.length <= 4) return concat(command, Uint8Array.of(le));
  const hasData = command.length > 5;
  const bodyEnd = hasData ? 5 + (command[4] as number) : 4;
  return concat(command.subarray(0, Math.min(bodyEnd, command.length)), Uint8Array.of(le));
}
