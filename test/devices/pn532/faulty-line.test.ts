import { describe, expect, it } from 'vitest';
import type { CardFace, EmulatedCard } from '../../../devices/cards/card.ts';
import { createPn532Reader } from '../../../devices/pn532/driver.ts';
import { createPn532Simulator } from '../../../devices/pn532/simulator.ts';
import { type Faults, withFaults } from '../../../devices/transport/faults.ts';
import { simulatorDialler } from '../../../devices/transport/simulator-dialler.ts';
import { fromHex, toHex, uintToBytes } from '../../../src/platform/bytes.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import type { ByteStream } from '../../../src/ports/index.ts';
import { told } from './bench.ts';

/** Each with its number, one long enough to go in several frames. */
const COMMANDS = Array.from(
  { length: 6 },
  (_, n) => `00B0${toHex(uintToBytes(n, 2))}${'11'.repeat(n === 3 ? 300 : 20)}`,
);
const answerOf = (n: number) => `${toHex(uintToBytes(n, 2))}${'22'.repeat(n === 4 ? 600 : 30)}9000`;

interface Executed {
  readonly command: string;
  readonly response: string;
}

/** A card that remembers what it executed. */
function rememberingCard(): { card: EmulatedCard; executed: Executed[] } {
  const executed: Executed[] = [];
  const face: CardFace = {
    interface: 'contactless',
    answerToReset: fromHex('0A78808102454D554C41'),
    reset: () => {},
    respond(command) {
      const n = COMMANDS.indexOf(toHex(command));
      const response = n < 0 ? '6D00' : answerOf(n);
      executed.push({ command: toHex(command), response });
      return fromHex(response);
    },
  };
  const card: EmulatedCard = {
    kind: 'replay',
    contactless: face,
    state: () => ({ cardBlocked: false, applications: {} }),
    restore() {},
  };
  return { card, executed };
}

interface Trial {
  /** Answers and the fault that ended them. */
  readonly outcomes: readonly string[];
  readonly executed: readonly Executed[];
  readonly readyAgain: boolean;
  readonly tookMs: number;
}

/** A presentation and some commands over a line with faults, which end with them. */
async function trial(seed: string, faults: Faults): Promise<Trial> {
  const clock = new VirtualClock(0);
  const simulator = createPn532Simulator({ clock });
  const random = seededRandom(seed);
  let isFaulty = true;
  const alter = (stream: ByteStream) => (isFaulty ? withFaults(stream, faults, clock, random) : stream);
  const reader = createPn532Reader({ clock, dialler: simulatorDialler(simulator, clock, alter) });
  const { card, executed } = rememberingCard();
  simulator.tap(card);
  const outcomes: string[] = [];
  const session = async () => {
    const opened = await reader.open(NEVER, clock.now() + 5000);
    if (opened.kind === 'failed') return;
    const presentation = await reader.awaitPresentation(['contactless'], NEVER, clock.now() + 5000);
    if (presentation.kind !== 'card') return;
    for (const command of COMMANDS) {
      const exchange = await presentation.channel.transmit(fromHex(command), NEVER);
      outcomes.push(told(exchange));
      if (exchange.kind === 'fault') return;
    }
    await presentation.channel.release();
  };
  await clock.run(session());
  const tookMs = clock.now();
  isFaulty = false;
  const readyAgain = await clock.run(
    (async () => {
      await reader.close();
      const next = createPn532Reader({ clock, dialler: simulatorDialler(simulator, clock) });
      const again = await next.open(NEVER, clock.now() + 5000);
      if (again.kind === 'failed') return false;
      return (await next.awaitPresentation(['contactless'], NEVER, clock.now() + 2000)).kind === 'card';
    })(),
  );
  return { outcomes, executed, readyAgain, tookMs };
}

/**
 * No command twice, no answer that the card did not give to it, nothing hangs, and the device is well afterwards.
 * @returns commands that arrived otherwise than they were sent, with sums that fit: no receiver can tell
 */
