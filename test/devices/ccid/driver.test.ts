import { describe, expect, it } from 'vitest';
import type { EmulatedCard } from '../../../devices/cards/card.ts';
import type { DeviceServices } from '../../../devices/ccid/device.ts';
import { type CcidReader, createCcidReader } from '../../../devices/ccid/driver.ts';
import {
  type CcidSimulator,
  type CcidSimulatorOptions,
  createCcidSimulator,
} from '../../../devices/ccid/simulator.ts';
import { simulatorDialler } from '../../../devices/transport/simulator-dialler.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { NEVER, sleep, VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import type { Trace } from '../../../src/platform/trace.ts';
import type { ByteStream, CardChannel, Exchange, Presentation } from '../../../src/ports/index.ts';
import { Hand } from '../cards/hand.ts';

const T0_ATR = '3B6800000073C84012009000';
const T1_ATR = '3BF81300008131FE454A434F5076323431B7';
const SELECT = fromHex('00A404000E315041592E5359532E444446303100');

interface Bench {
  readonly clock: VirtualClock;
  readonly simulator: CcidSimulator;
  readonly reader: CcidReader;
  /** Hex of what the host wrote. */
  readonly written: string[];
}

function bench(
  options: {
    readonly simulator?: Partial<CcidSimulatorOptions>;
    readonly settings?: DeviceServices['settings'];
    readonly alter?: (stream: ByteStream) => ByteStream;
    readonly trace?: Trace;
  } = {},
): Bench {
  const clock = new VirtualClock(0);
  const written: string[] = [];
  const simulator = createCcidSimulator({ clock, ...options.simulator });
  const alter = options.alter ?? ((stream) => stream);
  const dialler = simulatorDialler(simulator, clock, (stream) => {
    const altered = alter(stream);
    return {
      read: (signal) => altered.read(signal),
      close: () => altered.close(),
      write: (bytes) => {
        written.push(toHex(bytes));
        return altered.write(bytes);
      },
    };
  });
  const reader = createCcidReader({
    dialler,
    clock,
    ...(options.settings && { settings: options.settings }),
    ...(options.trace && { trace: options.trace }),
  });
  return { clock, simulator, reader, written };
}

async function opened(options: Parameters<typeof bench>[0] = {}): Promise<Bench> {
  const made = bench(options);
  const result = await made.clock.run(made.reader.open(NEVER, 10_000));
  if (result.kind === 'failed') throw new Error(result.reason);
  return made;
}

/** A card that answers every command with `answer`, or what it is told to do. */
function card(
  atr: string,
  respond: (command: Uint8Array) => Uint8Array = () => fromHex('9000'),
): EmulatedCard {
  return {
    kind: 'replay',
    state: () => {
      throw new Error('not asked for');
    },
    restore: () => {},
    contact: { interface: 'contact', answerToReset: fromHex(atr), reset: () => {}, respond },
  };
}

function present({ clock, reader }: Bench, forMs = 10_000): Promise<Presentation> {
  return clock.run(reader.awaitPresentation(['contact'], NEVER, clock.now() + forMs));
}

async function inserted(made: Bench, which: EmulatedCard): Promise<CardChannel> {
  made.simulator.insert(which);
  const presentation = await present(made);
  if (presentation.kind !== 'card') throw new Error(presentation.kind);
  return presentation.channel;
}

function text(exchange: Exchange): string {
  return exchange.kind === 'response' ? toHex(exchange.response) : exchange.fault;
}

const send = async ({ clock }: Bench, channel: CardChannel, command = SELECT): Promise<string> =>
  text(await clock.run(channel.transmit(command, NEVER)));

