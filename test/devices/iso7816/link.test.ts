import { describe, expect, it } from 'vitest';
import { type Activation, openContactLink } from '../../../devices/iso7816/activation.ts';
import { receiveAtr } from '../../../devices/iso7816/atr-characters.ts';
import { playCard } from '../../../devices/iso7816/card-side.ts';
import { CharacterLine } from '../../../devices/iso7816/character-line.ts';
import { characterReader } from '../../../devices/iso7816/character-reader.ts';
import { ContactCard, type ContactCardSettings } from '../../../devices/iso7816/contact-card.ts';
import { memoryPair } from '../../../devices/transport/memory.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { NEVER as never, VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import type { ByteStream, Exchange } from '../../../src/ports/index.ts';
import { Hand } from '../cards/hand.ts';

const T0_ATR = '3B6800000073C84012009000';
const T1_ATR = '3BF81300008131FE454A434F5076323431B7';
const BOTH_ATR = '3BE000008031204534';
const ETU_MS = 1000 / 9600;

/** What the wire does to a piece: what goes on instead, or after how many of its bytes the line breaks. */
type Fault = (bytes: Uint8Array, from: 'terminal' | 'card', at: number) => readonly Uint8Array[] | number;

interface Rig {
  readonly clock: VirtualClock;
  readonly executed: string[];
  readonly card: ContactCard;
  open(options?: Partial<Parameters<typeof openContactLink>[2]>): Promise<Activation>;
  run<T>(work: Promise<T>): Promise<T>;
  close(): Promise<void>;
}

function rig(
  atr: string,
  respond: (command: Uint8Array) => Uint8Array,
  options: { readonly card?: ContactCardSettings; readonly fault?: Fault } = {},
): Rig {
  const clock = new VirtualClock(0);
  const [terminalEnd, cardEnd] = memoryPair(clock);
  const fault = options.fault ?? ((bytes) => [bytes]);
  const executed: string[] = [];
  const chip = {
    answerToReset: fromHex(atr),
    reset: () => {},
    respond(command: Uint8Array) {
      executed.push(toHex(command));
      return respond(command);
    },
  };
  const card = new ContactCard(chip, options.card);
  const line = new CharacterLine(faulty(terminalEnd, 'terminal', fault), clock);
  const cardLine = new CharacterLine(faulty(cardEnd, 'card', fault), clock);
  playCard(card, { line: cardLine, characterWaitingMs: 50 }, never).catch(() => {});
  return {
    clock,
    executed,
    card,
    run: (work) => clock.run(work),
    close: () => terminalEnd.close(),
    async open(settings = {}) {
      const received = await clock.run(receiveAtr(line, { etuMs: ETU_MS, now: () => clock.now() }, never));
      if (received.kind !== 'atr') return { kind: 'failed', reason: received.kind };
      const all = { now: () => clock.now(), bears: () => true, ...settings };
      return clock.run(openContactLink(characterReader(line), received.atr, all, never));
    },
  };
}

/** A stream end whose writes suffer `fault`. */
function faulty(stream: ByteStream, from: 'terminal' | 'card', fault: Fault): ByteStream {
  let at = 0;
  return {
    ...stream,
    read: (signal) => stream.read(signal),
    close: () => stream.close(),
    async write(bytes) {
      const pieces = fault(bytes, from, at);
      at += bytes.length;
      const whole = typeof pieces === 'number' ? [bytes.subarray(0, pieces)] : pieces;
      for (const piece of whole) if (piece.length > 0) await stream.write(piece);
      if (typeof pieces === 'number') await stream.close();
    },
  };
}

async function opened(world: Rig, options?: Partial<Parameters<typeof openContactLink>[2]>) {
  const activation = await world.open(options);
  if (activation.kind !== 'open') throw new Error(activation.reason);
  return activation;
}

function text(exchange: Exchange): string {
  return exchange.kind === 'response' ? toHex(exchange.response) : exchange.fault;
}

