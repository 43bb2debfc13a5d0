import { memoryPair } from '../../devices/transport/memory.ts';
import { createVirtualReader } from '../../devices/virtual/reader.ts';
import { openDialogue } from '../../src/acquirer/dialogue.ts';
import { financialMessage } from '../../src/acquirer/messages.ts';
import { protectMessage } from '../../src/acquirer/protection.ts';
import { type AcquirerContext, acquirerContext } from '../../src/acquirer/settings.ts';
import { runContactless } from '../../src/emv/contactless/entry-point.ts';
import { buildField55 } from '../../src/emv/field55.ts';
import { createRecord, traceRecord } from '../../src/emv/record.ts';
import { TAG } from '../../src/emv/tags.ts';
import type {
  EmvRecord,
  EmvResult,
  EmvServices,
  OnlineAnswer,
  OnlineRequest,
} from '../../src/emv/transaction.ts';
import { type HostConfig, loadHost } from '../../src/host/config.ts';
import { createHost } from '../../src/host/host.ts';
import { bytesField, textField } from '../../src/iso8583/index.ts';
import { toHex } from '../../src/platform/bytes.ts';
import { NEVER, VirtualClock } from '../../src/platform/clock.ts';
import { seededRandom, systemRandom } from '../../src/platform/random.ts';
import { Secret } from '../../src/platform/secret.ts';
import { silentTrace } from '../../src/platform/trace.ts';
import type { Dialler, KeyStore } from '../../src/ports/index.ts';
import { sealer } from '../../src/secure/sealer.ts';
import { createSecureModule, type SecureModule } from '../../src/secure/secure-module.ts';
import { loadTerminalSettings, type TerminalSettings } from '../../src/terminal/config.ts';
import { chipTrack2 } from '../../src/terminal/online.ts';
import { parseTlv } from '../../src/tlv/ber.ts';
import { temporaryFolder } from './folder.ts';
import { hostFile, NOON, tapTerminalFile, tirelessCard } from './support.ts';

/** One tap as it went, for those who redo its unavoidable parts. */
export interface TapStory {
  readonly result: EmvResult;
  /** Responses of the card, status words included. */
  readonly responses: readonly Uint8Array[];
}

/** Card, kernel, secure module, codec and host in this process, without journal and trace. */
export interface TapRig {
  readonly settings: TerminalSettings;
  readonly host: HostConfig;
  /** Approved by card and kernel, with fDDA. */
  offline(): Promise<void>;
  /** Approved by the host, whose answer is checked, after fDDA too. */
  online(): Promise<void>;
  story(kind: 'offline' | 'online'): Promise<TapStory>;
}

const AMOUNT = { offline: 850, online: 6000 } as const;

/** The secure module's registers, kept in memory. */
function memoryStore(): KeyStore {
  const records = new Map<string, Uint8Array>();
  const writer = {
    put: (name: string, value: Uint8Array) => void records.set(name, value),
    delete: (name: string) => void records.delete(name),
  };
  return {
    get: (name) => records.get(name),
    list: (prefix) =>
      [...records].filter(([name]) => name.startsWith(prefix)).map(([name, value]) => ({ name, value })),
    atomically: (change) => change(writer),
  };
}

/** The demo host, with cards that can spend without end. */
function generousHost(): HostConfig {
  const config = loadHost(hostFile);
  return { ...config, cards: config.cards.map(({ funds: _, limit: __, ...card }) => card) };
}