describe('opening a serial CCID reader', () => {
  it('asks who it is and for orderly notices', async () => {
    const { reader, written } = await opened();
    expect(reader.firmware).toBe('GemTwRC2-V2.10-GL04');
    expect(written).toEqual(['03066B010000000000000000026D', '03066B0300000000010000000101016D']);
  });

  it('works with relatives that do not echo', async () => {
    const made = await opened({ simulator: { echo: false } });
    const channel = await inserted(made, card(T0_ATR));
    expect(await send(made, channel)).toBe('9000');
  });

  it('repeats a question that was refused, unheard or damaged', async () => {
    for (const fault of ['nak', 'ignore', 'bad-check', 'no-answer', 'no-echo', 'other-answer'] as const) {
      const made = bench();
      made.simulator.fault(fault, 2);
      expect(await made.clock.run(made.reader.open(NEVER, 20_000))).toMatchObject({ kind: 'opened' });
    }
  });

  it('tells that nobody answers, that time is over, or that there is no line', async () => {
    const deaf = bench();
    deaf.simulator.fault('ignore', 1000);
    expect(await deaf.clock.run(deaf.reader.open(NEVER, 20_000))).toEqual({
      kind: 'failed',
      reason: 'no serial CCID reader answers (sim)',
    });
    const hasty = bench();
    hasty.simulator.fault('ignore', 1000);
    expect(await hasty.clock.run(hasty.reader.open(NEVER, 1000))).toMatchObject({
      reason: 'no answer in time (sim)',
    });
    const absent = bench();
    await absent.simulator.unplug();
    expect(await absent.clock.run(absent.reader.open(NEVER, 1000))).toMatchObject({
      reason: 'no such device (sim)',
    });
  });

  it('finds the reader behind 64 KiB of noise', async () => {
    const noise = seededRandom('noise').bytes(65_536);
    let rest = noise;
    const alter = (stream: ByteStream): ByteStream => ({
      write: (bytes) => stream.write(bytes),
      close: () => stream.close(),
      async read(signal) {
        if (rest.length === 0) return stream.read(signal);
        const piece = rest.slice(0, 500);
        rest = rest.slice(500);
        return piece;
      },
    });
    const { clock, reader } = bench({ alter });
    expect(await clock.run(reader.open(NEVER, 20_000))).toMatchObject({ kind: 'opened' });
    expect(clock.now()).toBeLessThan(10_000);
  });

  it('gives up a line that babbles without end', async () => {
    const random = seededRandom('babble');
    const clock = new VirtualClock(0);
    const stream: ByteStream = {
      write: async () => {},
      close: async () => {},
      async read(signal) {
        await sleep(clock, 1, signal);
        return random.bytes(11);
      },
    };
    const dialler = { address: 'sim', dial: async () => ({ kind: 'connected' as const, stream }) };
    const reader = createCcidReader({ dialler, clock });
    expect(await clock.run(reader.open(NEVER, 8000))).toMatchObject({ kind: 'failed' });
    expect(clock.now()).toBeLessThan(8100);
  });

  it('can be cancelled, and tried again', async () => {
    const { clock, reader, simulator } = bench();
    simulator.fault('ignore', 1);
    const controller = new AbortController();
    const opening = reader.open(controller.signal, 10_000);
    clock.after(100, () => controller.abort());
    await expect(clock.run(opening)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await clock.run(reader.open(NEVER, 10_000))).toMatchObject({ kind: 'opened' });
    await expect(reader.open(NEVER, 10_000)).rejects.toMatchObject({ code: 'STATE' });
  });
});

