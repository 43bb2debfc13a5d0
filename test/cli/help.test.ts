import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../src/cli/catalogue.ts';
import { COMMAND_NAMES, possum } from './in-process.ts';

const SUBCOMMANDS: Readonly<Record<string, readonly string[]>> = {
  txn: ['list', 'show'],
  card: ['list', 'show'],
  keys: ['list', 'load', 'inject', 'generate', 'tamper', 'export-kcv'],
  decode: ['tlv', 'dol', 'apdu', 'sw', 'atr', 'track', 'tvr', 'tsi', 'aip', 'cid', 'cvm-list', 'iso8583'],
};

/** The options of a help text: what stands before the description, and the description. */
function optionsOf(help: string): readonly [string, string][] {
  const [, options = ''] = /\nOptions:\n([\s\S]*?)(?:\n\n|$)/.exec(help) ?? [];
  const entries: [string, string][] = [];
  for (const line of options.split('\n')) {
    const start = /^ {2}(-\S.*?)(?: {2,}(\S.*))?$/.exec(line);
    if (start !== null) entries.push([start[1] as string, start[2] ?? '']);
    else if (line.trim() !== '') (entries.at(-1) as [string, string])[1] += ` ${line.trim()}`;
  }
  return entries;
}

describe('possum --help', () => {
  it('lists every command there is', () => {
    expect(CATALOGUE.map(([name]) => name).sort()).toEqual([...COMMAND_NAMES].sort());
  });

  it.each(COMMAND_NAMES)(
    '%s has an example that begins with possum, and describes every option',
    async (name) => {
      const { code, stdout, stderr } = await possum(name, '--help');
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(new RegExp(`^Usage: possum ${name} `));
      expect(stdout).toMatch(new RegExp(`\\nExamples?:\\n {2}.*possum ${name}\\b`));
      for (const [option, about] of optionsOf(stdout)) expect([option, about.trim()]).not.toContain('');
      expect(stdout).not.toContain('\u001b');
    },
  );

  it.each(Object.entries(SUBCOMMANDS).flatMap(([name, subs]) => subs.map((sub) => [name, sub] as const)))(
    '%s %s describes itself, its arguments and every option',
    async (name, sub) => {
      const { code, stdout } = await possum(name, sub, '--help');
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^Usage: possum ${name} ${sub} `));
      expect(stdout).toMatch(/\n\n\S.+\n/);
      const options = optionsOf(stdout);
      expect(options.map(([option]) => option)).toContain('--json');
      for (const [option, about] of options) expect([option, about.trim()]).not.toContain('');
    },
  );

  it.each(Object.keys(SUBCOMMANDS))('%s alone exits 2 and shows what there is', async (name) => {
    const { code, stderr } = await possum(name);
    expect(code).toBe(2);
    for (const sub of SUBCOMMANDS[name] ?? []) expect(stderr).toContain(`  ${sub} `);
  });
});
