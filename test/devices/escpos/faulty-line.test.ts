import { describe, expect, it } from 'vitest';
import { type Faults, withFaults } from '../../../devices/transport/faults.ts';
import { through } from '../../../devices/transport/line.ts';
import { NEVER } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import { type Bench, bench, print } from './bench.ts';

const SLIP = ['TOTAL', '消费 12.34'];

/** A printer whose first connection has the faults, and whose later ones are sound. */
async function faulty(faults: Faults, seed = 'faults'): Promise<Bench> {
  let isFirst = true;
  const made: Bench = bench({
    alter: (line) => {
      const current = isFirst ? faults : {};
      isFirst = false;
      return through(line, withFaults(line, current, made.clock, seededRandom(seed)));
    },
  });
  const opened = await made.clock.run(made.printer.open(NEVER, 20_000));
  if (opened.kind === 'failed') {
    // A person tries again.
    await made.clock.run(made.printer.open(NEVER, made.clock.now() + 20_000));
  }
  return made;
}

/** Whatever happened, the printer is soon ready, and the next slip comes out once. */
async function expectReadyAgain(made: Bench): Promise<void> {
  await made.clock.advance(30_000);
  expect(made.printer.isOnline).toBe(true);
  expect(await print(made, 'NEXT')).toEqual({ kind: 'printed' });
  const all = made.simulator.slips.flat();
  expect(all.at(-1)).toMatch(/NEXT$/);
  expect(all.filter((line) => line.includes('NEXT'))).toHaveLength(1);
  expect(all.filter((line) => line.includes('TOTAL')).length).toBeLessThanOrEqual(1);
}

describe('a line that breaks', () => {
  const cuts = (['unplug', 'silence'] as const).flatMap((cut) =>
    (['outgoing', 'incoming'] as const).map((direction) => ({ cut, direction })),
  );

  it.each(cuts)('at any byte ($cut, $direction) leaves a printer that is found again', async (at) => {
    const bytes = at.direction === 'outgoing' ? 90 : 20;
    for (let cutAfter = 0; cutAfter <= bytes; cutAfter++) {
      const made = await faulty({ cut: at.cut, [at.direction]: { cutAfter } });
      const outcome = await print(made, ...SLIP);
      if (outcome.kind === 'printed') expect(made.simulator.slips).toEqual([SLIP]);
      else if (made.printer.lastSlip === 'not printed') expect(made.simulator.slips).toEqual([]);
      await expectReadyAgain(made);
    }
  });
});

describe('a line that cuts up or joins what it carries', () => {
  it.each([
    { outgoing: { split: 'bytes' }, incoming: { split: 'bytes' } },
    { outgoing: { split: 'random' }, incoming: { split: 'random' } },
    { outgoing: { mergeMs: 20 }, incoming: { mergeMs: 20 } },
    { outgoing: { delayMs: [0, 30] }, incoming: { delayMs: [0, 30] } },
  ] as Faults[])('changes nothing: %o', async (faults) => {
    const made = await faulty(faults);
    expect(await print(made, ...SLIP)).toEqual({ kind: 'printed' });
    expect(made.simulator.slips).toEqual([SLIP]);
  });
});

describe('a line that loses and changes bytes', () => {
  it.each([
    ['drop', 0.05],
    ['flip', 0.01],
    ['duplicate', 0.05],
  ])('on the way back (%s) prints a slip once at most', async (kind, rate) => {
    for (let seed = 0; seed < 40; seed++) {
      const made = await faulty({ incoming: { [kind]: rate } }, `${kind} ${seed}`);
      const outcome = await print(made, ...SLIP);
      if (outcome.kind === 'printed') expect(made.simulator.slips).toEqual([SLIP]);
      expect(made.simulator.slips.length).toBeLessThanOrEqual(1);
    }
  });

  it.each([
    ['drop', 0.02],
    ['flip', 0.005],
    ['duplicate', 0.02],
  ])('on the way out (%s) leaves a printer that prints the next slip', async (kind, rate) => {
    for (let seed = 0; seed < 40; seed++) {
      let isFaulty = true;
      const made: Bench = bench({
        alter: (line) => {
          const faulty = withFaults(
            line,
            { outgoing: { [kind]: rate } },
            made.clock,
            seededRandom(`${seed}`),
          );
          return through(line, {
            ...faulty,
            write: (bytes) => (isFaulty ? faulty : line).write(bytes),
          });
        },
      });
      isFaulty = false;
      await made.clock.run(made.printer.open(NEVER, 20_000));
      isFaulty = true;
      await print(made, ...SLIP);
      isFaulty = false;
      await made.clock.advance(30_000);
      expect(made.printer.isOnline).toBe(true);
      expect(await print(made, 'NEXT')).toEqual({ kind: 'printed' });
      expect(made.simulator.slips.flat().at(-1)).toMatch(/NEXT$/);
    }
  });

  it('full of noise is given up, or used, and never waited for without end', async () => {
    for (let seed = 0; seed < 5; seed++) {
      const made = await faulty({});
      const noise = seededRandom(`noise ${seed}`).bytes(65_536);
      const before = made.clock.now();
      const printing = made.printer.print([{ text: 'TOTAL' }], NEVER, before + 20_000);
      made.simulator.say(noise);
      await made.clock.run(printing);
      expect(made.clock.now() - before).toBeLessThan(21_000);
      await expectReadyAgain(made);
    }
  });
});
