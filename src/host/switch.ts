import { type Codec, compileCodec, macInput, macOf, packWithMac } from '../iso8583/codec.ts';
import { traceFields } from '../iso8583/describe.ts';
import { bytesField, type IsoMessage, textField } from '../iso8583/message.ts';
import { fromHex } from '../platform/bytes.ts';
import { type Clock, dateParts } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Trace } from '../platform/trace.ts';
import { parseTlv } from '../tlv/ber.ts';
import { addOutcome, answerMti, answerTo, overwriteFields } from './answer.ts';
import { AnswerRules } from './answer-rules.ts';
import { sideOf } from './batch.ts';
import { Books } from './books.ts';
import { readChipData } from './chip-data.ts';
import type { AnswerRule, HostConfig } from './config.ts';
import { verifyCryptogram } from './cryptogram.ts';
import { type Outcome, processFinancial } from './financial.ts';
import { Issuer } from './issuer.ts';
import { KeyGuard, type MessageKeys } from './key-guard.ts';
import { panOf, readRequest } from './request.ts';
import { type SettlementOutcome, settle, takeUpload } from './settlement.ts';
import type { HostStore, StoredRow } from './store.ts';

/** Something that whoever runs the host should look at. */
export interface HostAlarm {
  readonly atMs: number;
  readonly what: string;
  readonly tid?: string;
  readonly stan?: string;
}

export type Switched =
  /** `rule` says what happens to the answer on its way. */
  | { readonly kind: 'answer'; readonly bytes: Uint8Array; readonly rule: AnswerRule | undefined }
  | { readonly kind: 'nothing' }
  /** Not even an answer is possible; the connection is closed. */
  | { readonly kind: 'close' };

export interface SwitchServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly trace: Trace;
  /** Where the books are kept; in memory only when absent. */
  readonly store?: HostStore;
}

const NOTHING: Switched = { kind: 'nothing' };
const PAD_KSN = 0xdf01;
const MAC_ERROR = 'A0';
const ALARMS_KEPT = 10_000;

/** Takes one message after another and answers it: the acquirer's centre. */
export class HostSwitch {
  readonly codec: Codec;
  readonly books: Books;
  readonly rules: AnswerRules;
  readonly guard: KeyGuard;
  readonly #alarms: HostAlarm[] = [];
  readonly #config: HostConfig;
  readonly #services: SwitchServices;
  readonly #issuer: Issuer;
  /** Which terminal a device key belongs to: the first that used it. */
  readonly #terminalOfDevice = new Map<string, string>();
  readonly #changes: StoredRow[] = [];
  #rrnCount = 0;

  constructor(config: HostConfig, services: SwitchServices) {
    this.#config = config;
    this.#services = services;
    this.codec = compileCodec(config.profile.message);
    this.books = new Books(config.profile);
    this.rules = new AnswerRules(config.answers);
    this.guard = new KeyGuard(config.bdks, services.store !== undefined);
    this.#issuer = new Issuer(config);
    if (services.store !== undefined) this.#restore(services.store);
  }

  /**
   * What changed is stored before the answer is given back.
   * @param bytes from the MTI to the last field
   */
  process(bytes: Uint8Array): Switched {
    const switched = this.#process(bytes);
    this.#save();
    return switched;
  }

