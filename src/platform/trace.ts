import type { Clock } from './clock.ts';

/**
 * One stream of typed events feeds the text UI, the log, the reports and the recorder. Payloads enter as they
 * are and are redacted here, before any subscriber sees them; nobody prints on the side.
 */
export type TraceBody =
  /** A command and its answer as the card saw them. */
  | {
      readonly kind: 'apdu';
      readonly interface: 'contact' | 'contactless';
      readonly command: Uint8Array;
      readonly response: Uint8Array;
      readonly fault?: string;
    }
  /** Why the kernel did what it did, with the book and section it follows. */
  | {
      readonly kind: 'decision';
      readonly phase: string;
      readonly rule: string;
      readonly reason: string;
      readonly spec: string;
    }
  /** An ISO 8583 message; field values as text, hex for binary fields. */
  | {
      readonly kind: 'message';
      readonly direction: 'sent' | 'received';
      readonly mti: string;
      readonly fields: Readonly<Record<number, string>>;
      readonly note?: string;
    }
  /** A part of the machine went from one named state to another. */
  | { readonly kind: 'state'; readonly part: string; readonly to: string; readonly detail?: string }
  /** A key was used; never the key itself. */
  | { readonly kind: 'key'; readonly slot: string; readonly use: string; readonly ksn?: string }
  | { readonly kind: 'screen'; readonly target: 'customer' | 'operator'; readonly lines: readonly string[] }
  | { readonly kind: 'print'; readonly lines: readonly string[] }
  | { readonly kind: 'commit'; readonly what: string; readonly sequence: number }
  | {
      readonly kind: 'device';
      readonly device: string;
      readonly direction: 'in' | 'out';
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'alarm'; readonly what: string };

export type TraceKind = TraceBody['kind'];

/** An event as subscribers see it: numbered, timed and redacted. */
export type TraceEvent = TraceBody & { readonly sequence: number; readonly atMs: number };

export interface Trace {
  /** False when nobody listens to events of this kind: callers may then skip building them. */
  wants(kind: TraceKind): boolean;
  emit(event: TraceBody): void;
  /**
   * @param kinds all when absent; an event that nobody wants costs nothing
   * @returns a function that ends the subscription
   */
  subscribe(listener: (event: TraceEvent) => void, kinds?: readonly TraceKind[]): () => void;
}

/** Masks what must not leave the firmware in one event; knows TLV, tracks and message fields. */
export type Redactor = (event: TraceBody) => TraceBody;

/** @param redact applied to each event before any subscriber */
export function createTrace(clock: Clock, redact: Redactor): Trace {
  interface Subscription {
    readonly listener: (event: TraceEvent) => void;
    readonly kinds: readonly TraceKind[] | undefined;
  }
  const subscriptions = new Set<Subscription>();
  const listens = ({ kinds }: Subscription, kind: TraceKind) => kinds === undefined || kinds.includes(kind);
  const wants = (kind: TraceKind) => {
    for (const subscription of subscriptions) if (listens(subscription, kind)) return true;
    return false;
  };
  let sequence = 0;
  return {
    wants,
    emit(event) {
      if (!wants(event.kind)) return;
      const seen: TraceEvent = { ...redact(event), sequence: ++sequence, atMs: clock.now() };
      for (const subscription of subscriptions)
        if (listens(subscription, event.kind)) subscription.listener(seen);
    },
    subscribe(listener, kinds) {
      const subscription = { listener, kinds };
      subscriptions.add(subscription);
      return () => subscriptions.delete(subscription);
    },
  };
}

/** A trace without listeners, for callers that need none. */
export const silentTrace: Trace = { wants: () => false, emit() {}, subscribe: () => () => {} };
