import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { luhnValid, maskPan, Pan, Secret } from '../../src/platform/secret.ts';

const everyFace = (value: unknown) =>
  [
    String(value),
    `${value as string}`,
    JSON.stringify({ value }),
    inspect(value),
    inspect({ deep: [value] }, { showHidden: true }),
  ].join('\n');

describe('a secret', () => {
  it('prints a mask wherever it ends up', () => {
    const text = everyFace(new Secret(Uint8Array.of(0xde, 0xad, 0xbe, 0xef), 'PIK'));
    expect(text).toContain('[PIK ••••]');
    expect(text).not.toMatch(/222|173|190|239|dead|beef/i);
  });

  it('is zeros for every holder after wiping', () => {
    const secret = new Secret(Uint8Array.of(1, 2, 3));
    const held = secret.reveal();
    secret.wipe();
    expect([...held]).toEqual([0, 0, 0]);
  });
});

describe('a PAN', () => {
  it('prints as its first six and last four digits', () => {
    expect(everyFace(new Pan('4761739001010010'))).not.toContain('4761739001010010');
    expect(String(new Pan('4761739001010010'))).toBe('476173******0010');
  });

  it.each([
    ['6222021234567890128', '622202*********0128'],
    ['12345678', '12****78'],
  ])('%s is masked as %s', (digits, masked) => expect(maskPan(digits)).toBe(masked));

  it.each(['1234567', '12345678901234567890', '47617390010100A0', ''])(
    'refuses %j without repeating it',
    (digits) => {
      expect(() => new Pan(digits)).toThrow(/^a PAN has 8 to 19 digits$/);
    },
  );

  it.each([
    ['4761739001010010', true],
    ['4761739001010011', false],
    ['', false],
    ['476173900101001x', false],
  ])('%s has a good check digit: %s', (digits, valid) => expect(luhnValid(digits)).toBe(valid));
});
