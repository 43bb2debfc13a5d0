import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { playScenario } from '../../src/scenario/runner.ts';
import { loadScenario } from '../../src/scenario/schema.ts';
import { temporaryFolder } from '../support/folder.ts';

const FOLDER = fixturePath('scenarios');
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));

describe('the shipped scenarios', () => {
  it.each(FILES)('%s comes out as it expects', async (file) => {
    const report = await playScenario(loadScenario(join(FOLDER, file)), temporaryFolder());
    const failed = report.steps.filter(({ failures }) => failures.length > 0);
    expect(failed.map(({ number, name, failures }) => ({ number, name, failures }))).toEqual([]);
    expect(report.day.ledgerSumMinor).toBe(0);
  });

  it('come out the same to the byte every time', async () => {
    const play = async () =>
      JSON.stringify(await playScenario(loadScenario(join(FOLDER, 'trading-day.yaml')), temporaryFolder()));
    expect(await play()).toBe(await play());
  });
});
