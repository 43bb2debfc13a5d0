import { memoryPair } from '../../devices/transport/memory.ts';
import { tdesEncrypt } from '../../src/crypto/des.ts';
import {
  initialKey,
  macRequestKey,
  macResponseKey,
  nextKsn,
  pinKey,
  transactionKey,
} from '../../src/crypto/dukpt-tdes.ts';
import { applicationCryptogram, iccMasterKey } from '../../src/crypto/emv-keys.ts';
import { retailMac } from '../../src/crypto/mac.ts';
import { encodePinBlock, pinFromText } from '../../src/crypto/pin-block.ts';
import { hostFileSchema } from '../../src/host/config.ts';
import {
  type AnswerRule,
  createHost,
  type Host,
  type HostConfig,
  type HostStore,
} from '../../src/host/index.ts';
import { compileCodec, macInput, macOf, packWithMac } from '../../src/iso8583/codec.ts';
import { FrameSplitter, frame } from '../../src/iso8583/framing.ts';
import { type IsoMessage, isoMessage } from '../../src/iso8583/message.ts';
import { loadProfile } from '../../src/iso8583/profile.ts';
import { minimumBody, openBody, requestRouting, wrapMessage } from '../../src/iso8583/tpdu.ts';
import { concat, fromHex, toHex } from '../../src/platform/bytes.ts';
import { until, VirtualClock } from '../../src/platform/clock.ts';
import { isPossumError } from '../../src/platform/errors.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { silentTrace } from '../../src/platform/trace.ts';
import type { ByteStream } from '../../src/ports/stream.ts';
import { encodeTlv } from '../../src/tlv/ber.ts';

export const profile = loadProfile('emv-fixtures/hosts/nac.yaml');
export const codec = compileCodec(profile.message);
/** Published test values: the BDK of X9.24-1 annex A.4 and an issuer key of the EMV vectors. */
export const BDK = '0123456789ABCDEFFEDCBA9876543210';
export const IMK = '0123456789ABCDEFFEDCBA9876543210';
export const NOON = Date.UTC(2026, 10, 21, 12, 0, 0);
export const PAN = '4761739001010119';
export const STRIPE_PAN = '6225880000000019';
export const MERCHANT = '898310048160001';
const never = new AbortController().signal;

const HOST_FILE = {
  kind: 'host',
  profile: 'nac.yaml',
  currency: '978',
  bdks: { FFFF987654: BDK },
  issuerKeys: { test: { imkAc: IMK } },
  cards: [
    {
      pan: PAN,
      psn: '01',
      expiry: '2912',
      keys: 'test',
      cryptogram: 'visa-cvn10',
      pin: '1234',
      funds: 100_000,
    },
    { pan: STRIPE_PAN, expiry: '2912', serviceCode: '101', limit: 50_000 },
    { pan: '4000000000000002', status: 'blocked' },
    { pan: '4000000000000010', expiry: '2610' },
    { pan: '4000000000000028', expiry: '2912', serviceCode: '201' },
  ],
};

export function hostConfig(changes: Record<string, unknown> = {}): HostConfig {
  const { profile: _, kind: __, ...file } = hostFileSchema().parse({ ...HOST_FILE, ...changes });
  return { ...file, profile };
}

export type Fields = Record<number, string | Uint8Array | undefined>;

/** A host and the terminals that a test needs, on one virtual clock. */
export class World {
  readonly clock = new VirtualClock(NOON);
  readonly host: Host;

  constructor(changes: Record<string, unknown> = {}, store?: HostStore) {
    this.host = createHost(hostConfig(changes), {
      clock: this.clock,
      random: seededRandom('host'),
      trace: silentTrace,
      ...(store === undefined ? {} : { store }),
    });
  }

  terminal(tid = '10000001', ksn = 'FFFF9876543210E00000'): TestTerminal {
    return new TestTerminal(this, tid, fromHex(ksn));
  }

  setAnswer(rule: AnswerRule): void {
    this.host.setAnswer(rule);
  }

  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.run(work);
  }
}

