import { describe, expect, it } from 'vitest';
import { type Random, seededRandom, systemRandom, uniformBelow } from '../../src/platform/random.ts';
import { watchRandom } from '../../src/secure/health-random.ts';

function source(next: (index: number) => number): Random {
  let index = 0;
  const bytes = (length: number) => Uint8Array.from({ length }, () => next(index++));
  return { bytes, below: (bound) => uniformBelow(bytes, bound) };
}

/** A good source that goes bad once `isBad` is set. */
function failing(bad: (index: number) => number) {
  const good = seededRandom('good');
  const state = { isBad: false };
  const random = source((index) => (state.isBad ? bad(index) : (good.bytes(1)[0] as number)));
  return { state, random };
}

const pattern = seededRandom('pattern').bytes(200);
const biased = seededRandom('biased');
const BAD: readonly (readonly [what: string, next: (index: number) => number])[] = [
  ['zeros', () => 0],
  ['ones', () => 0xff],
  ['two bytes in turn', (index) => index & 1],
  ['the same 8 bytes', (index) => pattern[index % 8] as number],
  ['the same 13 bytes', (index) => pattern[index % 13] as number],
  ['the same 32 bytes', (index) => pattern[index % 32] as number],
  ['the same 200 bytes', (index) => pattern[index % 200] as number],
];

describe('the health test of the random source', () => {
  it.each(BAD)('finds %s at the start', (_, next) => {
    expect(watchRandom(source(next)).fault()).toMatch(/^the random source /);
  });

  it.each([
    ...BAD.slice(0, 5),
    [
      'one byte in eight zero',
      () => {
        const [byte = 0] = biased.bytes(1);
        return byte < 32 ? 0 : byte;
      },
    ] as const,
  ])('finds %s later, while bytes are drawn', (_, next) => {
    const { state, random } = failing(next);
    const watched = watchRandom(random);
    watched.bytes(10_000);
    expect(watched.fault()).toBeUndefined();
    state.isBad = true;
    for (let i = 0; i < 5000; i++) watched.bytes(4);
    expect(watched.fault()).toMatch(/^the random source /);
  });

  it('finds a source that goes bad while numbers are drawn', () => {
    const { state, random } = failing(() => 7);
    const watched = watchRandom(random);
    state.isBad = true;
    for (let i = 0; i < 3; i++) watched.below(10);
    expect(watched.fault()).toBe('the random source repeats one byte');
  });

  it('stays wrong', () => {
    const { state, random } = failing(() => 7);
    const watched = watchRandom(random);
    state.isBad = true;
    watched.bytes(8);
    state.isBad = false;
    watched.bytes(1000);
    expect(watched.fault()).toBe('the random source repeats one byte');
  });

  it('passes good sources over a million bytes', () => {
    for (const good of [systemRandom(), ...Array.from({ length: 20 }, (_, seed) => seededRandom(seed))]) {
      const watched = watchRandom(good);
      for (let i = 0; i < 50; i++) watched.bytes(1000);
      expect(watched.fault()).toBeUndefined();
    }
  });

  it('gives the bytes of the source', () => {
    const watched = watchRandom(seededRandom(5));
    const own = seededRandom(5);
    own.bytes(256);
    expect(watched.bytes(40)).toEqual(own.bytes(40));
    expect(watched.below(1000)).toBe(own.below(1000));
  });
});
