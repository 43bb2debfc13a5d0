import type { Authorisation } from '../acquirer/authorisation.ts';
import { runContact } from '../emv/contact/run.ts';
import { runContactless } from '../emv/contactless/entry-point.ts';
import { traceRecord } from '../emv/record.ts';
import type { EmvResult, EmvServices, OnlineRequest, TransactionParameters } from '../emv/transaction.ts';
import type { CardData, TransactionDetail, TransactionRecord } from '../journal/transactions.ts';
import { equalBytes } from '../platform/bytes.ts';
import { dateParts, NEVER } from '../platform/clock.ts';
import { isPossumError } from '../platform/errors.ts';
import type { Pan } from '../platform/secret.ts';
import type { CardChannel, PinService } from '../ports/index.ts';
import { show, type TerminalContext } from './context.ts';
import type { MessageId } from './messages.ts';
import { approveOffline } from './offline.ts';
import {
  chipCardData,
  chipDetail,
  chipTrack2,
  ENTRY,
  entryModeField,
  finishAttempt,
  hostWantsPinAgain,
  kernelAnswer,
  MAX_ONLINE_PIN_TRIES,
  noAnswerText,
  type OnlineAttempt,
  sendOnline,
} from './online.ts';
import { withPinPad } from './pin-capabilities.ts';
import { onlinePin } from './pin-limit.ts';
import type { PurchaseRequest, Step, TransactionResult } from './result.ts';
import { SecondTap } from './second-tap.ts';

const TRANSACTION_TYPE = { sale: 0x00, refund: 0x20 } as const;

/** Runs the kernel on a powered card; once more when the host wants the PIN again and the card is still there. */
export async function chipTransaction(
  context: TerminalContext,
  request: PurchaseRequest,
  channel: CardChannel,
  signal: AbortSignal,
): Promise<Step> {
  for (let pinTry = 1; ; pinTry++) {
    const run = new ChipRun(context, request, channel, signal, pinTry > 1);
    const step = await run.play();
    const wantsPin =
      run.hostWantsPinAgain() && channel.interface === 'contact' && pinTry < MAX_ONLINE_PIN_TRIES;
    if (!wantsPin) return step;
  }
}

class ChipRun {
  readonly #context: TerminalContext;
  readonly #request: PurchaseRequest;
  readonly #channel: CardChannel;
  readonly #signal: AbortSignal;
  readonly #cancel = new AbortController();
  readonly #afterWrongPin: boolean;
  readonly #secondTap: SecondTap;
  #online: Authorisation | undefined;
  #sent: CardData | undefined;

  constructor(
    context: TerminalContext,
    request: PurchaseRequest,
    channel: CardChannel,
    signal: AbortSignal,
    afterWrongPin: boolean,
  ) {
    this.#context = context;
    this.#request = request;
    this.#channel = channel;
    this.#signal = signal;
    this.#afterWrongPin = afterWrongPin;
    this.#secondTap = new SecondTap(context, channel);
  }