const READ = fromHex('00B2010C00');
const answerOf = (n: number) => () => Uint8Array.from([...seededRandom(n).bytes(n), 0x90, 0x00]);

describe('a card on a line of characters', () => {
  it('is taken from its answer to reset to APDUs over T=0', async () => {
    const world = rig(T0_ATR, () => fromHex('6A82'));
    const { link, agreement } = await opened(world);
    expect(agreement).toMatchObject({ protocol: 0, ta1: 0x11 });
    expect(text(await world.run(link.transmit(fromHex('00A4040002A0A100'), never)))).toBe('6A82');
    expect(world.executed).toEqual(['00A4040002A0A100']);
  });

  it('is taken through protocol selection and the field size over T=1', async () => {
    const speeds: number[] = [];
    const world = rig(T1_ATR, answerOf(200));
    const { link, agreement } = await opened(world, {
      bears: (ta1) => {
        speeds.push(ta1);
        return true;
      },
    });
    expect(speeds).toEqual([0x13]);
    expect(agreement).toMatchObject({ protocol: 1, ta1: 0x13 });
    expect(text(await world.run(link.transmit(READ, never)))).toBe(toHex(answerOf(200)()));
  });

  it('is left at the default speed, as EMV terminals do, unless the reader bears more', async () => {
    const world = rig(T1_ATR, answerOf(2));
    expect((await opened(world, { bears: () => false })).agreement).toMatchObject({ protocol: 1, ta1: 0x11 });
  });

  it('is asked for the protocol that is wanted', async () => {
    expect((await opened(rig(BOTH_ATR, answerOf(2)))).agreement.protocol).toBe(0);
    const world = rig(BOTH_ATR, answerOf(2));
    const { agreement, link } = await opened(world, { protocol: 1 });
    expect(agreement.protocol).toBe(1);
    expect(world.card.protocol).toBe(1);
    expect(text(await world.run(link.transmit(READ, never)))).toBe(toHex(answerOf(2)()));
  });

  it.each([
    ['3B', 'bad'],
    ['', 'mute'],
    ['3B80', 'bad'],
    [`${'3B1F'}${'00'.repeat(40)}`, 'bad'],
    ['3B800182', 'bad'],
    ['3BFFFFFFFF', 'bad'],
  ])('is refused for the answer to reset %s', async (atr, reason) => {
    expect(await rig(atr, answerOf(0)).open()).toEqual({ kind: 'failed', reason });
  });

  it('is given up when it never ends asking for time', async () => {
    const t1 = rig(T1_ATR, answerOf(2), { card: { t1: { extensions: () => Array(10_000).fill(200) } } });
    const { link } = await opened(t1, { bears: () => false });
    expect(text(await t1.run(link.transmit(READ, never)))).toBe('timeout');
    expect(link.trouble).toBe('extensions');
    expect(t1.clock.now()).toBeLessThan(61_000);
    const t0 = rig(T0_ATR, answerOf(2), { card: { t0: { nulls: () => 100_000 } } });
    const other = (await opened(t0)).link;
    expect(text(await t0.run(other.transmit(READ, never)))).toBe('timeout');
    expect(text(await t0.run(other.transmit(READ, never)))).toBe('removed');
  });

  it('is abandoned when the caller cancels', async () => {
    const world = rig(T0_ATR, () => new Uint8Array(0));
    const { link } = await opened(world);
    const controller = new AbortController();
    const work = link.transmit(READ, controller.signal);
    world.clock.after(100, () => controller.abort());
    expect(text(await world.run(work))).toBe('lost');
    expect(text(await world.run(link.transmit(READ, never)))).toBe('removed');
  });

  it('ends an answer without a status word as broken', async () => {
    const world = rig(T1_ATR, () => Uint8Array.of(0x90));
    const { link } = await opened(world);
    expect(text(await world.run(link.transmit(READ, never)))).toBe('protocol');
  });

  it('is not sent what T=0 cannot carry', async () => {
    const world = rig(T0_ATR, answerOf(2));
    const { link } = await opened(world);
    expect(text(await world.run(link.transmit(fromHex('00A40400000000'), never)))).toBe('protocol');
    expect(world.executed).toEqual([]);
    expect(text(await world.run(link.transmit(fromHex('00B2010C02'), never)))).toBe(toHex(answerOf(2)()));
  });
});