describe('waiting for a card', () => {
  it('sees one that comes, and one that goes', async () => {
    const made = await opened();
    const { clock, simulator, reader } = made;
    clock.after(1500, () => simulator.insert(card(T0_ATR)));
    const presentation = await present(made);
    expect(presentation.kind === 'card' && toHex(presentation.channel.answerToReset)).toBe(T0_ATR);
    clock.after(1500, () => simulator.remove());
    expect(await clock.run(reader.awaitRemoval(NEVER, clock.now() + 10_000))).toBe(true);
  });

  it('ends at its deadline, and when it is cancelled', async () => {
    const made = await opened();
    const start = made.clock.now();
    expect(await present(made, 2000)).toEqual({ kind: 'timeout' });
    expect(made.clock.now() - start).toBeLessThan(2100);
    const controller = new AbortController();
    made.clock.after(300, () => controller.abort());
    const waiting = made.reader.awaitPresentation(['contact'], controller.signal, made.clock.now() + 9000);
    await expect(made.clock.run(waiting)).rejects.toMatchObject({ code: 'CANCELLED' });
    made.simulator.insert(card(T0_ATR));
    const removal = made.reader.awaitRemoval(NEVER, made.clock.now() + 1000);
    expect(await made.clock.run(removal)).toBe(false);
  });

  it.each([
    ['says nothing', undefined],
    ['has a wrong check character', '3BF81300008131FE454A434F5076323431B6'],
    ['has an answer of 34 bytes', '3B'.repeat(34)],
    ['speaks another protocol', '3B80820E8C'],
  ])('finds a card mute that %s', async (_what, atr) => {
    const made = await opened();
    made.simulator.insert(card(atr ?? T0_ATR), { mute: atr === undefined });
    expect(await present(made)).toEqual({ kind: 'mute', interface: 'contact' });
    made.simulator.insert(card(T0_ATR));
    expect(await present(made)).toMatchObject({ kind: 'card' });
  });
});

describe.each([
  ['T=0', T0_ATR],
  ['T=1', T1_ATR],
])('a card of %s', (name, atr) => {
  it('answers as it does to APDUs', async () => {
    const plain = new Hand('visa-credit', 'contact');
    const wired = new Hand('visa-credit', 'contact');
    const made = await opened();
    const channel = await inserted(
      made,
      card(atr, (command) => wired.face.respond(command)),
    );
    for (const command of [toHex(SELECT), '00A4040007A000000003101000', '80A8000002830000', '80CA9F1700']) {
      let answer = await send(made, channel, fromHex(command));
      if (answer.startsWith('61')) answer = await send(made, channel, fromHex(`00C00000${answer.slice(2)}`));
      if (answer.startsWith('6C'))
        answer = await send(made, channel, fromHex(command.slice(0, -2) + answer.slice(2)));
      expect(answer).toBe(toHex(plain.face.respond(fromHex(command))));
    }
  });

  it('may be asked for a higher speed where the settings allow it', async () => {
    const made = await opened({ settings: { speeds: [0x13] } });
    const channel = await inserted(made, card(atr));
    expect(made.written.some((hex) => hex.includes('FF1113FD'))).toBe(name === 'T=1');
    expect(await send(made, channel)).toBe('9000');
  });

  it('is gone for good when it is pulled out', async () => {
    const made = await opened();
    const channel = await inserted(made, card(atr));
    made.simulator.remove();
    expect(await send(made, channel)).toBe('removed');
    made.simulator.insert(card(atr));
    expect(await send(made, channel)).toBe('removed');
    const again = await present(made);
    expect(again.kind).toBe('card');
  });

  it('is powered off when it is released', async () => {
    const made = await opened();
    const channel = await inserted(made, card(atr));
    await made.clock.run(channel.release());
    expect(made.written.at(-1)?.slice(4, 6)).toBe('63');
    expect(await send(made, channel)).toBe('removed');
  });

  it.each([
    ['nak', '9000', 1],
    ['no-echo', '9000', 1],
    ['time-requests', '9000', 1],
    ['bad-check', 'lost', 1],
    ['no-answer', 'lost', 1],
    ['other-answer', 'lost', 1],
    ['ignore', 'lost', 0],
  ] as const)('executes a command once at most: %s', async (fault, outcome, executed) => {
    const made = await opened();
    const channel = await inserted(made, card(atr));
    made.simulator.fault(fault);
    expect(await send(made, channel, fromHex('0020008008241234FFFFFFFFFF'))).toBe(outcome);
    expect(made.simulator.state().executed).toBe(executed);
    if (outcome === 'lost') expect(await send(made, channel)).toBe('removed');
    expect((await present(made)).kind).toBe('card');
  });

  it('is given up when the caller cancels', async () => {
    const made = await opened();
    const channel = await inserted(made, card(atr));
    made.simulator.fault('no-answer');
    const controller = new AbortController();
    made.clock.after(50, () => controller.abort());
    expect(text(await made.clock.run(channel.transmit(SELECT, controller.signal)))).toBe('lost');
    expect((await present(made)).kind).toBe('card');
  });
});