function judge(label: string, { outcomes, executed, readyAgain, tookMs }: Trial): number {
  expect([label, executed.length]).toEqual([label, expect.toSatisfy((n: number) => n <= outcomes.length)]);
  for (const [n, outcome] of outcomes.entries()) {
    if (/^[0-9A-F]+$/.test(outcome)) expect([label, n, outcome]).toEqual([label, n, executed[n]?.response]);
    else expect([label, outcome]).toEqual([label, expect.stringMatching(/^(lost|removed|protocol)$/)]);
  }
  expect([label, readyAgain]).toEqual([label, true]);
  expect(tookMs).toBeLessThan(60_000);
  return executed.filter(({ command }, n) => command !== COMMANDS[n]).length;
}

/** Bytes of a clean session, by direction. */
async function lengths(): Promise<{ outgoing: number; incoming: number }> {
  const clock = new VirtualClock(0);
  const simulator = createPn532Simulator({ clock });
  let [outgoing, incoming] = [0, 0];
  const counting = (stream: ByteStream): ByteStream => ({
    ...stream,
    write(bytes) {
      outgoing += bytes.length;
      return stream.write(bytes);
    },
    async read(signal) {
      const chunk = await stream.read(signal);
      incoming += chunk?.length ?? 0;
      return chunk;
    },
  });
  const reader = createPn532Reader({ clock, dialler: simulatorDialler(simulator, clock, counting) });
  simulator.tap(rememberingCard().card);
  await clock.run(
    (async () => {
      await reader.open(NEVER, 5000);
      const presentation = await reader.awaitPresentation(['contactless'], NEVER, 5000);
      if (presentation.kind !== 'card') return;
      for (const command of COMMANDS) await presentation.channel.transmit(fromHex(command), NEVER);
      await presentation.channel.release();
    })(),
  );
  return { outgoing, incoming };
}

const ALL_ANSWERED = COMMANDS.map((_, n) => answerOf(n));

describe('a line that loses nothing', () => {
  it.each<[string, Faults]>([
    ['as it is', {}],
    ['byte by byte', { incoming: { split: 'bytes' }, outgoing: { split: 'bytes' } }],
    ['split at random', { incoming: { split: 'random' }, outgoing: { split: 'random' } }],
    ['merged', { incoming: { mergeMs: 20 }, outgoing: { mergeMs: 20 } }],
    ['late', { incoming: { delayMs: [0, 30] }, outgoing: { delayMs: [0, 30] } }],
  ])('%s: all is answered', async (label, faults) => {
    for (let seed = 0; seed < 5; seed++) {
      const done = await trial(`${label}/${seed}`, faults);
      expect(judge(label, done)).toBe(0);
      expect(done.outcomes).toEqual(ALL_ANSWERED);
    }
  });
});

describe('a line that errs', () => {
  it.each<[string, Faults]>([
    ['bits turned over, 1 in 1,000', { incoming: { flip: 1e-3 }, outgoing: { flip: 1e-3 } }],
    ['bytes lost, 1 in 100', { incoming: { drop: 0.01 }, outgoing: { drop: 0.01 } }],
    ['bytes doubled, 1 in 100', { incoming: { duplicate: 0.01 }, outgoing: { duplicate: 0.01 } }],
    [
      'all of it, in pieces',
      {
        incoming: { flip: 2e-4, drop: 0.002, duplicate: 0.002, split: 'random', delayMs: [0, 5] },
        outgoing: { flip: 2e-4, drop: 0.002, duplicate: 0.002, split: 'random', delayMs: [0, 5] },
      },
    ],
  ])('%s', async (label, faults) => {
    let [answered, unseen] = [0, 0];
    for (let seed = 0; seed < 60; seed++) {
      const done = await trial(`${label}/${seed}`, faults);
      unseen += judge(`${label}/${seed}`, done);
      answered += done.outcomes.filter((outcome) => outcome.endsWith('9000')).length;
    }
    expect(answered).toBeGreaterThan(10);
    expect(unseen).toBeLessThan(answered / 10);
  });
});

describe('a cable that breaks', () => {
  it.each(['unplug', 'silence'] as const)('after each byte, by %s', async (cut) => {
    const whole = await lengths();
    for (const direction of ['outgoing', 'incoming'] as const) {
      for (let cutAfter = 0; cutAfter < whole[direction]; cutAfter += cut === 'unplug' ? 1 : 5) {
        const label = `${cut} ${direction} ${cutAfter}`;
        judge(label, await trial(label, { cut, [direction]: { cutAfter } }));
      }
    }
  });
});
