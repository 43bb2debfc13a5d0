import type { Trace } from '../platform/trace.ts';
import type { ExchangeFault } from '../ports/index.ts';
import { maskVerifyData } from '../tlv/redact.ts';
import type { EmvRecord } from './transaction.ts';

export interface Decision {
  /** Phase name, e.g. `cvm`. */
  readonly phase: string;
  readonly rule: string;
  readonly reason: string;
  /** Book and section. */
  readonly spec: string;
}

export interface RecordedExchange {
  /** As the card got it, except for the data of VERIFY, which is masked. */
  readonly command: Uint8Array;
  /** Empty when there was none. */
  readonly response: Uint8Array;
  readonly fault?: ExchangeFault;
}

/** A record that keeps everything, for reports. */
export interface KeptRecord extends EmvRecord {
  readonly decisions: readonly Decision[];
  readonly exchanges: readonly RecordedExchange[];
}

/**
 * @param cardInterface named in trace events
 * @param trace gets every decision and exchange as well
 */
export function createRecord(cardInterface: 'contact' | 'contactless', trace?: Trace): KeptRecord {
  const decisions: Decision[] = [];
  const exchanges: RecordedExchange[] = [];
  const live = trace === undefined ? undefined : traceRecord(cardInterface, trace);
  return {
    decisions,
    exchanges,
    wantsDecisions: () => true,
    decision(phase, rule, reason, spec) {
      decisions.push({ phase, rule, reason, spec });
      live?.decision(phase, rule, reason, spec);
    },
    apdu(command, answer) {
      exchanges.push({
        command: maskVerifyData(command),
        ...(typeof answer === 'string'
          ? { response: new Uint8Array(0), fault: answer }
          : { response: answer }),
      });
      live?.apdu(command, answer);
    },
  };
}

/** A record that keeps nothing and only feeds the trace. */
export function traceRecord(cardInterface: 'contact' | 'contactless', trace: Trace): EmvRecord {
  return {
    wantsDecisions: () => trace.wants('decision'),
    decision(phase, rule, reason, spec) {
      if (trace.wants('decision')) trace.emit({ kind: 'decision', phase, rule, reason, spec });
    },
    apdu(command, answer) {
      if (!trace.wants('apdu')) return;
      const event = { kind: 'apdu', interface: cardInterface, command: maskVerifyData(command) } as const;
      trace.emit(
        typeof answer === 'string'
          ? { ...event, response: new Uint8Array(0), fault: answer }
          : { ...event, response: answer },
      );
    },
  };
}