it('tells what EMV has against an answer to reset, and refuses the card where that is wanted', async () => {
  const told: string[] = [];
  const trace: Trace = {
    wants: (kind) => kind === 'state',
    subscribe: () => () => {},
    emit: (event) => {
      if (event.kind === 'state' && event.to === 'card') told.push(event.detail ?? '');
    },
  };
  const made = await opened({ trace });
  expect(await send(made, await inserted(made, card('3B00')))).toBe('9000');
  expect(told).toEqual(['EMV Level 1: TB1 is missing after a cold reset']);
  const strict = await opened({ settings: { emvAtr: true } });
  // A warm reset forgives TB1, and nothing else: TC2 is 0B here.
  expect(await send(strict, await inserted(strict, card('3B00')))).toBe('9000');
  expect(strict.written.filter((hex) => hex.slice(4, 6) === '62')).toHaveLength(2);
  strict.simulator.insert(card('3BA000400B'));
  expect((await present(strict)).kind).toBe('mute');
});

it('takes a card that does not answer a selection at its default speed', async () => {
  const alter = (stream: ByteStream): ByteStream => ({
    read: (signal) => stream.read(signal),
    close: () => stream.close(),
    write: async (bytes) => {
      if (!toHex(bytes).includes('FF1113FD')) await stream.write(bytes);
    },
  });
  const made = await opened({ settings: { speeds: [0x13] }, alter });
  const channel = await inserted(made, card(T1_ATR));
  expect(made.written.filter((hex) => hex.includes('FF1113FD'))).toHaveLength(1);
  expect(await send(made, channel)).toBe('9000');
});

describe('a line that breaks', () => {
  it('is told, and opened again', async () => {
    const made = await opened();
    const { clock, simulator, reader } = made;
    const channel = await inserted(made, card(T0_ATR));
    await simulator.unplug();
    expect(await send(made, channel)).toBe('lost');
    expect(await send(made, channel)).toBe('removed');
    expect(await present(made)).toMatchObject({ kind: 'offline', reason: 'the line is gone (sim)' });
    simulator.replug();
    await clock.advance(3000);
    expect(reader.isOnline).toBe(true);
    expect((await present(made)).kind).toBe('card');
  });

  it('is noticed by an idle driver within three seconds', async () => {
    const { clock, simulator, reader } = await opened();
    await simulator.unplug();
    await clock.advance(3000);
    expect(reader.isOnline).toBe(false);
    await clock.run(reader.close());
  });

  it('stays offline when another reader answers behind the same name', async () => {
    const clock = new VirtualClock(0);
    const simulators = ['GemTwRC2-V2.10-GL04', 'Another reader'].map((firmware) =>
      createCcidSimulator({ clock, firmware }),
    ) as [CcidSimulator, CcidSimulator];
    let current = simulatorDialler(simulators[0], clock);
    const dialler = { address: 'sim', dial: (s: AbortSignal, d: number) => current.dial(s, d) };
    const reader = createCcidReader({ dialler, clock });
    await clock.run(reader.open(NEVER, 5000));
    current = simulatorDialler(simulators[1], clock);
    await simulators[0].unplug();
    await clock.advance(10_000);
    expect(reader.isOnline).toBe(false);
    const wait = reader.awaitPresentation(['contact'], NEVER, clock.now() + 100);
    expect(await clock.run(wait)).toMatchObject({ kind: 'offline', reason: 'another device answers (sim)' });
    await clock.run(reader.close());
  });
});

