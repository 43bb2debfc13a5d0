import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { possum } from './in-process.ts';

/** Ways in which a command is given a file. */
const READERS: readonly [what: string, argv: (file: string) => readonly [string, ...string[]]][] = [
  ['a scenario', (file) => ['run', file]],
  ['a card of emv', (file) => ['emv', '--amount', '1.00', '--card', file]],
  ['a terminal of emv', (file) => ['emv', '--card', 'sda', '--amount', '1.00', '--terminal', file]],
  ['a host answer of emv', (file) => ['emv', '--card', 'sda', '--amount', '1.00', '--host', file]],
  ['a log of emv', (file) => ['emv', '--card', 'sda', '--amount', '1.00', '--log', file]],
  ['a terminal of txn', (file) => ['txn', 'list', '--terminal', file]],
  ['a host', (file) => ['host', '--config', file]],
  ['a card', (file) => ['card', 'show', file]],
  ['a profile', (file) => ['decode', 'iso8583', '--profile', file, '0800']],
];

const GARBAGE = Buffer.from(Array.from({ length: 2000 }, (_, i) => (i * 7919 + 13) % 256));

/** Files that are none of these, and what is said about them behind their name. */
const FILES: readonly [what: string, make: (path: string) => void, says: RegExp][] = [
  ['missing', () => {}, /^: cannot be read\. No such file; check the path\.$/],
  ['a folder', (path) => mkdirSync(path), /^: cannot be read\. It is a folder; name a file in it\.$/],
  ['empty', (path) => writeFileSync(path, ''), /^:1:1: /],
  ['a word', (path) => writeFileSync(path, 'hello'), /^:1:1: /],
  ['a number', (path) => writeFileSync(path, '42'), /^:1:1: /],
  ['binary garbage', (path) => writeFileSync(path, GARBAGE), /^:\d+:\d+: /],
  ['zeros', (path) => writeFileSync(path, Buffer.alloc(1000)), /^:\d+:\d+: /],
  ['a mebibyte of letters', (path) => writeFileSync(path, 'A'.repeat(1024 * 1024)), /^:1:1: /],
  ['an open bracket', (path) => writeFileSync(path, 'name: [1\n'), /^:\d+:\d+: not valid YAML: /],
  ['ten thousand brackets', (path) => writeFileSync(path, '['.repeat(10_000)), /^:\d+:\d+: /],
  ['an alias', (path) => writeFileSync(path, 'a: &a [1]\nb: *a\n'), /^:\d+:\d+: /],
  ['two documents', (path) => writeFileSync(path, 'a: 1\n---\nb: 2\n'), /^:\d+:\d+: /],
  ['a key twice', (path) => writeFileSync(path, 'name: a\nname: b\n'), /^:2:1: not valid YAML: .*unique/],
  ['another kind', (path) => writeFileSync(path, 'kind: teapot\nspout: 1\n'), /^:\d+:\d+: /],
];

describe.each(FILES)('a file that is %s', (_, make, says) => {
  it.each(READERS)('in place of %s exits 2 with its place', async (__, argv) => {
    const path = join(temporaryFolder(), 'file.yaml');
    make(path);
    const [command, ...rest] = argv(path);
    const { code, stdout, stderr } = await possum(command, ...rest);
    expect(stderr.slice(0, `possum: ${path}`.length)).toBe(`possum: ${path}`);
    expect(stderr.slice(`possum: ${path}`.length).trimEnd()).toMatch(says);
    expect(stderr).not.toContain('\n    at ');
    expect(stderr.length).toBeLessThan(600);
    expect([code, stdout]).toEqual([2, '']);
  });
});

describe('texts of files on the screen', () => {
  const EVIL = 'A\\u001b[31mRED\\u0007\\u009b2J\\u202eLTR';
  const CONTROL = /[^\P{Cc}\n]|[\u202a-\u202e]/u;

  function write(name: string, text: string): string {
    const path = join(temporaryFolder(), name);
    writeFileSync(path, text);
    return path;
  }

  const card = () =>
    write(
      'evil.yaml',
      `kind: magstripe\ndescription: "${EVIL}"\nproves: "${EVIL}"\nscheme: other\nstripe:
  track1: "B9990000000000011^${'POSSUM/STRIPE'}^30121010000012300000"\n  track2: 9990000000000011=30121010000012300000\n`,
    );

  const terminal = () =>
    write(
      'evil-terminal.yaml',
      `tid: '10000001'
merchant: { id: '898310048160001', name: "${EVIL}", address: ["${EVIL}"] }
keys: { initialKey: 6AC292FAA1315B4D858AB3A3D7D5933A, ksn: FFFF9876543210E00000 }
data: { 9F1A: '0840', 5F2A: '0840', 5F36: '02', 9F35: '22', 9F33: E0F8C8, 9F40: F000F0A001 }
aids: [{ aid: A0000000031010, match: partial, version: '0096', floorLimit: 0 }]
`,
    );

  it.each([
    ['card show', () => ['card', 'show', card()]],
    ['card show --json', () => ['card', 'show', '--json', card()]],
    [
      'sale',
      () => [
        'sale',
        '--card',
        'stripe-only',
        '--amount',
        '1.00',
        '--terminal',
        terminal(),
        '--data',
        temporaryFolder(),
      ],
    ],
    [
      'run',
      () => [
        'run',
        '--slips',
        write(
          'evil.yaml',
          `name: "${EVIL}"\nsteps: [{ name: "${EVIL}", check: true, expect: { receipt: ["${EVIL}"] } }]\n`,
        ),
      ],
    ],
    [
      'run with a wrong key',
      () => ['run', write('evil.yaml', `name: a\n"${EVIL}": 1\nsteps: [{ check: true }]\n`)],
    ],
    ['an option', () => ['run', '--\u001b[31m', 'x']],
    ['a file name', () => ['run', '\u001b[31m.yaml']],
    ['an unknown state', () => ['txn', 'list', '--state', '\u001b[31m']],
  ] as [string, () => [string, ...string[]]][])('cannot steer it: %s', async (_, make) => {
    const [command, ...argv] = make();
    const { stdout, stderr } = await possum(command, ...argv);
    const printed = stdout + stderr;
    expect(printed).toMatch(/RED|31m/);
    expect(printed).not.toMatch(CONTROL);
  });
});