  #process(bytes: Uint8Array): Switched {
    const unpacked = this.codec.unpack(bytes);
    const received = unpacked.ok ? unpacked.message : unpacked.partial;
    const mti = answerMti(received.mti);
    if (mti === undefined) {
      this.#alarm(`not a request: ${unpacked.ok ? received.mti : unpacked.error.message}`, received);
      return unpacked.ok ? NOTHING : { kind: 'close' };
    }
    // A last digit of 1 marks a repeat; what is asked for is the same.
    const request = { ...received, mti: `${received.mti.slice(0, 3)}0` };
    this.#traceMessage('received', request, unpacked.ok ? undefined : unpacked.error.message);
    const rule = this.rules.take(request, panOf(request));
    if (rule?.ignore === true) return NOTHING;
    if (!unpacked.ok) return this.#plain(request, mti, '30', unpacked.error.message, rule);
    const refused = this.#checkTerminal(request);
    const { mac, reversalMti } = this.#config.profile;
    if (mac?.mtis.includes(request.mti) === true || request.mti === reversalMti) {
      return this.#financial(request, bytes, mti, rule, refused);
    }
    if (refused !== undefined) return this.#plain(request, mti, refused, 'terminal', rule);
    const { code, reason, alarm } = this.#other(request, rule);
    if (alarm === true) this.#alarm(reason, request);
    return this.#plain(request, mti, code, reason, rule);
  }

  /** Keeps an alarm, of many the latest, and traces it. */
  raise(alarm: HostAlarm): void {
    this.#alarms.push(alarm);
    if (this.#alarms.length > ALARMS_KEPT) this.#alarms.shift();
    this.#services.trace.emit({ kind: 'alarm', what: `host: ${alarm.what}` });
  }

  alarms(): readonly HostAlarm[] {
    return this.#alarms;
  }

  /** Forgets device keys of a terminal, so that a newly loaded one starts afresh. */
  resetTerminal(tid: string): void {
    for (const [device, owner] of this.#terminalOfDevice) {
      if (owner !== tid) continue;
      this.guard.forget(device);
      this.#terminalOfDevice.delete(device);
      this.#changes.push({ kind: 'device', key: device, value: undefined });
    }
    this.#save();
  }

  #restore(store: HostStore): void {
    this.books.restoreFrom(store);
    this.guard.restoreFrom(store);
    this.#issuer.restoreFrom(store);
    for (const { key, value } of store.rows('device'))
      this.#terminalOfDevice.set(key, JSON.parse(value) as string);
    for (const { value } of store.rows('counter')) this.#rrnCount = JSON.parse(value) as number;
  }

  #save(): void {
    const { store } = this.#services;
    if (store === undefined) return;
    const rrn: StoredRow = { kind: 'counter', key: 'rrn', value: JSON.stringify(this.#rrnCount) };
    const changes = [
      ...this.#changes.splice(0),
      ...this.books.takeChanges(),
      ...this.guard.takeChanges(),
      ...this.#issuer.takeChanges(),
    ];
    store.save(changes.length === 0 ? [] : [...changes, rrn]);
  }

  #checkTerminal(request: IsoMessage): '30' | '97' | '03' | undefined {
    const tid = textField(request, 41);
    if (tid === undefined) return '30';
    const { terminals } = this.#config;
    if (terminals.length === 0) return undefined;
    const known = terminals.find((terminal) => terminal.tid === tid);
    if (known === undefined) return '97';
    return known.merchant === undefined || known.merchant === textField(request, 42) ? undefined : '03';
  }

  #financial(
    request: IsoMessage,
    bytes: Uint8Array,
    mti: string,
    rule: AnswerRule | undefined,
    refused: string | undefined,
  ): Switched {
    const { keys, fault } = this.#authenticate(request, bytes);
    const answer = (outcome: Outcome): Switched => this.#answer(request, mti, outcome, keys, rule);
    if (fault !== undefined || keys === undefined) {
      this.#alarm(fault ?? 'no keys', request);
      return answer({ code: MAC_ERROR, reason: fault ?? 'no keys' });
    }
    if (refused !== undefined) return answer({ code: refused, reason: 'terminal' });
    const tid = textField(request, 41) as string;
    const owner = this.#terminalOfDevice.get(keys.device) ?? tid;
    if (owner !== tid) {
      this.#alarm(`the keys belong to terminal ${owner}`, request);
      return answer({ code: '58', reason: 'keys of another terminal' });
    }
    if (!this.#terminalOfDevice.has(keys.device)) {
      this.#terminalOfDevice.set(keys.device, tid);
      this.#changes.push({ kind: 'device', key: keys.device, value: JSON.stringify(tid) });
    }
    const verdict = this.guard.admit(keys, bytes);
    if (verdict.kind === 'refused') {
      this.#alarm(verdict.reason, request);
      return answer({ code: MAC_ERROR, reason: verdict.reason });
    }
    if (verdict.kind === 'repeat') return { kind: 'answer', bytes: verdict.answer, rule };
    const read = readRequest(request, this.#config.profile, this.#config.currency);
    if (read.kind === 'refused') return answer({ code: read.code, reason: read.reason });
    const pinKeys = this.#pinKeys(request, keys);
    if (pinKeys === undefined) return answer({ code: '99', reason: 'the KSN of the PIN pad is unusable' });
    const forced = rule?.code;
    const partial = rule?.fields?.['4'];
    const outcome = processFinancial(read.request, {
      books: this.books,
      issuer: this.#issuer,
      nowMs: this.#services.clock.now(),
      nextRrn: () => this.#nextRrn(),
      nextApprovalCode: () => String(this.#services.random.below(1_000_000)).padStart(6, '0'),
      approves: (code) => this.#approves(code),
      reversible: (type) => this.#config.profile.transactions?.[type]?.reversible === true,
      counts: (type) => sideOf(type, this.#config.profile) !== undefined,
      pinKeys,
      ...(forced === undefined
        ? {}
        : {
            forced: {
              code: forced,
              ...(forced === '10' && typeof partial === 'string' ? { amountMinor: Number(partial) } : {}),
            },
          }),
    });
    if (outcome.alarm === true) this.#alarm(outcome.reason, request);
    return answer(outcome);
  }

  /** The message's keys, and what is wrong with its authenticity. */
  #authenticate(
    request: IsoMessage,
    bytes: Uint8Array,
  ): { readonly keys: MessageKeys | undefined; readonly fault: string | undefined } {
    const ksn = this.#ksnOf(request);
    const input = macInput(bytes, this.codec);
    const mac = macOf(bytes, this.codec);
    if (ksn === undefined) return { keys: undefined, fault: 'no KSN' };
    const result = this.guard.keysFor(ksn);
    if (result.kind === 'refused') return { keys: undefined, fault: result.reason };
    const { keys } = result;
    if (input === undefined || mac === undefined) return { keys, fault: 'no MAC' };
    this.#services.trace.emit({ kind: 'key', slot: 'host', use: 'check MAC', ksn: keys.ksn });
    return { keys, fault: keys.checkMac(input, mac) ? undefined : 'wrong MAC' };
  }

  #ksnOf(request: IsoMessage): Uint8Array | undefined {
    const placement = this.#config.profile.ksn;
    const value = placement === undefined ? undefined : request.fields[placement.field];
    if (value === undefined) return undefined;
    if (typeof value !== 'string') return value.length === 10 ? value : undefined;
    return /^[0-9A-Fa-f]{20}$/.test(value) ? fromHex(value) : undefined;
  }

  /** An encrypting PIN pad has a DUKPT of its own: its KSN stands in field 63 as TLV DF01. */
  #pinKeys(request: IsoMessage, keys: MessageKeys): MessageKeys | undefined {
    const text = textField(request, 63);
    if (text === undefined || request.fields[52] === undefined) return keys;
    const parsed = parseTlv(Uint8Array.from(text, (character) => character.charCodeAt(0)));
    const ksn = parsed.ok ? parsed.items.find(({ tag }) => tag === PAD_KSN)?.value : undefined;
    if (ksn === undefined) return keys;
    if (ksn.length !== 10) return undefined;
    const result = this.guard.keysFor(ksn);
    if (result.kind === 'refused') return undefined;
    const pinBlock = bytesField(request, 52) as Uint8Array;
    return this.guard.admit(result.keys, pinBlock).kind === 'fresh' ? result.keys : undefined;
  }

  /** Settlement, uploads and management: no MAC, no keys. */
  #other(request: IsoMessage, rule: AnswerRule | undefined): SettlementOutcome {
    const { profile } = this.#config;
    const tid = textField(request, 41) as string;
    const processingCode = textField(request, 3) ?? '';
    if (request.mti === profile.transactions?.settlement?.mti) {
      return settle(request, tid, this.books, profile, this.#services.clock.now(), rule?.code);
    }
    if (rule?.code !== undefined && !this.#approves(rule.code)) return { code: rule.code, reason: 'by rule' };
    if (request.mti === profile.batchUploadMti) {
      const chipUpload = profile.transactions?.chipUpload?.processingCode.slice(0, 2);
      if (processingCode.startsWith(chipUpload ?? '94')) return this.#takeProof(request);
      return takeUpload(request, this.books.openBatch(tid));
    }
    const known = Object.values(profile.transactions ?? {}).some(
      (transaction) => transaction.mti === request.mti && transaction.processingCode === processingCode,
    );
    return known ? { code: '00', reason: 'alive' } : { code: '12', reason: 'no such message' };
  }

  /** The proof of an offline approval, sent apart: a bad one is flagged, the merchant bears it. */
  #takeProof(request: IsoMessage): SettlementOutcome {
    const pan = panOf(request);
    const card = pan === undefined ? undefined : this.#issuer.card(pan);
    const chip = readChipData(bytesField(request, 55) ?? new Uint8Array(0));
    if (card === undefined || chip === undefined) return { code: '30', reason: 'card or chip data missing' };
    const keys = card.keys === undefined ? undefined : this.#config.issuerKeys[card.keys];
    const right =
      keys !== undefined &&
      card.cryptogram !== undefined &&
      (chip.cid & 0xc0) === 0x40 &&
      verifyCryptogram(card, card.cryptogram, keys.imkAc, chip) !== undefined;
    return right
      ? { code: '00', reason: 'proof taken' }
      : { code: '00', reason: 'the proof of an offline approval is wrong', alarm: true };
  }

  #answer(
    request: IsoMessage,
    mti: string,
    outcome: Outcome,
    keys: MessageKeys | undefined,
    rule: AnswerRule | undefined,
  ): Switched {
    const { clock } = this.#services;
    const approved = this.#approves(outcome.code) && request.mti !== this.#config.profile.reversalMti;
    const answer = answerTo(request, mti, 'financial', outcome.code, clock.now(), outcome.rrn);
    addOutcome(answer, outcome, this.#config.currency, approved, rule);
    const macField = this.codec.spec.macField ?? 64;
    const withMac = keys !== undefined && request.fields[macField] !== undefined;
    const pack = (unsigned: boolean): Uint8Array =>
      withMac && !unsigned
        ? packWithMac(answer, this.codec, (input) => keys.answerMac(input))
        : this.codec.pack(answer);
    const clean = pack(false);
    if (keys !== undefined && outcome.code !== MAC_ERROR) this.guard.answered(keys, clean);
    overwriteFields(answer, rule, this.codec.spec);
    this.#traceMessage('sent', answer, outcome.reason);
    const bytes = rule?.fields === undefined ? clean : pack(rule.fields[String(macField)] === null);
    if (rule?.wrongMac !== true || !withMac) return { kind: 'answer', bytes, rule };
    const spoilt = bytes.slice();
    spoilt[spoilt.length - 1] = (spoilt[spoilt.length - 1] as number) ^ 0xff;
    return { kind: 'answer', bytes: spoilt, rule };
  }

  /** An answer without a MAC. */
  #plain(
    request: IsoMessage,
    mti: string,
    code: string,
    reason: string,
    rule: AnswerRule | undefined,
  ): Switched {
    const answer = answerTo(request, mti, 'other', code, this.#services.clock.now(), this.#nextRrn());
    overwriteFields(answer, rule, this.codec.spec);
    this.#traceMessage('sent', answer, reason);
    return { kind: 'answer', bytes: this.codec.pack(answer), rule };
  }

  /** Month, day, hour and a number that goes up: unique within the hour and readable. */
  #nextRrn(): string {
    const { mmdd, hhmmss } = dateParts(this.#services.clock.now());
    this.#rrnCount = (this.#rrnCount % 999_999) + 1;
    return `${mmdd}${hhmmss.slice(0, 2)}${String(this.#rrnCount).padStart(6, '0')}`;
  }

  #approves(code: string): boolean {
    return this.#config.profile.responseCodes[code]?.class === 'A';
  }

  #alarm(what: string, request: IsoMessage): void {
    const [tid, stan] = [textField(request, 41), textField(request, 11)];
    this.raise({
      atMs: this.#services.clock.now(),
      what,
      ...(tid === undefined ? {} : { tid }),
      ...(stan === undefined ? {} : { stan }),
    });
  }

  #traceMessage(direction: 'sent' | 'received', message: IsoMessage, note: string | undefined): void {
    if (!this.#services.trace.active) return;
    this.#services.trace.emit({
      kind: 'message',
      direction,
      mti: message.mti,
      fields: traceFields(message),
      note: note === undefined ? 'host' : `host: ${note}`,
    });
  }
}
