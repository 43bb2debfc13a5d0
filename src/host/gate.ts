import { type Codec, macInput, macOf } from '../iso8583/codec.ts';
import { bytesField, type IsoMessage, textField } from '../iso8583/message.ts';
import { fromHex } from '../platform/bytes.ts';
import type { Trace } from '../platform/trace.ts';
import { parseTlv } from '../tlv/ber.ts';
import type { HostConfig } from './config.ts';
import { KeyGuard, type MessageKeys } from './key-guard.ts';
import type { HostStore, StoredRow } from './store.ts';

/** Whether a message may be looked at. */
export type GateVerdict =
  | { readonly kind: 'fresh'; readonly keys: MessageKeys }
  /** The same message as before: its first answer. */
  | { readonly kind: 'repeat'; readonly answer: Uint8Array }
  /** `keys` are there when the answer can be given a MAC. */
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly reason: string;
      readonly keys?: MessageKeys;
      readonly alarm: boolean;
    };

const MAC_ERROR = 'A0';
const PAD_KSN = 0xdf01;

/** Stands before everything else: known terminal, good MAC, its own keys, a KSN that was not used for other data. */
export class MessageGate {
  readonly #config: HostConfig;
  readonly #codec: Codec;
  readonly #guard: KeyGuard;
  readonly #trace: Trace;
  /** Which terminal a device key belongs to: the first that used it. */
  readonly #terminalOfDevice = new Map<string, string>();
  readonly #changes: StoredRow[] = [];

  /** @param stored whether somebody calls {@link takeChanges} */
  constructor(config: HostConfig, codec: Codec, trace: Trace, stored: boolean) {
    this.#config = config;
    this.#codec = codec;
    this.#guard = new KeyGuard(config.bdks, stored);
    this.#trace = trace;
  }

  /** Field 39 for a terminal or merchant that the host does not serve. */
  checkTerminal(request: IsoMessage): '30' | '97' | '03' | undefined {
    const tid = textField(request, 41);
    if (tid === undefined) return '30';
    const { terminals } = this.#config;
    if (terminals.length === 0) return undefined;
    const known = terminals.find((terminal) => terminal.tid === tid);
    if (known === undefined) return '97';
    return known.merchant === undefined || known.merchant === textField(request, 42) ? undefined : '03';
  }

  /** @param bytes the message as it came, which the MAC covers */
  check(request: IsoMessage, bytes: Uint8Array): GateVerdict {
    const { keys, fault } = this.#authenticate(request, bytes);
    if (keys === undefined || fault !== undefined) return refusal(MAC_ERROR, fault ?? 'no keys', true, keys);
    const unserved = this.checkTerminal(request);
    if (unserved !== undefined) return refusal(unserved, 'terminal not served', false, keys);
    const tid = textField(request, 41) as string;
    const owner = this.#terminalOfDevice.get(keys.device);
    if (owner !== undefined && owner !== tid) {
      return refusal('58', `the keys belong to terminal ${owner}`, true, keys);
    }
    if (owner === undefined) {
      this.#terminalOfDevice.set(keys.device, tid);
      this.#changes.push({ kind: 'device', key: keys.device, value: JSON.stringify(tid) });
    }
    const verdict = this.#guard.admit(keys, bytes);
    if (verdict.kind === 'refused') return refusal(MAC_ERROR, verdict.reason, true, keys);
    return verdict.kind === 'repeat' ? verdict : { kind: 'fresh', keys };
  }

  /** Keeps the answer to a message that was fresh, for its repeats. */
  answered(keys: MessageKeys, answer: Uint8Array): void {
    this.#guard.answered(keys, answer);
  }

  /**
   * The keys of the PIN block: those of the message, or those of an encrypting PIN pad with a DUKPT of its own, whose
   * KSN stands in field 63 as TLV DF01.
   * @returns `undefined` when the pad's KSN cannot be used
   */
  pinKeys(request: IsoMessage, keys: MessageKeys): MessageKeys | undefined {
    const text = textField(request, 63);
    const pinBlock = bytesField(request, 52);
    if (text === undefined || pinBlock === undefined) return keys;
    const parsed = parseTlv(Uint8Array.from(text, (character) => character.charCodeAt(0)));
    const ksn = parsed.ok ? parsed.items.find(({ tag }) => tag === PAD_KSN)?.value : undefined;
    if (ksn === undefined) return keys;
    if (ksn.length !== 10) return undefined;
    const result = this.#guard.keysFor(ksn);
    if (result.kind === 'refused') return undefined;
    return this.#guard.admit(result.keys, pinBlock).kind === 'fresh' ? result.keys : undefined;
  }

  /** Forgets the device keys of a terminal, so that newly loaded ones start afresh. */
  resetTerminal(tid: string): void {
    for (const [device, owner] of this.#terminalOfDevice) {
      if (owner !== tid) continue;
      this.#guard.forget(device);
      this.#terminalOfDevice.delete(device);
      this.#changes.push({ kind: 'device', key: device, value: undefined });
    }
  }

  /** What changed since the last call, for the store. */
  takeChanges(): readonly StoredRow[] {
    return [...this.#changes.splice(0), ...this.#guard.takeChanges()];
  }

  /** Takes over owners and KSNs that a store holds. */
  restoreFrom(store: HostStore): void {
    this.#guard.restoreFrom(store);
    for (const { key, value } of store.rows('device')) {
      this.#terminalOfDevice.set(key, JSON.parse(value) as string);
    }
  }

  #authenticate(
    request: IsoMessage,
    bytes: Uint8Array,
  ): { readonly keys?: MessageKeys; readonly fault?: string } {
    const ksn = this.#ksnOf(request);
    if (ksn === undefined) return { fault: 'no KSN' };
    const result = this.#guard.keysFor(ksn);
    if (result.kind === 'refused') return { fault: result.reason };
    const { keys } = result;
    const input = macInput(bytes, this.#codec);
    const mac = macOf(bytes, this.#codec);
    if (input === undefined || mac === undefined) return { keys, fault: 'no MAC' };
    this.#trace.emit({ kind: 'key', slot: 'host', use: 'check MAC', ksn: keys.ksn });
    return keys.checkMac(input, mac) ? { keys } : { keys, fault: 'wrong MAC' };
  }

  #ksnOf(request: IsoMessage): Uint8Array | undefined {
    const placement = this.#config.profile.ksn;
    const value = placement === undefined ? undefined : request.fields[placement.field];
    if (value === undefined) return undefined;
    if (typeof value !== 'string') return value.length === 10 ? value : undefined;
    return /^[0-9A-Fa-f]{20}$/.test(value) ? fromHex(value) : undefined;
  }
}

function refusal(code: string, reason: string, alarm: boolean, keys: MessageKeys | undefined): GateVerdict {
  return { kind: 'refused', code, reason, alarm, ...(keys === undefined ? {} : { keys }) };
}
