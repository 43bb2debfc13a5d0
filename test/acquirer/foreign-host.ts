import { memoryPair } from '../../devices/transport/memory.ts';
import { tdesDecrypt } from '../../src/crypto/des.ts';
import {
  initialKey,
  macRequestKey,
  macResponseKey,
  pinKey,
  transactionKey,
} from '../../src/crypto/dukpt-tdes.ts';
import { retailMac } from '../../src/crypto/mac.ts';
import {
  bytesField,
  compileCodec,
  FrameSplitter,
  frame,
  type IsoMessage,
  isoMessage,
  loadProfile,
  macInput,
  minimumBody,
  openBody,
  packWithMac,
  textField,
} from '../../src/iso8583/index.ts';
import { concat, equalBytes, fromHex, toHex } from '../../src/platform/bytes.ts';
import { type Clock, sleep } from '../../src/platform/clock.ts';
import type { ByteStream, Dialler } from '../../src/ports/index.ts';

export const BDK = '0123456789ABCDEFFEDCBA9876543210';
export const profile = loadProfile('emv-fixtures/hosts/nac.yaml');
export const codec = compileCodec(profile.message);
const never = new AbortController().signal;

export type Fields = Readonly<Record<number, string | Uint8Array | undefined>>;

/** A request as it came over the wire. */
export interface Received {
  /** Length prefix, TPDU and message, hex. */
  readonly frame: string;
  readonly message: IsoMessage;
  /** Numbers of the fields that are there. */
  readonly fields: readonly number[];
  readonly ksn: string;
  /** True when field 64 is right under the request key of that KSN. */
  readonly macIsGood: boolean;
  /** The clear PIN block, hex. */
  readonly pinBlock: string | undefined;
}

/** One request and the means to answer it. */
export class Exchange {
  readonly request: Received;
  readonly clock: Clock;
  readonly #stream: ByteStream;

  constructor(request: Received, stream: ByteStream, clock: Clock) {
    this.request = request;
    this.#stream = stream;
    this.clock = clock;
  }

  /** The frame of an answer: approval unless `fields` say otherwise; `undefined` takes a field away. */
  answer(fields: Fields = {}, options: { mac?: 'wrong' | 'none'; mti?: string } = {}): Uint8Array {
    const { message, ksn } = this.request;
    const { mti = message.mti.slice(0, 2) + String(Number(message.mti[2]) + 1) + message.mti.slice(3) } =
      options;
    const echoed = Object.fromEntries([3, 4, 11, 24, 25, 41].map((n) => [n, message.fields[n]]));
    const answer = isoMessage(mti, {
      ...echoed,
      12: '121501',
      13: '1121',
      37: `RRN${textField(message, 11)?.padStart(9, '0')}`,
      38: /^02[01]0/.test(mti) ? 'A1B2C3' : undefined,
      39: '00',
      ...fields,
    });
    return frame(concat(fromHex('6000000003'), this.#pack(answer, ksn, options.mac)), profile.framing);
  }

  #pack(answer: IsoMessage, ksn: string, mac: 'wrong' | 'none' | undefined): Uint8Array {
    if (ksn === '' || mac === 'none') return codec.pack(answer);
    const key = macResponseKey(hostKey(fromHex(ksn)));
    return packWithMac(answer, codec, (input) => {
      const right = retailMac(key, input);
      return mac === 'wrong' ? right.map((byte) => byte ^ 1) : right;
    });
  }

  send(bytes: Uint8Array): Promise<void> {
    return this.#stream.write(bytes).catch(() => {});
  }

  reply(fields: Fields = {}, options: { mac?: 'wrong' | 'none'; mti?: string } = {}): Promise<void> {
    return this.send(this.answer(fields, options));
  }

  hangUp(): Promise<void> {
    return this.#stream.close();
  }

  sleep(ms: number): Promise<void> {
    return sleep(this.clock, ms);
  }
}

export type Reaction = (exchange: Exchange) => void | Promise<void>;

export const approve: Reaction = (exchange) => exchange.reply();
export const silence: Reaction = () => {};
export const refuse =
  (code: string): Reaction =>
  (exchange) =>
    exchange.reply({ 38: undefined, 39: code });

/** A host that knows the profile from the outside only: it plays a script, then approves everything. */
export class ForeignHost implements Dialler {
  readonly address = 'foreign:1';
  readonly received: Received[] = [];
  readonly script: Reaction[] = [];
  /** Connections that are refused before the line works again. */
  refusals = 0;
  dials = 0;
  /** The connection breaks after this many bytes of the next request. */
  cutRequestAfter: number | undefined;
  /** Called before the first byte of a request is handed to the line. */
  beforeWrite: (bytes: Uint8Array) => void = () => {};
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  react(...reactions: Reaction[]): this {
    this.script.push(...reactions);
    return this;
  }

  /** Requests with that MTI. */
  of(mti: string): readonly Received[] {
    return this.received.filter(({ message }) => message.mti === mti);
  }

  async dial(): ReturnType<Dialler['dial']> {
    this.dials++;
    if (this.refusals > 0) {
      this.refusals--;
      return { kind: 'refused', reason: 'connection refused' };
    }
    const [near, far] = memoryPair(this.#clock);
    void this.#serve(far);
    return { kind: 'connected', stream: this.#breakable(near) };
  }

  #breakable(stream: ByteStream): ByteStream {
    return {
      read: (signal) => stream.read(signal),
      close: () => stream.close(),
      write: async (bytes) => {
        this.beforeWrite(bytes);
        const cut = this.cutRequestAfter;
        if (cut === undefined) return stream.write(bytes);
        this.cutRequestAfter = undefined;
        await stream.write(bytes.slice(0, cut));
        await stream.close();
      },
    };
  }

  async #serve(stream: ByteStream): Promise<void> {
    const splitter = new FrameSplitter(profile.framing, minimumBody(profile));
    for (;;) {
      const chunk = await stream.read(never);
      if (chunk === undefined) return;
      for (const body of splitter.push(chunk).frames) {
        const request = takeApart(body);
        this.received.push(request);
        await (this.script.shift() ?? approve)(new Exchange(request, stream, this.#clock));
      }
    }
  }
}

function hostKey(ksn: Uint8Array): Uint8Array {
  return transactionKey(initialKey(fromHex(BDK), ksn), ksn);
}

function takeApart(body: Uint8Array): Received {
  const opened = openBody(profile, body);
  if (!opened.ok) throw new Error(opened.error.message);
  const unpacked = codec.unpack(opened.message);
  if (!unpacked.ok) throw new Error(unpacked.error.message);
  const { message } = unpacked;
  const ksn = bytesField(message, 53);
  const mac = bytesField(message, 64);
  const block = bytesField(message, 52);
  const key = ksn === undefined ? undefined : hostKey(ksn);
  const input = macInput(opened.message, codec) ?? new Uint8Array(0);
  return {
    frame: toHex(frame(body, profile.framing)),
    message,
    fields: message.fields.flatMap((value, field) => (value === undefined ? [] : [field])),
    ksn: ksn === undefined ? '' : toHex(ksn),
    macIsGood:
      key !== undefined && mac !== undefined && equalBytes(retailMac(macRequestKey(key), input), mac),
    pinBlock: key === undefined || block === undefined ? undefined : toHex(tdesDecrypt(pinKey(key), block)),
  };
}
