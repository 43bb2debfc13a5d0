import { type Codec, compileCodec, packWithMac } from '../iso8583/codec.ts';
import { traceFields } from '../iso8583/describe.ts';
import { bytesField, type IsoMessage, textField } from '../iso8583/message.ts';
import { type Clock, dateParts } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Trace } from '../platform/trace.ts';
import { addOutcome, answerMti, answerTo, overwriteFields } from './answer.ts';
import { AnswerRules } from './answer-rules.ts';
import { sideOf } from './batch.ts';
import { Books } from './books.ts';
import type { AnswerRule, HostConfig } from './config.ts';
import { type Outcome, processFinancial } from './financial.ts';
import { MessageGate } from './gate.ts';
import { Issuer } from './issuer.ts';
import type { MessageKeys } from './key-guard.ts';
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
const ALARMS_KEPT = 10_000;

/** Takes one message after another and answers it: the acquirer's centre. */
export class HostSwitch {
  readonly codec: Codec;
  readonly books: Books;
  readonly rules: AnswerRules;
  readonly #alarms: HostAlarm[] = [];
  readonly #config: HostConfig;
  readonly #services: SwitchServices;
  readonly #gate: MessageGate;
  readonly #issuer: Issuer;
  #rrnCount = 0;

  constructor(config: HostConfig, services: SwitchServices) {
    this.#config = config;
    this.#services = services;
    this.codec = compileCodec(config.profile.message);
    this.books = new Books(config.profile);
    this.rules = new AnswerRules(config.answers);
    this.#gate = new MessageGate(config, this.codec, services.trace, services.store !== undefined);
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
    const { mac, reversalMti } = this.#config.profile;
    if (mac?.mtis.includes(request.mti) === true || request.mti === reversalMti) {
      return this.#financial(request, bytes, mti, rule);
    }
    const refused = this.#gate.checkTerminal(request);
    if (refused !== undefined) return this.#plain(request, mti, refused, 'terminal not served', rule);
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
    this.#gate.resetTerminal(tid);
    this.#save();
  }

  #restore(store: HostStore): void {
    this.books.restoreFrom(store);
    this.#gate.restoreFrom(store);
    this.#issuer.restoreFrom(store);
    for (const { value } of store.rows('counter')) this.#rrnCount = JSON.parse(value) as number;
  }

  #save(): void {
    const { store } = this.#services;
    if (store === undefined) return;
    const rrn: StoredRow = { kind: 'counter', key: 'rrn', value: JSON.stringify(this.#rrnCount) };
    const changes = [...this.books.takeChanges(), ...this.#gate.takeChanges(), ...this.#issuer.takeChanges()];
    store.save(changes.length === 0 ? [] : [...changes, rrn]);
  }

  #financial(request: IsoMessage, bytes: Uint8Array, mti: string, rule: AnswerRule | undefined): Switched {
    const verdict = this.#gate.check(request, bytes);
    if (verdict.kind === 'repeat') return { kind: 'answer', bytes: verdict.answer, rule };
    const { keys } = verdict;
    const answer = (outcome: Outcome): Switched =>
      this.#answer(request, mti, outcome, keys, rule, verdict.kind === 'fresh');
    if (verdict.kind === 'refused') {
      if (verdict.alarm) this.#alarm(verdict.reason, request);
      return answer({ code: verdict.code, reason: verdict.reason });
    }
    const read = readRequest(request, this.#config.profile, this.#config.currency);
    if (read.kind === 'refused') return answer({ code: read.code, reason: read.reason });
    const pinKeys = this.#gate.pinKeys(request, verdict.keys);
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
      if (processingCode.startsWith(chipUpload ?? '94')) {
        return this.#issuer.takeProof(panOf(request), bytesField(request, 55));
      }
      return takeUpload(request, this.books.openBatch(tid));
    }
    const known = Object.values(profile.transactions ?? {}).some(
      (transaction) => transaction.mti === request.mti && transaction.processingCode === processingCode,
    );
    return known ? { code: '00', reason: 'alive' } : { code: '12', reason: 'no such message' };
  }

  #answer(
    request: IsoMessage,
    mti: string,
    outcome: Outcome,
    keys: MessageKeys | undefined,
    rule: AnswerRule | undefined,
    kept: boolean,
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
    if (keys !== undefined && kept) this.#gate.answered(keys, clean);
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
    if (!this.#services.trace.wants('message')) return;
    this.#services.trace.emit({
      kind: 'message',
      direction,
      mti: message.mti,
      fields: traceFields(message),
      note: note === undefined ? 'host' : `host: ${note}`,
    });
  }
}
