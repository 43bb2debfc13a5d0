import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readYaml } from '../../src/platform/config.ts';
import { parsedAtBuild } from '../../src/platform/parsed-at-build.ts';

const FIXTURES = 'emv-fixtures';
const names = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.yaml'),
);

describe('values that the build keeps', () => {
  it.each(names)('%s is what the parser reads, or is not kept', (name) => {
    const text = readFileSync(join(FIXTURES, name), 'utf8');
    const { value } = readYaml(text, name);
    expect(parsedAtBuild(text) ?? value).toEqual(value);
  });

  it('does not know a text that was changed', () => {
    const text = readFileSync(join(FIXTURES, 'hosts', 'nac.yaml'), 'utf8');
    expect(parsedAtBuild(`${text}#`)).toBeUndefined();
  });
});