  async play(): Promise<Step> {
    show(this.#context, 'processing');
    const run = this.#channel.interface === 'contact' ? runContact : runContactless;
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#signal.aborted) this.#onAbort();
    try {
      return this.#finish(await run(this.#parameters(), this.#services()));
    } finally {
      this.#signal.removeEventListener('abort', this.#onAbort);
      await this.#secondTap.release();
    }
  }

  readonly #onAbort = () => this.#cancel.abort();

  hostWantsPinAgain(): boolean {
    return hostWantsPinAgain(this.#context, this.#online);
  }

  #parameters(): TransactionParameters {
    const { yymmdd, hhmmss } = dateParts(this.#context.clock.now());
    const { kind, amountMinor, otherMinor = 0, forceOnline } = this.#request;
    return {
      amountMinor,
      otherMinor,
      transactionType: TRANSACTION_TYPE[kind],
      dateYymmdd: yymmdd,
      timeHhmmss: hhmmss,
      sequence: this.#context.journal.counters.current('stan') + 1,
      // A refund is never given by the card alone: the host keeps its total.
      forceOnline: forceOnline === true || kind === 'refund',
    };
  }

  #services(): EmvServices {
    const { settings, secure, random, clock, trace, journal, chooseApplication } = this.#context;
    return {
      channel: this.#channel,
      config: withPinPad(settings.emv, secure.padKind()),
      random,
      clock,
      signal: this.#cancel.signal,
      pin: this.#pinService(),
      record: traceRecord(this.#channel.interface, trace),
      chooseApplication: async (candidates) =>
        chooseApplication === undefined
          ? 0
          : chooseApplication(candidates.map((candidate) => candidate.label)),
      recentAmountMinor: (pan) => {
        const batch = journal.batches.current();
        return batch === undefined ? 0 : journal.transactions.recentAmountMinor(batch.id, pan.toString());
      },
      authorise: (online) => this.#authorise(online),
      presentAgain: (refused) => this.#secondTap.present(refused),
    };
  }

  #pinService(): PinService {
    const { secure } = this.#context;
    const hint = this.#afterWrongPin ? ({ hint: 'wrong-pin' } as const) : {};
    return {
      online: (request, signal) => onlinePin(this.#context, { ...request, ...hint }, signal),
      offlinePlaintext: (request, transmit, signal) => secure.offlinePlaintext(request, transmit, signal),
      offlineEnciphered: (request, transmit, signal) => secure.offlineEnciphered(request, transmit, signal),
    };
  }

  async #authorise(online: OnlineRequest): Promise<ReturnType<typeof kernelAnswer>> {
    // From here on a cancel key changes nothing: host and card decide, and what they decide is kept.
    this.#signal.removeEventListener('abort', this.#onAbort);
    show(this.#context, 'authorising');
    this.#online = await sendOnline(this.#context, this.#attempt(online), NEVER);
    return kernelAnswer(this.#context, this.#online);
  }

  #attempt({ data, pan, cvm }: OnlineRequest): OnlineAttempt {
    const { kind, amountMinor } = this.#request;
    const track2 = chipTrack2(data);
    this.#sent = chipCardData(this.#context, data, pan);
    return {
      kind,
      onlineKind: kind,
      amountMinor,
      entryMode: entryModeField(ENTRY[this.#channel.interface], cvm),
      card: this.#sent,
      ...(track2 === undefined ? {} : { track2 }),
      detail: chipDetail(data, this.#channel.interface, cvm, undefined),
    };
  }

  #finish(result: EmvResult): Step {
    const { outcome, data, pan, cvm } = result;
    const label = result.candidates.find(
      ({ aid }) => result.aid !== undefined && equalBytes(aid, result.aid),
    )?.label;
    const detail = { ...chipDetail(data, this.#channel.interface, cvm, label), reason: outcome.reason };
    if (this.#online !== undefined && this.#online.kind !== 'not-sent') {
      const record = finishAttempt(this.#context, this.#online, outcome.code === 'APPROVED_ONLINE', {
        detail,
        ...this.#cardDataSince(data, pan),
      });
      return this.#end(result, record);
    }
    if (outcome.code !== 'APPROVED_OFFLINE' || pan === undefined) return this.#notTaken(result);
    if (this.#request.kind === 'refund') return declined('the host has to give a refund');
    return this.#approveOffline(result, pan, detail);
  }

  /** What the upload needs, when the card has changed it after the request. */
  #cardDataSince(data: EmvResult['data'], pan: Pan | undefined): { cardData?: CardData } {
    if (pan === undefined) return {};
    const cardData = chipCardData(this.#context, data, pan);
    const [sent, now] = [this.#sent?.chip, cardData.chip];
    return sent !== undefined && now !== undefined && equalBytes(sent, now) ? {} : { cardData };
  }

  #approveOffline(result: EmvResult, pan: Pan, detail: TransactionDetail): Step {
    const { data, cvm } = result;
    try {
      const record = approveOffline(this.#context, {
        amountMinor: this.#request.amountMinor,
        entryMode: entryModeField(ENTRY[this.#channel.interface], cvm),
        card: chipCardData(this.#context, data, pan),
        detail,
        localCode: this.#online === undefined ? 'Y1' : 'Y3',
      });
      return this.#end(result, record);
    } catch (cause) {
      if (!isPossumError(cause, 'FORMAT')) throw cause;
      return declined(`the card's data fit no message: ${cause.message}`);
    }
  }

  #end({ outcome, cvm }: EmvResult, record: TransactionRecord | undefined): Step {
    const reversed = record?.state === 'MUST_REVERSE';
    const code = reversed ? 'REVERSED' : outcome.code;
    const message = reversed ? 'no-answer' : messageOf(code, cvm);
    const reason = this.#online?.kind === 'no-answer' ? noAnswerText(this.#online) : outcome.reason;
    return { kind: 'end', result: { code, reason, message, ...(record === undefined ? {} : { record }) } };
  }

  /** The card left no transaction: ask for another way, or end. */
  #notTaken(result: EmvResult): Step {
    const { code, ask } = result.outcome;
    if (code === 'TRY_ANOTHER_INTERFACE')
      return { kind: 'again', message: ask ?? 'insert-or-swipe', interfaces: ['contact', 'stripe'] };
    if (code === 'TRY_AGAIN')
      return {
        kind: 'again',
        message: ask ?? 'tap-again',
        interfaces: ['contact', 'contactless', 'stripe'],
        removeFirst: ask !== undefined,
      };
    if (result.fallbackAllowed) return { kind: 'chip-failed' };
    return this.#end(result, undefined);
  }
}

function declined(reason: string): Step {
  return { kind: 'end', result: { code: 'DECLINED_OFFLINE', reason, message: 'declined' } };
}

function messageOf(code: TransactionResult['code'], cvm: EmvResult['cvm']): MessageId {
  switch (code) {
    case 'APPROVED_OFFLINE':
    case 'APPROVED_ONLINE':
      return cvm === 'signature' || cvm === 'offline-pin-and-signature' ? 'approved-sign' : 'approved';
    case 'REFERRED':
      return 'call-issuer';
    case 'CARD_ERROR':
      return 'card-error';
    case 'CARD_BLOCKED':
      return 'card-blocked';
    case 'NOT_ACCEPTED':
    case 'TRY_ANOTHER_APPLICATION':
      return 'not-accepted';
    case 'CANCELLED':
      return 'cancelled';
    default:
      return 'declined';
  }
}
