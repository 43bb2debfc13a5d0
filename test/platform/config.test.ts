import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { parseConfig } from '../../src/platform/config.ts';
import { isPossumError } from '../../src/platform/errors.ts';

const schema = z.strictObject({
  name: z.string(),
  amount: z.union([z.string(), z.number()]).optional(),
  steps: z
    .array(
      z.strictObject({
        sale: z.strictObject({ amount: z.string() }).optional(),
        settle: z.literal(true).optional(),
      }),
    )
    .optional(),
});

function problem(text: string): string {
  try {
    parseConfig(text, 'day.yaml', () => schema as z.ZodType<unknown>);
    return 'accepted';
  } catch (cause) {
    return isPossumError(cause, 'CONFIG') ? cause.describe() : String(cause);
  }
}

describe('a configuration file', () => {
  it.each([
    [
      'a misspelt key',
      'name: x\nstpes: []\n',
      'day.yaml:2:1: stpes: unknown key "stpes". Did you mean "steps"?',
    ],
    [
      'a misspelt key inside a list',
      'name: x\nsteps:\n  - settle: true\n  - sael: {}\n',
      'day.yaml:4:5: steps.1.sael: unknown key "sael". Did you mean "sale"?',
    ],
    [
      'a key that is like no other',
      'name: x\nsteps:\n  - colour: red\n',
      'day.yaml:3:5: steps.0.colour: unknown key "colour". Known keys are sale, settle.',
    ],
    [
      'a wrong type',
      'name: 1\n',
      'day.yaml:1:7: name: Invalid input: expected string, received number. Correct the value.',
    ],
    ['broken YAML', 'name: [\n', 'day.yaml:2:1: not valid YAML'],
    ['a missing key', 'steps: []\n', 'day.yaml:1:1: name: is missing. Add it.'],
    [
      'a missing key inside a list',
      'name: x\nsteps:\n  - sale: {}\n',
      'day.yaml:3:11: steps.0.sale.amount: is missing. Add it.',
    ],
    [
      'a misspelt key that is needed',
      'name: x\nsteps:\n  - sale: { amout: 1.00 }\n',
      'day.yaml:3:13: steps.0.sale.amout: unknown key "amout". Did you mean "amount"?',
    ],
    [
      'none of several types',
      'name: x\namount: [1]\n',
      'day.yaml:2:9: amount: Invalid input: expected string or number. Correct the value.',
    ],
    ['nothing in it', '', 'day.yaml:1:1: the file is empty. The files in emv-fixtures are examples.'],
    ['a comment only', '# later\n', 'the file is empty'],
  ])('with %s says where and what to do', (_, text, message) => {
    expect(problem(text)).toContain(message);
  });

  it.each([
    ['0826', '0826'],
    ['10.00', '10.00'],
    ['1E10', '1E10'],
    ['12345678901234567890', '12345678901234567890'],
    ['12', 12],
    ["'12'", '12'],
  ])('keeps %s as it is written', (written, read) => {
    expect(parseConfig(`name: x\namount: ${written}\n`, 'x', () => schema)).toMatchObject({ amount: read });
  });

  it('does not follow aliases', () => {
    expect(problem('name: &a x\namount: *a\n')).toContain('aliases are not supported');
  });
});
