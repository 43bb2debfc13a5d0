import { hash } from 'node:crypto';
import { tdesDecrypt } from '../crypto/des.ts';
import {
  checkKsn,
  counterOf,
  initialKey,
  macRequestKey,
  macResponseKey,
  pinKey,
  transactionKey,
} from '../crypto/dukpt-tdes.ts';
import { retailMac } from '../crypto/mac.ts';
import { equalBytes, fromHex, toHex } from '../platform/bytes.ts';
import { isPossumError } from '../platform/errors.ts';
import { type HostStore, numberKey, type StoredRow } from './store.ts';

/**
 * The host's security module: it derives every key from the base derivation keys and watches the KSN of each
 * device. A KSN belongs to one message; what comes again under it must be that message.
 */

/** The keys of one message. */
export interface MessageKeys {
  /** Device id: the KSN in hex with its counter cleared. */
  readonly device: string;
  readonly counter: number;
  readonly ksn: string;
  checkMac(input: Uint8Array, mac: Uint8Array): boolean;
  answerMac(input: Uint8Array): Uint8Array;
  /** The clear PIN block; the caller wipes it. */
  decipherPinBlock(block: Uint8Array): Uint8Array;
}

export type KeyResult =
  | { readonly kind: 'keys'; readonly keys: MessageKeys }
  | { readonly kind: 'refused'; readonly reason: 'ksn-format' | 'unknown-key-set' };

export type KsnVerdict =
  | { readonly kind: 'fresh' }
  /** The same message under the same KSN: its first answer. */
  | { readonly kind: 'repeat'; readonly answer: Uint8Array }
  | { readonly kind: 'refused'; readonly reason: 'ksn-reused' | 'ksn-went-back' };

interface Device {
  highest: number;
  readonly seen: Map<number, { readonly digest: string; answer: Uint8Array | undefined }>;
}

/** KSNs further behind the highest are refused: a message may be overtaken, but not by this many. */
const WINDOW = 4096;

export class KeyGuard {
  readonly #bdks: readonly (readonly [prefix: string, key: Uint8Array])[];
  readonly #initialKeys = new Map<string, Uint8Array>();
  readonly #devices = new Map<string, Device>();
  readonly #stored: boolean;
  /** Rows for the store: the last state of each KSN that changed. */
  readonly #changes = new Map<string, StoredRow>();

  /**
   * @param bdks base derivation keys by the first digits of the KSN; the longest that fits is taken
   * @param stored whether somebody calls {@link takeChanges}
   */
  constructor(bdks: Readonly<Record<string, Uint8Array>>, stored: boolean) {
    this.#stored = stored;
    this.#bdks = Object.entries(bdks).sort(([a], [b]) => b.length - a.length);
  }

  /** The keys that `ksn` (10 bytes) names. */
  keysFor(ksn: Uint8Array): KeyResult {
    try {
      checkKsn(ksn);
    } catch (error) {
      if (isPossumError(error)) return { kind: 'refused', reason: 'ksn-format' };
      throw error;
    }
    const text = toHex(ksn);
    const bdk = this.#bdks.find(([prefix]) => text.startsWith(prefix))?.[1];
    if (bdk === undefined) return { kind: 'refused', reason: 'unknown-key-set' };
    const device = deviceOf(ksn);
    let initial = this.#initialKeys.get(device);
    if (initial === undefined) {
      initial = initialKey(bdk, ksn);
      this.#initialKeys.set(device, initial);
    }
    const key = transactionKey(initial, ksn);
    return {
      kind: 'keys',
      keys: {
        device,
        counter: counterOf(ksn),
        ksn: text,
        checkMac: (input, mac) => equalBytes(retailMac(macRequestKey(key), input), mac),
        answerMac: (input) => retailMac(macResponseKey(key), input),
        decipherPinBlock: (block) => tdesDecrypt(pinKey(key), block),
      },
    };
  }

  /** Judges the KSN of an authentic message; a fresh one is remembered. */
  admit({ device, counter }: MessageKeys, message: Uint8Array): KsnVerdict {
    const digest = hash('sha256', message);
    const known = this.#devices.get(device) ?? { highest: 0, seen: new Map() };
    this.#devices.set(device, known);
    const before = known.seen.get(counter);
    if (before !== undefined) {
      // Without an answer the first copy is still being processed, or was lost on purpose by a rule.
      if (before.digest !== digest || before.answer === undefined)
        return { kind: 'refused', reason: 'ksn-reused' };
      return { kind: 'repeat', answer: before.answer };
    }
    if (counter < known.highest - WINDOW) return { kind: 'refused', reason: 'ksn-went-back' };
    known.highest = Math.max(known.highest, counter);
    known.seen.set(counter, { digest, answer: undefined });
    this.#changed(device, counter);
    if (known.seen.size > 2 * WINDOW) {
      for (const old of known.seen.keys()) {
        if (old >= known.highest - WINDOW) continue;
        known.seen.delete(old);
        this.#changed(device, old);
      }
    }
    return { kind: 'fresh' };
  }

  /** Keeps the answer for repeats of the message. */
  answered({ device, counter }: MessageKeys, answer: Uint8Array): void {
    const entry = this.#devices.get(device)?.seen.get(counter);
    if (entry === undefined) return;
    entry.answer = answer;
    this.#changed(device, counter);
  }

  /** The highest counter that the device has used, 0 when it is unknown. */
  highest(device: string): number {
    return this.#devices.get(device)?.highest ?? 0;
  }

  /** Forgets a device: its keys were loaded anew. */
  forget(device: string): void {
    const counters = [...(this.#devices.get(device)?.seen.keys() ?? [])];
    this.#devices.delete(device);
    for (const counter of counters) this.#changed(device, counter);
  }

  /** What changed since the last call, for the store. */
  takeChanges(): readonly StoredRow[] {
    const rows = [...this.#changes.values()];
    this.#changes.clear();
    return rows;
  }

  /** Takes over the KSNs that a store holds. */
  restoreFrom(store: HostStore): void {
    for (const { key, value } of store.rows('ksn')) {
      const [device, counterText] = key.split('/') as [string, string];
      const counter = Number(counterText);
      const { digest, answer } = JSON.parse(value) as { digest: string; answer?: string };
      const known = this.#devices.get(device) ?? { highest: 0, seen: new Map() };
      this.#devices.set(device, known);
      known.seen.set(counter, { digest, answer: answer === undefined ? undefined : fromHex(answer) });
      known.highest = Math.max(known.highest, counter);
    }
  }

  #changed(device: string, counter: number): void {
    if (!this.#stored) return;
    const key = `${device}/${numberKey(counter)}`;
    const entry = this.#devices.get(device)?.seen.get(counter);
    const answer = entry?.answer === undefined ? {} : { answer: toHex(entry.answer) };
    const value = entry === undefined ? undefined : JSON.stringify({ digest: entry.digest, ...answer });
    this.#changes.set(key, { kind: 'ksn', key, value });
  }
}

/** The KSN without its counter of 21 bits. */
function deviceOf(ksn: Uint8Array): string {
  const id = ksn.slice();
  id[7] = (id[7] as number) & 0xe0;
  id[8] = 0;
  id[9] = 0;
  return toHex(id);
}