export interface Sent {
  readonly bytes: Uint8Array;
  readonly request: IsoMessage;
  readonly ksn: Uint8Array;
}

/** Packs requests as a terminal would, with keys of its own derivation, and checks the MAC of answers. */
export class TestTerminal {
  ksn: Uint8Array;
  readonly tid: string;
  readonly #world: World;
  readonly #initialKey: Uint8Array;
  #stan = 0;
  #invoice = 0;

  constructor(world: World, tid: string, ksn: Uint8Array) {
    this.#world = world;
    this.tid = tid;
    this.ksn = ksn;
    this.#initialKey = initialKey(fromHex(BDK), ksn);
  }

  nextStan(): string {
    return String(++this.#stan).padStart(6, '0');
  }

  /** A request with the terminal's own fields filled in; `undefined` takes one away. */
  build(mti: string, fields: Fields, options: { pin?: string; pan?: string } = {}): Sent {
    this.ksn = nextKsn(this.ksn) as Uint8Array;
    const key = transactionKey(this.#initialKey, this.ksn);
    const common: Fields = {
      3: '000000',
      11: fields[11] ?? this.nextStan(),
      22: '021',
      24: '003',
      25: '00',
      41: this.tid,
      42: MERCHANT,
      49: '978',
      53: this.ksn,
      62: 62 in fields ? fields[62] : String(++this.#invoice).padStart(6, '0'),
    };
    if (options.pin !== undefined) {
      const block = encodePinBlock({ format: 0, pin: pinFromText(options.pin), pan: options.pan ?? PAN });
      common[52] = tdesEncrypt(pinKey(key), block);
    }
    const request = isoMessage(mti, { ...common, ...fields });
    const bytes = packWithMac(request, codec, (input) => retailMac(macRequestKey(key), input));
    return { bytes, request, ksn: this.ksn };
  }

  sale(amountMinor: number, fields: Fields = {}): Sent {
    return this.build('0200', { 2: STRIPE_PAN, 4: amount(amountMinor), 14: '2912', ...fields });
  }

  /** The reversal of something sent. */
  reversal(original: Sent, fields: Fields = {}, mti = '0400'): Sent {
    const copied: Fields = {};
    for (const field of [2, 3, 4, 11, 14, 22, 23, 24, 25, 49, 62])
      copied[field] = original.request.fields[field];
    return this.build(mti, { ...copied, ...fields });
  }

  /** A message without MAC and KSN: settlement, upload, management. */
  plain(mti: string, fields: Fields): Uint8Array {
    return codec.pack(
      isoMessage(mti, { 11: this.nextStan(), 24: '003', 41: this.tid, 42: MERCHANT, ...fields }),
    );
  }

  async connect(): Promise<ByteStream> {
    const [near, far] = memoryPair(this.#world.clock);
    void this.#world.host.connection(far);
    return near;
  }

  /** Sends packed bytes on a new connection. @returns the answer, or `undefined` when none came in 60 s */
  exchange(bytes: Uint8Array): Promise<IsoMessage | undefined> {
    return this.#world.run(
      (async () => {
        const raw = await this.#raw(bytes);
        if (raw === undefined) return undefined;
        const unpacked = codec.unpack(raw);
        if (!unpacked.ok) throw new Error(unpacked.error.message);
        return unpacked.message;
      })(),
    );
  }

  /** The answer's bytes from the MTI on. */
  exchangeRaw(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#world.run(this.#raw(bytes));
  }

  /** Sends, checks the answer's MAC under the same KSN, and gives field 39. */
  async code(sent: Sent): Promise<string | undefined> {
    return (await this.answer(sent))?.fields[39] as string | undefined;
  }

  async answer(sent: Sent): Promise<IsoMessage | undefined> {
    const raw = await this.exchangeRaw(sent.bytes);
    if (raw === undefined) return undefined;
    const input = macInput(raw, codec);
    const expected = retailMac(
      macResponseKey(transactionKey(this.#initialKey, sent.ksn)),
      input ?? new Uint8Array(0),
    );
    if (toHex(expected) !== toHex(macOf(raw, codec) ?? new Uint8Array(0)))
      throw new Error('wrong answer MAC');
    const unpacked = codec.unpack(raw);
    if (!unpacked.ok) throw new Error(unpacked.error.message);
    return unpacked.message;
  }

  async settle(totals: string, number = '000001', processingCode = '920000'): Promise<string | undefined> {
    const request = this.plain('0500', { 3: processingCode, 60: number, 63: totals.padEnd(90, '0') });
    return (await this.exchange(request))?.fields[39] as string | undefined;
  }

  async #raw(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const stream = await this.connect();
    try {
      await stream.write(frame(wrapMessage(profile, requestRouting(profile), bytes), profile.framing));
    } catch (error) {
      if (isPossumError(error, 'UNAVAILABLE')) return undefined;
      throw error;
    }
    const splitter = new FrameSplitter(profile.framing, minimumBody(profile));
    const { clock } = this.#world;
    const end = clock.now() + 60_000;
    for (;;) {
      const chunk = await until(clock, end, stream.read(never));
      if (chunk === undefined) break;
      const body = splitter.push(chunk).frames[0];
      if (body === undefined) continue;
      await stream.close();
      const opened = openBody(profile, body);
      if (!opened.ok) throw new Error(opened.error.message);
      if (opened.routing.destination !== '0000' || opened.routing.source !== '0003')
        throw new Error('routing');
      return opened.message;
    }
    await stream.close();
    return undefined;
  }
}

export function amount(minor: number): string {
  return String(minor).padStart(12, '0');
}

/** Totals: sales then refunds, three digits of count and twelve of amount each. */
export function totals(
  sales: readonly [number, number],
  refunds: readonly [number, number] = [0, 0],
): string {
  return [sales, refunds].map(([count, minor]) => String(count).padStart(3, '0') + amount(minor)).join('');
}

export interface ChipOptions {
  readonly atc: number;
  readonly amountMinor: number;
  readonly cid?: number;
  readonly cvr?: string;
  readonly cvmResults?: string;
  /** Applied after the cryptogram was made. */
  readonly tamper?: Readonly<Record<number, string>>;
}

/** Field 55 of a card with a Visa cryptogram of version 10. */
export function chipData(options: ChipOptions): Uint8Array {
  const values: [number, string][] = [
    [0x9f02, amount(options.amountMinor)],
    [0x9f03, amount(0)],
    [0x9f1a, '0280'],
    [0x95, '0000008000'],
    [0x5f2a, '0978'],
    [0x9a, '261121'],
    [0x9c, '00'],
    [0x9f37, '1A2B3C4D'],
    [0x82, '3C00'],
    [0x9f36, options.atc.toString(16).padStart(4, '0')],
  ];
  const cvr = options.cvr ?? '03A00000';
  const signed = concat(...values.map(([, hex]) => fromHex(hex)), fromHex(cvr));
  const master = iccMasterKey(fromHex(IMK), PAN, '01', 'A');
  const cryptogram = applicationCryptogram(master, signed, 'iso1');
  const all = new Map<number, Uint8Array>([
    [0x9f26, cryptogram],
    [0x9f27, Uint8Array.of(options.cid ?? 0x80)],
    [0x9f10, fromHex(`06010A${cvr}`)],
    ...values.map(([tag, hex]) => [tag, fromHex(hex)] as const),
    [0x9f34, fromHex(options.cvmResults ?? '420300')],
  ]);
  for (const [tag, hex] of Object.entries(options.tamper ?? {})) all.set(Number(tag), fromHex(hex));
  return concat(...[...all].map(([tag, value]) => encodeTlv(tag, value)));
}

/** A chip sale with online PIN. */
export function chipSale(
  terminal: TestTerminal,
  options: ChipOptions & { readonly pin?: string },
  fields: Fields = {},
): Sent {
  return terminal.build(
    '0200',
    {
      4: amount(options.amountMinor),
      22: '051',
      23: '001',
      35: `${PAN}=2912201123456789`,
      55: chipData(options),
      ...fields,
    },
    options.pin === undefined ? {} : { pin: options.pin },
  );
}