export function tapRig(): TapRig {
  const clock = new VirtualClock(NOON);
  const settings = loadTerminalSettings(tapTerminalFile(temporaryFolder()));
  const hostConfig = generousHost();
  const host = createHost(hostConfig, { clock, random: seededRandom('bench/host'), trace: silentTrace });
  const dialler: Dialler = {
    address: 'memory',
    dial: async () => {
      const [near, far] = memoryPair(clock);
      void host.connection(far);
      return { kind: 'connected', stream: near };
    },
  };
  const secure = loadedModule(settings, clock);
  const acquirer = acquirerContext({
    profile: hostConfig.profile,
    identity: {
      terminalId: settings.tid,
      merchantId: settings.merchant.id,
      currency: settings.currency.code,
    },
    timeouts: { connectMs: 1000, answerMs: 1000, repeats: 1 },
    dialler,
    // Nothing of a tap without journal asks for it.
    journal: undefined as never,
    secure,
    clock,
    trace: silentTrace,
  });
  const card = tirelessCard();
  const reader = createVirtualReader({ clock });
  const random = seededRandom('bench/terminal');
  const line = onlineLine(acquirer, secure);

  async function tap(kind: keyof typeof AMOUNT, record: EmvRecord): Promise<EmvResult> {
    reader.tap(card);
    const presentation = await reader.awaitPresentation(['contactless'], NEVER, clock.now());
    if (presentation.kind !== 'card') throw new Error(presentation.kind);
    const { channel } = presentation;
    const services: EmvServices = {
      channel,
      config: settings.emv,
      random,
      clock,
      signal: NEVER,
      pin: secure,
      record,
      chooseApplication: async () => 0,
      recentAmountMinor: () => 0,
      authorise: (request) => line(request, AMOUNT[kind]),
    };
    const result = await runContactless(
      {
        amountMinor: AMOUNT[kind],
        otherMinor: 0,
        transactionType: 0,
        dateYymmdd: '261121',
        timeHhmmss: '120000',
        sequence: 1,
      },
      services,
    );
    await channel.release();
    reader.remove();
    const { code, reason } = result.outcome;
    if (code !== `APPROVED_${kind.toUpperCase()}`)
      throw new Error(`the ${kind} tap ended ${code}: ${reason}`);
    return result;
  }

  const silent = traceRecord('contactless', silentTrace);
  return {
    settings,
    host: hostConfig,
    offline: async () => void (await tap('offline', silent)),
    online: async () => void (await tap('online', silent)),
    async story(kind) {
      const record = createRecord('contactless');
      const result = await tap(kind, record);
      return { result, responses: record.exchanges.map(({ response }) => response) };
    },
  };
}

function loadedModule(settings: TerminalSettings, clock: VirtualClock): SecureModule {
  const random = systemRandom();
  const secure = createSecureModule({
    store: memoryStore(),
    sealer: sealer(new Secret(random.bytes(32), 'storage key')),
    clock,
    trace: silentTrace,
    pad: () => undefined,
  });
  if (settings.keys === undefined) throw new Error('the demo terminal has no keys');
  secure.loadInitialKey(settings.keys.initialKey, settings.keys.ksn);
  return secure;
}

/** Request, line and answer as the terminal does them, less what it writes down. */
function onlineLine(acquirer: AcquirerContext, secure: SecureModule) {
  let stan = 0;
  return async ({ data, pan }: OnlineRequest, amountMinor: number): Promise<OnlineAnswer> => {
    const key = secure.takeMessageKey();
    const track2 = chipTrack2(data);
    const expiry = data.get(TAG.expiry);
    if (key === undefined || track2 === undefined) throw new Error('no key or no track');
    stan = (stan % 999_999) + 1;
    const request = financialMessage(acquirer, {
      kind: 'sale',
      stan,
      invoice: stan,
      amountMinor,
      entryMode: '072',
      card: {
        pan,
        ...(expiry === undefined ? {} : { expiry: toHex(expiry).slice(0, 4) }),
        sequenceNumber: toHex(data.get(TAG.panSequence) ?? Uint8Array.of(0)).padStart(3, '0'),
        chip: buildField55(data, acquirer.chipTags, acquirer.zeroWhenMissing),
      },
      track2,
    });
    const dialogue = await openDialogue(acquirer, NEVER);
    const answer = await dialogue?.exchange(protectMessage(acquirer, request, key), NEVER);
    key.release();
    await dialogue?.close();
    if (answer?.kind !== 'answered') throw new Error(`no answer: ${answer?.reason}`);
    const arc = textField(answer.message, 39) ?? '';
    const issuer = parseTlv(bytesField(answer.message, 55) ?? new Uint8Array(0));
    return {
      kind: 'answered',
      arc,
      approved: arc === '00',
      tags: new Map(issuer.ok ? issuer.items.map(({ tag, value }) => [tag, value]) : []),
    };
  };
}