describe.each([
  ['T=0', T0_ATR],
  ['T=1', T1_ATR],
])('an emulated card over %s', (_name, atr) => {
  it('answers as it does to APDUs', async () => {
    const plain = new Hand('visa-credit', 'contact');
    const wired = new Hand('visa-credit', 'contact');
    const world = rig(atr, (command) => wired.face.respond(command));
    const { link } = await opened(world);
    const send = async (command: string): Promise<string> => {
      let answer = text(await world.run(link.transmit(fromHex(command), never)));
      if (answer.startsWith('6C')) {
        const exact = command.slice(0, -2) + answer.slice(2);
        answer = text(await world.run(link.transmit(fromHex(exact), never)));
      }
      if (/^61..$/.test(answer))
        answer = text(await world.run(link.transmit(fromHex(`00C00000${answer.slice(2)}`), never)));
      return answer;
    };
    for (const command of [
      '00A404000E315041592E5359532E444446303100',
      '00B2010C00',
      '00A4040007A000000003101000',
      '80A8000002830000',
      '00B2010C00',
      '00B2011400',
      '80CA9F1700',
      '80CA9F3600',
      '00B2091400',
      '0084000000',
    ]) {
      expect(`${command} ${await send(command)}`).toBe(
        `${command} ${toHex(plain.face.respond(fromHex(command)))}`,
      );
    }
  });

  it('takes bytes in pieces of any size', async () => {
    const world = rig(atr, answerOf(90), { fault: (bytes) => [...bytes].map((byte) => Uint8Array.of(byte)) });
    const { link } = await opened(world);
    const answer = await world.run(link.transmit(fromHex('00B201005A'), never));
    expect(text(answer)).toBe(toHex(answerOf(90)()));
  });

  it.each(['terminal', 'card'] as const)('survives a cut at every byte of the %s', async (side) => {
    for (let cutAt = 0; cutAt < 60; cutAt++) {
      const fault: Fault = (bytes, from, at) => {
        if (from !== side || cutAt < at || cutAt >= at + bytes.length) return [bytes];
        return cutAt - at;
      };
      const world = rig(atr, answerOf(20), { fault });
      const activation = await world.open();
      if (activation.kind === 'failed') continue;
      const answer = await world.run(activation.link.transmit(fromHex('00B2010014'), never));
      expect([toHex(answerOf(20)()), 'removed']).toContain(text(answer));
      expect(world.executed.length).toBeLessThanOrEqual(1);
    }
  });

  it.each(['dropped', 'flipped', 'doubled'] as const)('survives one byte %s, anywhere', async (how) => {
    for (const side of ['terminal', 'card'] as const) {
      for (let hit = 0; hit < 60; hit++) {
        const fault: Fault = (bytes, from, at) => {
          const i = hit - at;
          if (from !== side || i < 0 || i >= bytes.length) return [bytes];
          const middle =
            how === 'dropped' ? [] : how === 'flipped' ? [(bytes[i] as number) ^ 4] : [bytes[i], bytes[i]];
          return [
            Uint8Array.from([...bytes.subarray(0, i), ...(middle as number[]), ...bytes.subarray(i + 1)]),
          ];
        };
        const world = rig(atr, answerOf(20), { fault });
        const activation = await world.open();
        if (activation.kind === 'failed') continue;
        const answer = await world.run(activation.link.transmit(fromHex('00B2010014'), never));
        expect(world.executed.length).toBeLessThanOrEqual(1);
        // T=0 has no check code above the parity bit: there, only the end is certain.
        if (atr === T1_ATR && answer.kind === 'response') expect(text(answer)).toBe(toHex(answerOf(20)()));
        expect(world.clock.now()).toBeLessThan(60_000);
      }
    }
  });
});
