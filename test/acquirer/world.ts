import { onTestFinished } from 'vitest';
import { type Authorisation, authorise, finish, type NewRequest } from '../../src/acquirer/authorisation.ts';
import { keptLine } from '../../src/acquirer/kept-line.ts';
import { adviceMessage } from '../../src/acquirer/messages.ts';
import { type Drained, drainOutbox } from '../../src/acquirer/outbox.ts';
import { storeFields } from '../../src/acquirer/protection.ts';
import { type AcquirerContext, acquirerContext } from '../../src/acquirer/settings.ts';
import { type Settlement, settleBatch } from '../../src/acquirer/settlement.ts';
import { initialKey } from '../../src/crypto/dukpt-tdes.ts';
import { type Journal, openJournal } from '../../src/journal/journal.ts';
import type { CardData, TransactionKind } from '../../src/journal/transactions.ts';
import { fromHex, latin1 } from '../../src/platform/bytes.ts';
import { VirtualClock } from '../../src/platform/clock.ts';
import { Pan, Secret } from '../../src/platform/secret.ts';
import { createTrace, type TraceEvent } from '../../src/platform/trace.ts';
import type { Keypad } from '../../src/ports/index.ts';
import { createSecureModule, type SecureModule } from '../../src/secure/secure-module.ts';
import { createRedactor } from '../../src/tlv/redact.ts';
import { temporaryFolder } from '../support/folder.ts';
import { testSealer } from '../support/sealer.ts';
import { BDK, ForeignHost, profile } from './foreign-host.ts';

export const PAN = '6225880000000019';
export const NOON = Date.UTC(2026, 10, 21, 12, 15, 0);
export const ANSWER_MS = 30_000;
const KSN = fromHex('FFFF9876543210E00000');
const never = new AbortController().signal;

export const CARD: CardData = { pan: new Pan(PAN), expiry: '2912' };

const pad: Keypad = {
  kind: 'keypad',
  stars() {},
  open(_prompt, sink) {
    for (const key of [1, 2, 3, 4, 'enter'] as const) queueMicrotask(() => sink.press(key));
    return () => {};
  },
};

/** What differs from a swiped sale of 10.00. */
type RequestChanges = Partial<Omit<NewRequest, 'track2'>> & { readonly track2?: Secret | undefined };

interface LineOptions {
  readonly repeats?: number;
  readonly keepAlive?: boolean;
  /** Sees each statement before it runs. */
  readonly onStatement?: (sql: string) => void;
}

/** A terminal's acquirer side on a journal of its own, and a foreign host at the other end of the line. */
export class LineWorld {
  readonly clock = new VirtualClock(NOON);
  readonly host = new ForeignHost(this.clock);
  readonly events: TraceEvent[] = [];
  readonly folder: string;
  context!: AcquirerContext;
  readonly #trace = createTrace(this.clock, createRedactor());

  private constructor(folder: string) {
    this.folder = folder;
    this.#trace.subscribe((event) => this.events.push(event));
  }

  static async start(options: LineOptions = {}): Promise<LineWorld> {
    const world = new LineWorld(temporaryFolder());
    await world.boot(options);
    onTestFinished(() => world.journal.close());
    return world;
  }

  /** Opens the journal of the folder, as after a power cut. */
  async boot({ repeats = 3, keepAlive = false, onStatement = () => {} }: LineOptions = {}): Promise<void> {
    const journal = await openJournal(this.folder, testSealer(), {
      trace: this.#trace,
      onStatement,
    });
    const secure = createSecureModule({
      store: journal.keyStore,
      sealer: testSealer(),
      clock: this.clock,
      trace: this.#trace,
      pad: () => pad,
    });
    if (secure.status() === 'unprovisioned')
      secure.loadInitialKey(new Secret(initialKey(fromHex(BDK), KSN)), KSN);
    this.context = acquirerContext({
      profile,
      identity: { terminalId: '10000001', merchantId: '898310048160001', currency: '978' },
      timeouts: { connectMs: 10_000, answerMs: ANSWER_MS, repeats },
      dialler: keepAlive ? keptLine(this.host) : this.host,
      journal,
      secure,
      clock: this.clock,
      trace: this.#trace,
    });
  }

  get journal(): Journal {
    return this.context.journal;
  }

  get secure(): SecureModule {
    return this.context.secure;
  }

  alarms(): readonly string[] {
    return this.events.flatMap((event) => (event.kind === 'alarm' ? [event.what] : []));
  }

  async enterPin(): Promise<void> {
    const request = { pan: CARD.pan, amountMinor: 1000, currency: '978', exponent: 2 };
    await this.clock.run(this.secure.online(request, never));
  }

  authorise(
    request: RequestChanges = {},
    kind: TransactionKind = 'sale',
    originalId?: number,
  ): Promise<Authorisation> {
    const { track2, ...whole } = {
      kind: kind === 'void' ? ('voidSale' as const) : kind,
      amountMinor: 1000,
      entryMode: '021',
      card: CARD,
      track2: new Secret(latin1(`${PAN}=29122010000012300000`), 'track 2'),
      ...request,
    };
    return this.clock.run(
      authorise(
        this.context,
        track2 === undefined ? whole : { ...whole, track2 },
        {
          kind,
          currency: '978',
          atMs: this.clock.now(),
          detail: { interface: 'stripe' },
          ...(originalId === undefined ? {} : { originalId }),
        },
        never,
      ),
    );
  }

  /** A sale without PIN that ends as the host says; `undefined` when it left no row. */
  async sale(request: RequestChanges = {}): Promise<number | undefined> {
    return this.end(await this.authorise(request));
  }

  /** The last commit of an attempt, as the flows of the terminal do it. */
  end(result: Authorisation): number | undefined {
    if (result.kind === 'not-sent') return undefined;
    if (result.kind === 'no-answer') finish(this.context, result.pending, { kind: 'reverse' });
    else {
      const { decision } = result;
      finish(this.context, result.pending, {
        kind: decision.approved ? 'approved' : 'declined',
        decision,
      });
    }
    return result.pending.record.id;
  }

  /** A sale that was approved offline and waits for its advice. */
  offlineSale(amountMinor = 850, card: CardData = CARD): number {
    const { journal, clock } = this;
    return journal.commit('offline', () => {
      const stan = journal.counters.next('stan');
      const record = journal.transactions.insert(journal.batches.ensureOpen(clock.now()).id, {
        kind: 'sale',
        state: 'APPROVED',
        online: false,
        stan,
        invoice: journal.counters.next('invoice'),
        amountMinor,
        currency: '978',
        cardData: card,
        entryMode: '072',
        atMs: clock.now(),
        approvalCode: `Y1${String(stan).padStart(4, '0')}`,
        detail: { interface: 'contactless' },
      });
      journal.outbox.insert(
        'advice',
        record.id,
        amountMinor,
        'DUE',
        storeFields(adviceMessage(this.context, record, card)),
      );
      return record.id;
    });
  }

  drain(): Promise<Drained> {
    return this.clock.run(drainOutbox(this.context, never));
  }

  settle(): Promise<Settlement> {
    return this.clock.run(settleBatch(this.context, never));
  }

  state(id: number | undefined): string | undefined {
    return id === undefined ? undefined : this.journal.transactions.find(id)?.state;
  }

  /** Kinds of what is due to be sent. */
  due(): readonly string[] {
    return this.journal.outbox.due().map(({ kind }) => kind);
  }
}