describe.each([
  ['T=0', T0_ATR],
  ['T=1', T1_ATR],
])('a transaction on a bad line with a card of %s', (_name, atr) => {
  type Damage = (bytes: Uint8Array, from: 'host' | 'device', at: number) => readonly Uint8Array[];

  /** Damages what passes after `arm` was called. */
  function damaged(damage: Damage, cutAt?: { side: 'host' | 'device'; at: number }) {
    let armed = false;
    const passed = { host: 0, device: 0 };
    const alter = (stream: ByteStream): ByteStream => {
      const pass = (bytes: Uint8Array, from: 'host' | 'device') => {
        if (!armed) return { pieces: [bytes], cut: false };
        const at = passed[from];
        passed[from] += bytes.length;
        if (cutAt?.side === from && cutAt.at >= at && cutAt.at < at + bytes.length)
          return { pieces: [bytes.subarray(0, cutAt.at - at)], cut: true };
        return { pieces: damage(bytes, from, at), cut: false };
      };
      const waiting: Uint8Array[] = [];
      return {
        async write(bytes) {
          const { pieces, cut } = pass(bytes, 'host');
          for (const piece of pieces) if (piece.length > 0) await stream.write(piece);
          if (cut) await stream.close();
        },
        async read(signal) {
          for (;;) {
            const ready = waiting.shift();
            if (ready !== undefined) return ready;
            const bytes = await stream.read(signal);
            if (bytes === undefined) return undefined;
            const { pieces, cut } = pass(bytes, 'device');
            if (cut) await stream.close();
            waiting.push(...pieces.filter((piece) => piece.length > 0));
          }
        },
        close: () => stream.close(),
      };
    };
    return {
      alter,
      arm: () => {
        armed = true;
      },
      disarm: () => {
        armed = false;
      },
    };
  }

  const ANSWER = toHex(seededRandom('answer').bytes(40));
  const COMMANDS = ['00B2010C28', '00B2020C28', '00B2030C28'];

  /** Three commands, then a card that is presented anew on a healed line. */
  async function transact(line: ReturnType<typeof damaged>): Promise<void> {
    const executed: string[] = [];
    const made = await opened({ alter: line.alter });
    const which = card(atr, (command) => {
      executed.push(toHex(command));
      return fromHex(`${ANSWER}9000`);
    });
    const channel = await inserted(made, which);
    line.arm();
    for (const command of COMMANDS) {
      const answer = await send(made, channel, fromHex(command));
      if (answer.length > 8) expect(answer).toBe(`${ANSWER}9000`);
      else expect(['lost', 'removed', 'protocol', 'timeout']).toContain(answer);
    }
    expect(new Set(executed).size).toBe(executed.length);
    line.disarm();
    await made.clock.advance(5000);
    let last = await present(made);
    // A line that was still noisy at the first look is opened again.
    if (last.kind === 'offline') {
      await made.clock.advance(5000);
      last = await present(made);
    }
    expect(last.kind).toBe('card');
    await made.clock.run(made.reader.close());
  }

  it('is the same in pieces of one byte', async () => {
    await transact(damaged((bytes) => [...bytes].map((byte) => Uint8Array.of(byte))));
  });

  it.each(['host', 'device'] as const)(
    'ends defined when the line is cut at any byte of the %s',
    async (side) => {
      for (let at = 0; at < 150; at++) await transact(damaged((bytes) => [bytes], { side, at }));
    },
  );

  it.each([1e-3, 1e-2])('ends defined at a bit error rate of %f', async (rate) => {
    for (let seed = 0; seed < 15; seed++) {
      const random = seededRandom(`${rate}/${seed}`);
      const flip = (byte: number) =>
        [0, 1, 2, 3, 4, 5, 6, 7].reduce(
          (b, bit) => (random.below(10_000) < rate * 10_000 ? b ^ (1 << bit) : b),
          byte,
        );
      await transact(damaged((bytes) => [bytes.map(flip)]));
    }
  });

  it('ends defined when bytes get lost, or doubled', async () => {
    for (let seed = 0; seed < 15; seed++) {
      const random = seededRandom(`loss/${seed}`);
      const lossy = (bytes: Uint8Array) => {
        const kept = [...bytes].flatMap((byte) =>
          random.below(100) === 0 ? [] : random.below(100) === 0 ? [byte, byte] : [byte],
        );
        return [Uint8Array.from(kept)];
      };
      await transact(damaged(lossy));
    }
  });
});
