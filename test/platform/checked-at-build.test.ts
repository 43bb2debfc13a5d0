import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkedFixtures } from '../../scripts/checked-fixtures.ts';
import { checkedAtBuild } from '../../src/platform/checked-at-build.ts';

const FIXTURES = 'emv-fixtures';

describe('what the build keeps of the shipped files', () => {
  it.each(checkedFixtures(FIXTURES))('$file is what the parser and the schema make of it', (fixture) => {
    const { file, kind, value } = fixture;
    expect(checkedAtBuild(readFileSync(file, 'utf8'), kind)).toEqual(value);
  });

  it('does not hold a text that was changed, or another kind of file', () => {
    const text = readFileSync(join(FIXTURES, 'hosts', 'nac.yaml'), 'utf8');
    expect([checkedAtBuild(`${text}#`, 'profile'), checkedAtBuild(text, 'host')]).toEqual([
      undefined,
      undefined,
    ]);
  });
});
